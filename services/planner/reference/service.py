"""Reason codes and approval rules of an area: what is there, and changes of it, each in the ledger."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES
from services.planner.reference.schemas import ApprovalRules, ApprovalRulesOut, ReasonCodeIn, ReasonCodeOut
from services.planner.reference.tables import ReferenceDatum
from shared import etag, ledger
from shared.errors import Unprocessable
from shared.principal import Principal
from shared.reasons import MEANINGS, OTHER

REASON_CODE, APPROVAL_RULES = "reason_code", "approval_rules"
RULES = "approval-rules"


def reason_codes(session: Session, who: Principal) -> dict[str, ReasonCodeOut]:
    """All codes of the area by name: the system's, then its own."""
    changed = {row.key: row for row in rows(session, who, REASON_CODE)}
    names = [*MEANINGS, *sorted(changed.keys() - MEANINGS.keys())]
    return {name: _reason_code(who, name, changed.get(name)) for name in names}


def put_reason_code(session: Session, who: Principal, code: str, version: int, wish: ReasonCodeIn) -> ReasonCodeOut:
    """Add or change a reason code; a system code can only be given other dates."""
    row = lock(session, who, REASON_CODE, code)
    etag.check(row.version, version)
    known = _reason_code(who, code, row) if row.version or code in MEANINGS else None
    content = _merged(known, wish).model_dump(mode="json")
    change(session, who, row, content)
    return _reason_code(who, code, row)


def approval_rules(session: Session, who: Principal) -> ApprovalRulesOut:
    found = list(rows(session, who, APPROVAL_RULES))
    return _rules(found[0]) if found else ApprovalRulesOut(version=0)


def put_approval_rules(session: Session, who: Principal, version: int, wish: ApprovalRules) -> ApprovalRulesOut:
    """Say what needs an approver from now on."""
    row = lock(session, who, APPROVAL_RULES, RULES)
    etag.check(row.version, version)
    change(session, who, row, wish.model_dump(mode="json"))
    return _rules(row)


def rows(session: Session, who: Principal, kind: str) -> Any:
    """The area's documents of a kind."""
    found = select(ReferenceDatum).where(ReferenceDatum.area == who.area.area, ReferenceDatum.kind == kind)
    return session.scalars(found)


def lock(session: Session, who: Principal, kind: str, key: str) -> ReferenceDatum:
    """The document, locked, so that of two changes the second sees the first; version 0 where there was none."""
    place = {"area": who.area.area, "kind": kind, "key": key}
    session.execute(insert(ReferenceDatum).values(**place, version=0, content={}).on_conflict_do_nothing())
    return session.get_one(ReferenceDatum, tuple(place.values()), with_for_update=True)


def change(session: Session, who: Principal, row: ReferenceDatum, content: Mapping[str, Any]) -> None:
    """Store a new version with its ledger entry."""
    row.version += 1
    body = {"before": row.content or None, "after": content, "version": row.version}
    row.content = dict(content)
    ledger.append(session, TABLES, who, row.kind, row.key, body)


def _merged(known: ReasonCodeOut | None, wish: ReasonCodeIn) -> ReasonCodeIn:
    """The code as wished, with what was left out as it is known. 422 where it cannot be."""
    if known is None and wish.meaning is None:
        raise _invalid(["meaning"], "is required for a new code")
    fixed = {"meaning": wish.meaning, "note_required": wish.note_required}
    differing = [name for name, value in fixed.items() if value is not None and value != getattr(known, name, value)]
    if known and known.system and differing:
        raise _invalid(differing, "is fixed for a system code")
    if known is None:
        return wish.model_copy(update={"note_required": bool(wish.note_required)})
    kept = {name: getattr(known, name) for name, value in fixed.items() if value is None}
    return wish.model_copy(update=kept)


def _invalid(names: list[str], detail: str) -> Unprocessable:
    errors = [{"pointer": f"#/{name}", "detail": detail} for name in names]
    return Unprocessable("The reason code cannot be changed like this.", errors=errors)


def _reason_code(who: Principal, code: str, row: ReferenceDatum | None) -> ReasonCodeOut:
    """A code as it stands; what a system code means is said here, whatever is stored."""
    system = code in MEANINGS
    stored = ReasonCodeIn.model_validate(row.content) if row and row.content else ReasonCodeIn()
    out = ReasonCodeOut(
        code=code,
        meaning=MEANINGS[code] if system else stored.meaning or "",
        note_required=code == OTHER if system else bool(stored.note_required),
        active_from=stored.active_from,
        active_until=stored.active_until,
        system=system,
        active=True,
        version=row.version if row else 0,
    )
    return out.model_copy(update={"active": out.inactive_on(who.area.today()) is None})


def _rules(row: ReferenceDatum) -> ApprovalRulesOut:
    return ApprovalRulesOut.model_validate(row.content | {"version": row.version})
