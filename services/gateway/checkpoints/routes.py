"""Checkpoints and the proof of the ledgers over HTTP."""

from typing import Annotated

from fastapi import Query, Request

from services.gateway.auth import Admitted, Caller, UnknownArea
from services.gateway.checkpoints import service
from services.gateway.checkpoints.schemas import CheckpointOut
from services.gateway.database import Read
from services.gateway.once import SealedRoute
from shared import app
from shared.app import problems
from shared.ledger import VerificationOut
from shared.principal import Principal
from shared.schemas import Key

MOST_TOKEN = 4000
router = app.router(route_class=SealedRoute, prefix="/v1/areas/{area}", tags=["Recommendations and decisions"])


@router.get("/decisions/checkpoint", operation_id="get_checkpoint", responses=problems(502, 503, 504))
async def checkpoint(area: Key, who: Admitted, request: Request) -> CheckpointOut:
    """Sign where the area's chains stand now. Keep it: later it proves what was there."""
    state = request.app.state
    return await service.take(state.database, state.upstreams, await _inside(request, who, area))


@router.post("/decisions:verify", operation_id="verify_decisions", responses=problems(502, 503, 504))
async def verify(
    area: Key,
    who: Admitted,
    session: Read,
    request: Request,
    checkpoint: Annotated[
        str | None, Query(max_length=MOST_TOKEN, description="A checkpoint's `token`; by default the newest one.")
    ] = None,
) -> VerificationOut:
    """Recompute the chains and what follows from them, and name the first place of each that does not hold.

    They are held against a checkpoint as well, so that entries that were cut off or made anew show.
    """
    noted = await service.known(session, area, checkpoint)
    found = await service.verified(request.app.state.upstreams, await _inside(request, who, area), noted)
    return VerificationOut.model_validate(found)


async def _inside(request: Request, who: Caller, area: str) -> Principal:
    profile = await request.app.state.directory.area(area)
    if profile is None:
        raise UnknownArea("There is no such area.")
    return who.inside(profile)
