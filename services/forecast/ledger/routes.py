from services.forecast.ledger import service
from services.forecast.ledger.tables import TABLES
from shared import ledger
from shared.app import router as strict_router
from shared.db import Read
from shared.ledger import HeadOut, Known, Noted, VerificationOut
from shared.principal import Caller

router = strict_router(tags=["Decisions"])


@router.get("/decisions/head", operation_id="get_forecast_head", include_in_schema=False)
def get_head(who: Caller, session: Read) -> HeadOut:
    """Show where the chain stands: the gateway signs it in checkpoints."""
    return ledger.head(session, TABLES, who.area.area, "forecast")


@router.post("/decisions:verify", operation_id="verify_forecast_ledger", include_in_schema=False)
def verify(who: Caller, session: Read, known: Noted = None) -> VerificationOut:
    """Recompute the hash chain, and hold promotions, their rules, approvals and adjustments against it."""
    entries, finding = service.verify(session, who.area.area, Known.parse(known) if known else None)
    return VerificationOut.of("forecast", entries, finding)
