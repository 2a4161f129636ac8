"""Does the ledger hold, and does what was made of it (promotions, challengers, rules, adjustments) say the same?"""

import json
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.adjustments import service as adjustments
from services.forecast.ledger.tables import TABLES, Entry
from services.forecast.models import approvals, challengers, promotions, rules
from services.forecast.models.tables import Approval, Challenger, Promotion, PromotionRules, TrainingSchedule
from shared import ledger
from shared.ledger import Finding, Known


def verify(session: Session, area: str, known: Known | None = None) -> tuple[int, Finding | None]:
    """How many entries hold, and the first place where the chain or what was made of it does not."""
    entries, finding = ledger.verify(session, TABLES, area, known)
    parts = (_promotions, _challengers, _rules, _approvals, _adjustments)
    return entries, finding or next(filter(None, (part(session, area) for part in parts)), None)


def _promotions(session: Session, area: str) -> Finding | None:
    logged = select(Entry).where(Entry.area == area, Entry.action.in_(("promote", "rollback"))).order_by(Entry.sequence)
    stored = session.scalars(promotions.promotions(area).order_by(Promotion.sequence)).all()
    by_sequence = {row.sequence: (promotions.facts(row), row.promoted_by, row.action) for row in stored}
    for entry in session.scalars(logged):
        facts: dict[str, Any] = json.loads(entry.content)["body"]
        if by_sequence.pop(facts["sequence"], None) != (facts, entry.actor, entry.action):
            return Finding(entry.sequence, f"promotion {facts['sequence']} is not what was logged")
    if by_sequence:
        return Finding(0, f"promotion {min(by_sequence)} was never logged")
    return None


def _rules(session: Session, area: str) -> Finding | None:
    """Whether the promotion rules and the training schedule that hold are those that were logged last."""
    for table, subject in rules.SUBJECTS.items():
        row = cast("PromotionRules | TrainingSchedule | None", session.get(table, area))
        logged = select(Entry).where(Entry.area == area, Entry.action == table.__tablename__)
        entry = session.scalar(logged.order_by(Entry.sequence.desc()).limit(1))
        if entry is None:
            if row is not None:
                return Finding(0, f"{subject} was never logged")
            continue
        facts: dict[str, Any] = json.loads(entry.content)["body"]
        if row is None or rules.facts(row) != facts:
            return Finding(entry.sequence, f"version {facts['version']} of {subject} is not what was logged")
    return None


def _challengers(session: Session, area: str) -> Finding | None:
    logged = select(Entry).where(Entry.area == area, Entry.action == challengers.CHALLENGE).order_by(Entry.sequence)
    stored = session.scalars(challengers.challengers(area).order_by(Challenger.sequence)).all()
    left = {row.sequence: (challengers.facts(row), row.marked_by) for row in stored}
    for entry in session.scalars(logged):
        facts: dict[str, Any] = json.loads(entry.content)["body"]
        if left.pop(facts["sequence"], None) != (facts, entry.actor):
            return Finding(entry.sequence, f"challenger {facts['sequence']} is not what was logged")
    return Finding(0, f"challenger {min(left)} was never logged") if left else None


def _approvals(session: Session, area: str) -> Finding | None:
    """Whether what is stored of approvals of models is what was logged of them."""
    stored = {row.sequence: row for row in session.scalars(select(Approval).where(Approval.area == area))}
    logged = select(Entry).where(Entry.area == area, Entry.action.in_(approvals.ACTIONS.values()))
    for entry in session.scalars(logged.order_by(Entry.sequence)):
        row, facts = stored.pop(entry.sequence, None), json.loads(entry.content)["body"]
        if row is None or (approvals.facts(row), row.decided_by) != (facts, entry.actor):
            return Finding(entry.sequence, f"the approval of model version {facts['version']} is not what was logged")
    return Finding(min(stored), "an approval of a model version was never logged") if stored else None


def _adjustments(session: Session, area: str) -> Finding | None:
    """Whether what is stored of adjustments is what was logged of them, and only what was withdrawn is so."""
    logged = select(Entry).where(Entry.area == area, Entry.action.in_((adjustments.ADJUST, adjustments.WITHDRAW)))
    stored = {str(row.id): row for row in session.scalars(adjustments.adjustments(area))}
    left = dict(stored)
    withdrawn = set()
    for entry in session.scalars(logged.order_by(Entry.sequence)):
        row, facts = stored.get(entry.subject), json.loads(entry.content)["body"]
        if row is None or adjustments.facts(row) != facts:
            return Finding(entry.sequence, f"adjustment {entry.subject} is not what was logged")
        if entry.action == adjustments.WITHDRAW:
            withdrawn.add(entry.subject)
            if row.withdrawn_by != entry.actor:
                return Finding(entry.sequence, f"adjustment {entry.subject} is not withdrawn as was logged")
        else:
            left.pop(entry.subject, None)
            if (row.author, row.sequence) != (entry.actor, entry.sequence):
                return Finding(entry.sequence, f"adjustment {entry.subject} is not what was logged")
    never = [name for name, row in stored.items() if name in left or (row.withdrawn_at and name not in withdrawn)]
    return Finding(0, f"what became of adjustment {min(never)} was never logged") if never else None
