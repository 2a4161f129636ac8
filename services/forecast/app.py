"""The forecast service's API process. It knows nothing of pandas, XGBoost or MLflow: only the worker does."""

from typing import Any

from fastapi import FastAPI

from services.forecast.accuracy import routes as accuracy
from services.forecast.adjustments import routes as adjustments
from services.forecast.datasets import routes as datasets
from services.forecast.demand import routes as demand
from services.forecast.drivers import routes as drivers
from services.forecast.explanations import routes as explanations
from services.forecast.explanations.process import ExplainingProcess
from services.forecast.external import routes as external
from services.forecast.forecasts import routes as forecasts
from services.forecast.items import routes as items
from services.forecast.ledger import routes as ledger
from services.forecast.models import routes as models
from services.forecast.monitoring import metrics
from services.forecast.monitoring import routes as monitoring
from services.forecast.rivals import routes as rivals
from services.forecast.settings import Settings
from services.forecast.waterfall import routes as waterfall
from shared import app
from shared.imports.routes import router as imports

SERVICE = "forecast"
ROUTERS = (
    items.router,
    demand.router,
    drivers.router,
    models.router,
    datasets.router,
    forecasts.router,
    adjustments.router,
    waterfall.router,
    explanations.router,
    external.router,
    accuracy.router,
    rivals.router,
    monitoring.router,
    ledger.router,
    imports("imports"),
)


def create_app(settings: Settings) -> FastAPI:
    service = app.create_upstream(SERVICE, settings, ROUTERS)
    service.include_router(metrics.router)
    service.state.explaining = ExplainingProcess(settings)
    return service


def contract() -> dict[str, Any]:
    """The OpenAPI document, made without settings or database."""
    return app.document("Accord forecast", ROUTERS)
