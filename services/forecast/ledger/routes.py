from services.forecast.ledger import service
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.ledger import VerificationOut
from shared.principal import Caller

router = strict_router(tags=["Decisions"])


@router.post("/decisions:verify", operation_id="verify_forecast_ledger", responses=problems())
def verify(who: Caller, session: Read) -> VerificationOut:
    """Recompute the hash chain of promotions, and hold the promotions against it."""
    entries, finding = service.verify(session, who.area.area)
    return VerificationOut.of("forecast", entries, finding)
