"""Does the ledger hold, and do the promotions say what the ledger says?"""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES, Entry
from services.forecast.models import promotions
from services.forecast.models.tables import Promotion
from shared import ledger
from shared.ledger import Finding, Known


def verify(session: Session, area: str, known: Known | None = None) -> tuple[int, Finding | None]:
    """How many entries hold, and the first place where the chain or what was made of it does not."""
    entries, finding = ledger.verify(session, TABLES, area, known)
    return entries, finding or _promotions(session, area)


def _promotions(session: Session, area: str) -> Finding | None:
    logged = select(Entry).where(Entry.area == area, Entry.action == "promote").order_by(Entry.sequence)
    stored = session.scalars(promotions.promotions(area).order_by(Promotion.sequence)).all()
    by_sequence = {row.sequence: (promotions.facts(row), row.promoted_by) for row in stored}
    for entry in session.scalars(logged):
        facts: dict[str, Any] = json.loads(entry.content)["body"]
        if by_sequence.pop(facts["sequence"], None) != (facts, entry.actor):
            return Finding(entry.sequence, f"promotion {facts['sequence']} is not what was logged")
    if by_sequence:
        return Finding(0, f"promotion {min(by_sequence)} was never logged")
    return None
