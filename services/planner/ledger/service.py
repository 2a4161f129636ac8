"""The ledger's entries, and the check of everything that rests on them."""

import json

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.planner.ledger import verification
from services.planner.ledger.schemas import EntryOut
from services.planner.ledger.tables import TABLES, Entry
from shared import ledger
from shared.ledger import HeadOut, Known, VerificationOut
from shared.principal import Principal


def log(who: Principal, after: int) -> Select[Entry]:
    return select(Entry).where(Entry.area == who.area.area, Entry.sequence > after)


def out(entry: Entry) -> EntryOut:
    return EntryOut(**{name: getattr(entry, name) for name in ledger.FIELDS}, body=json.loads(entry.content)["body"])


def head(session: Session, who: Principal) -> HeadOut:
    return ledger.head(session, TABLES, who.area.area, "planner")


def verify(session: Session, who: Principal, known: Known | None) -> VerificationOut:
    """The chain itself; where it holds, the recommendations' content and their states as well."""
    area = who.area.area
    entries, finding = ledger.verify(session, TABLES, area, known)
    return VerificationOut.of("planner", entries, finding or verification.fault(session, area))
