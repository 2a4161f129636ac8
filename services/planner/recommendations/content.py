"""What a plan proposes, as it is stored: one text, and the columns that repeat parts of it for filters."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, or_

from services.planner.recommendations.schemas import ORDERS, Content
from services.planner.recommendations.tables import Recommendation
from shared import ledger

IS_ORDER = or_(  # a new one: an order under way can be expedited too
    Recommendation.type.in_(set(ORDERS) - {"expedite"}),
    and_(Recommendation.type == "expedite", Recommendation.content["change"]["reference"].as_string().is_(None)),
)
COLUMNS = ("type", "item", "location", "net_benefit", "cost_of_inaction", "route")


def text(content: Content) -> str:
    """The one text of a content; money is written as decimal strings."""
    return ledger.canonical(content.model_dump(mode="json", by_alias=True))


def columns(content: Content) -> dict[str, Any]:
    """What `COLUMNS` hold of a content. Where data are to be mended, nothing is at stake."""
    nothing = Decimal(0)
    benefit = inaction = content.capacity.net_benefit if content.capacity else nothing
    if content.change is not None:
        benefit = inaction = content.change.net_benefit
    if content.disposal is not None:
        benefit = inaction = content.disposal.net_benefit
    if content.bias is not None:
        benefit = inaction = content.bias.value_added
    if content.order is not None:
        benefit, inaction = content.order.net_benefit, content.order.cost_of_inaction.mean
    return {
        "type": content.type,
        "item": content.item,
        "location": content.location,
        "net_benefit": benefit,
        "cost_of_inaction": inaction,
        "route": content.route,
    }


def digest(texts: Iterable[str]) -> str:
    """SHA-256 over the texts of a plan's recommendations in the order of their ids, one a line."""
    sha = hashlib.sha256()
    for line in texts:
        sha.update(line.encode("ascii") + b"\n")
    return sha.hexdigest()
