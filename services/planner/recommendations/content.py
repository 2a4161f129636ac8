"""What is proposed, as it is stored: one text, and the columns that repeat parts of it for filters."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, or_

from services.planner.recommendations.content_schemas import ORDERS, Content
from services.planner.recommendations.tables import Recommendation
from shared import ledger

IS_ORDER = or_(  # a new one: an order under way can be expedited too
    Recommendation.type.in_(set(ORDERS) - {"expedite"}),
    and_(Recommendation.type == "expedite", Recommendation.content["change"]["reference"].as_string().is_(None)),
)
MODES = {"buy": "buy", "produce": "make", "transfer": "transfer"}  # of sourcing, by type; an expedited order has any
COLUMNS = ("type", "item", "location", "net_benefit", "cost_of_inaction", "route")


def text(content: Content) -> str:
    """The one text of a content; money is written as decimal strings."""
    return ledger.canonical(content.model_dump(mode="json", by_alias=True))


def columns(content: Content) -> dict[str, Any]:
    """What `COLUMNS` hold of a content. Of data to be mended, reviews and models nobody can tell it."""
    told = content.capacity or content.change or content.disposal
    benefit = inaction = told.net_benefit if told else content.bias.value_added if content.bias else Decimal(0)
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
