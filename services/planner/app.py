"""The planner's HTTP application: supply in, plans and recommendations out, decisions recorded."""

from typing import Any

from fastapi import FastAPI

from services.planner.automation import routes as automation
from services.planner.comments import routes as comments
from services.planner.cycles import routes as cycles
from services.planner.kpis import routes as kpis
from services.planner.ledger import routes as ledger
from services.planner.outcomes import routes as outcomes
from services.planner.plans import routes as plans
from services.planner.production import routes as production
from services.planner.recommendations import routes as recommendations
from services.planner.reference import routes as reference
from services.planner.scenarios import routes as scenarios
from services.planner.settings import Settings
from services.planner.supply import routes as supply
from services.planner.supply.service import HOME
from shared import app
from shared.imports.routes import router as imports

ROUTERS = (
    supply.router,
    production.router,
    scenarios.router,
    plans.router,
    kpis.router,
    recommendations.router,
    automation.router,
    outcomes.router,
    cycles.router,
    comments.router,
    reference.router,
    ledger.router,
    imports(HOME, "supply_"),
)


def create_app(settings: Settings) -> FastAPI:
    return app.create_upstream("planner", settings, ROUTERS)


def contract() -> dict[str, Any]:
    """The OpenAPI document, made without settings or database."""
    return app.document("Accord planner", ROUTERS)
