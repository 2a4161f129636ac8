import asyncio
from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError

from services.gateway.database import Database
from services.gateway.upstream import Upstream
from shared import migrate
from shared.app import HealthOut, health_response


def router(database: Database, upstreams: Iterable[Upstream]) -> APIRouter:
    """Liveness, and readiness of the whole installation as callers see it."""
    health = APIRouter(prefix="/v1/health", include_in_schema=False)

    @health.get("/live")
    async def live() -> HealthOut:
        return HealthOut(status="live", checks={})

    @health.get("/ready")
    async def ready() -> JSONResponse:
        """200 when the gateway's database is current and every service, its worker included, is ready."""
        services = list(upstreams)
        states = await asyncio.gather(_migrations(database), *(service.health() for service in services))
        names = ["migrations", *(service.name for service in services)]
        return health_response(dict(zip(names, states, strict=True)), deciding=names)

    return health


async def _migrations(database: Database) -> str:
    try:
        async with database.read() as session:
            current = await session.run_sync(lambda inner: migrate.is_current(inner, "gateway"))
    except (DBAPIError, TimeoutError):
        return "the database does not answer"
    return "ok" if current else "behind this code"
