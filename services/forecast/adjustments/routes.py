"""Adjustments over HTTP."""

from uuid import UUID

from services.forecast.adjustments import service
from services.forecast.adjustments.schemas import AdjustmentIn, AdjustmentOut
from services.forecast.adjustments.tables import Adjustment
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read, Write
from shared.paging import Page, Paging, page
from shared.principal import Caller

router = strict_router(tags=["Forecasts"])


@router.post("/adjustments", operation_id="adjust", status_code=201, responses=problems(400, 409, 413, 415))
def adjust(body: AdjustmentIn, who: Caller, session: Write) -> AdjustmentOut:
    """Record what the forecast does not know; the next consensus forecast holds it."""
    return AdjustmentOut.model_validate(service.adjust(session, who, body))


@router.get("/adjustments", operation_id="list_adjustments", responses=problems())
def list_adjustments(who: Caller, session: Read, asked: Paging, standing: bool | None = None) -> Page[AdjustmentOut]:
    """List adjustments in the order in which they are applied; `standing` tells those that were not withdrawn."""
    found = service.adjustments(who.area.area, standing=standing)
    rows, cursor = page(session, found, (Adjustment.sequence,), asked)
    return Page(items=[AdjustmentOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.delete("/adjustments/{adjustment}", operation_id="withdraw_adjustment", responses=problems(409))
def withdraw(adjustment: UUID, who: Caller, session: Write) -> AdjustmentOut:
    """Withdraw an adjustment: forecasts that were made with it keep it, later ones do not have it."""
    return AdjustmentOut.model_validate(service.withdraw(session, who, adjustment))
