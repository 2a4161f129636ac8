"""The log of recommendations and decisions over HTTP, and its proof."""

from typing import Annotated

from fastapi import Query

from services.planner.ledger import service
from services.planner.ledger.schemas import EntryOut
from services.planner.ledger.tables import Entry
from shared import app
from shared.app import problems
from shared.db import Read
from shared.ledger import VerificationOut
from shared.paging import Page, Paging, page
from shared.principal import Caller

router = app.router(tags=["Recommendations and decisions"])


@router.get("/decisions", operation_id="list_decisions", responses=problems())
def list_decisions(
    who: Caller,
    session: Read,
    asked: Paging,
    after: Annotated[int, Query(ge=0, lt=2**31, description="The last sequence that is known already.")] = 0,
) -> Page[EntryOut]:
    """List the ledger's entries in their order: what was recommended, decided and released."""
    rows, cursor = page(session, service.log(who, after), (Entry.sequence,), asked)
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


@router.post("/decisions:verify", operation_id="verify_decisions", responses=problems())
def verify_decisions(who: Caller, session: Read) -> VerificationOut:
    """Recompute the chain and what follows from it, and name the first place that does not hold."""
    return service.verify(session, who)
