"""Checkpoints and the proof of the ledgers over HTTP."""

from typing import Annotated

from fastapi import Query, Request

from services.gateway.auth import Inside
from services.gateway.checkpoints import service
from services.gateway.checkpoints.schemas import CheckpointOut
from services.gateway.database import Read
from services.gateway.once import SealedRoute
from shared import app
from shared.app import problems
from shared.ledger import VerificationOut
from shared.schemas import Key

MOST_TOKEN = 4000
router = app.router(route_class=SealedRoute, prefix="/v1/areas/{area}", tags=["Recommendations and decisions"])


@router.get("/decisions/checkpoint", operation_id="get_checkpoint", responses=problems(502, 503, 504))
async def checkpoint(
    area: Key,  # noqa: ARG001  as `who` has it
    who: Inside,
    request: Request,
) -> CheckpointOut:
    """Sign where the area's chains stand now. Keep it: later it proves what was there."""
    state = request.app.state
    return await service.take(state.database, state.upstreams, who)


@router.post("/decisions:verify", operation_id="verify_decisions", responses=problems(502, 503, 504))
async def verify(
    area: Key,
    who: Inside,
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
    found = await service.verified(request.app.state.upstreams, who, noted)
    return VerificationOut.model_validate(found)
