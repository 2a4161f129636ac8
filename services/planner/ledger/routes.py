"""The log of recommendations and decisions over HTTP, and its proof."""

from typing import Annotated

from fastapi import Query, Request, Response

from services.planner.ledger import export, service
from services.planner.ledger.schemas import EntryOut
from services.planner.ledger.tables import Entry
from shared import app
from shared.app import problems
from shared.db import Read
from shared.export import AS_TABLE, stream
from shared.ledger import HeadOut, Known, Noted, VerificationOut
from shared.media import JSON, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller

router = app.router(tags=["Recommendations and decisions"])


@router.get(
    "/decisions",
    operation_id="list_decisions",
    response_model=Page[EntryOut],
    responses=problems(406) | AS_TABLE,
)
def list_decisions(
    who: Caller,
    session: Read,
    request: Request,
    asked: Paging,
    after: Annotated[int, Query(ge=0, lt=2**31, description="The last sequence that is known already.")] = 0,
) -> Page[EntryOut] | Response:
    """List the ledger's entries in their order: JSON by pages, every other format all of them after `after`.

    `python -m services.planner verify FILE` proves an export as NDJSON without the service.
    """
    media = wanted(request, *TABLES)
    entries = service.log(who, after)
    if media != JSON:
        return stream(media, export.SCHEMA, export.batches(request.app.state.database, entries))
    rows, cursor = page(session, entries, (Entry.sequence,), asked)
    return Page(items=[service.out(row) for row in rows], next_cursor=cursor)


@router.get("/decisions/head", operation_id="get_planner_head", include_in_schema=False)
def get_head(who: Caller, session: Read) -> HeadOut:
    """Show where the chain stands: the gateway signs it in checkpoints."""
    return service.head(session, who)


@router.post("/decisions:verify", operation_id="verify_planner_ledger", include_in_schema=False)
def verify_decisions(who: Caller, session: Read, known: Noted = None) -> VerificationOut:
    """Recompute the chain and what follows from it, and name the first place that does not hold."""
    return service.verify(session, who, Known.parse(known) if known else None)
