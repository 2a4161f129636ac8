"""KPIs over HTTP."""

from services.planner.kpis import service
from services.planner.kpis.schemas import KpiOut
from shared import app
from shared.app import problems
from shared.db import Read
from shared.principal import Caller

router = app.router(tags=["Plans"])


@router.get("/kpis", operation_id="get_kpis", responses=problems(409))
def get_kpis(who: Caller, session: Read) -> KpiOut:
    """Show inventory, turns, fill rate, margin, OTIF, cycle time, utilisation, excess, accuracy, carbon, stability."""
    return service.kpis(session, who)
