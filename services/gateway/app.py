import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from services.gateway import bootstrap, contract, docs, health, upkeep
from services.gateway.access import OPERATIONS
from services.gateway.areas.routes import router as areas
from services.gateway.auth import Gate, admitted
from services.gateway.checkpoints import service as signed
from services.gateway.checkpoints.routes import router as checkpoints
from services.gateway.cors import Cors
from services.gateway.database import Database
from services.gateway.directory import Directory
from services.gateway.entrance import Entrance, Refusals
from services.gateway.events.following import Following
from services.gateway.events.routes import router as events
from services.gateway.keys.routes import router as keys
from services.gateway.limits import Limits
from services.gateway.principals.routes import router as principals
from services.gateway.retention import FORGET_SECONDS, forget
from services.gateway.routing import Routes
from services.gateway.settings import GatewaySettings
from services.gateway.upstream import Upstream
from services.gateway.webhooks import delivery
from services.gateway.webhooks.routes import router as webhooks
from shared import app as shared_app
from shared.http import RequestId
from shared.protocol import ON_STOP

FEATURES = (areas, principals, keys, checkpoints, events, webhooks)


def create_app(settings: GatewaySettings) -> ASGIApp:
    """The gateway: its own operations, and the way to the services for all others."""
    database = Database(settings.database_url, pool_size=settings.pool_size)
    upstreams = _upstreams(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        await bootstrap.install(database, settings)
        await signed.install(database)
        async with AsyncExitStack() as connections:
            for upstream in upstreams.values():
                await connections.enter_async_context(upstream.open())
            app.state.happened = asyncio.Event()
            app.state.sender = sender = delivery.Sender(private=settings.webhooks_private)
            app.state.following = following = Following(database)
            work = [
                upkeep.every(settings.checkpoint_seconds, partial(signed.take_all, database, upstreams)),
                upkeep.every(FORGET_SECONDS, partial(forget, database, settings.event_days)),
                following.look(),
                *(upstream.watch() for upstream in upstreams.values()),
                *(delivery.keep(database, sender, app.state.happened) for _ in range(delivery.SENDERS)),
            ]
            async with upkeep.beside(work):
                yield {ON_STOP: following.end}
            await sender.close()
        await database.dispose()

    inside = shared_app.create("Accord gateway", lifespan)
    directory = Directory(database, settings.cache_seconds)
    inside.state.database, inside.state.directory, inside.state.settings = database, directory, settings
    inside.state.upstreams = upstreams
    inside.router.routes.append(Refusals())
    for router in FEATURES:
        inside.include_router(router, dependencies=[Depends(admitted)])
    for router in (health.router(database, upstreams.values()), docs.router()):
        inside.include_router(router)
    inside.mount(docs.FILES, docs.page_files())
    gate = Gate(directory, settings.environment)
    entrance = Entrance(inside, Routes(OPERATIONS), gate, Limits(settings), upstreams)
    return RequestId(Cors(entrance, settings.cors_origins) if settings.cors_origins else entrance)


def _upstreams(settings: GatewaySettings) -> dict[str, Upstream]:
    forecast, planner = settings.forecast_identity_secret, settings.planner_identity_secret
    return {
        "forecast": Upstream("forecast", settings.forecast_url, forecast.get_secret_value(), settings),
        "planner": Upstream("planner", settings.planner_url, planner.get_secret_value(), settings),
    }


def openapi() -> dict[str, Any]:
    """The merged contract, from the services' committed documents and the gateway's own routes."""
    own = shared_app.document("Accord gateway", FEATURES, prefix="")
    return contract.merged({"gateway": own, "forecast": contract.read("forecast"), "planner": contract.read("planner")})
