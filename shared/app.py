"""How a service's HTTP application is put together."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from shared import errors, jobs, migrate
from shared.db import Database
from shared.http import RequestId
from shared.idempotency import HEADER, Replayed
from shared.principal import Verifier
from shared.protocol import ON_STOP
from shared.schemas import Schema
from shared.settings import UpstreamSettings
from shared.waiting import PatientRoute
from shared.watcher import Watcher


class HealthOut(Schema):
    """`checks` names each part and what is wrong with it, or "ok"."""

    status: str
    checks: dict[str, str]


class ProblemOut(Schema):
    """RFC 9457 problem; `type` is a page of docs/errors.md, `instance` the request id."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None
    retryable: bool
    errors: list[dict[str, str]] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: its problems, each with the one problem schema."""
    return dict.fromkeys(sorted({400, 401, 403, 404, 422, *statuses}), _PROBLEM)


_PROBLEM = {
    "description": "Problem",
    "content": {errors.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
}


def router(*, route_class: type[APIRoute] = PatientRoute, **options: Any) -> APIRouter:
    """A feature's router: strict bodies and parameters, and POSTs that can be sent again."""
    return APIRouter(route_class=route_class, **options)


def create_upstream(service: str, settings: UpstreamSettings, routers: Iterable[APIRouter]) -> FastAPI:
    """The API process of a service behind the gateway."""
    database = Database(settings.database_url, pool_size=settings.pool_size)

    watcher = Watcher(database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {ON_STOP: watcher.stop}
        database.dispose()

    app = create(f"Accord {service}", lifespan)
    app.add_middleware(RequestId)
    app.state.database = database
    app.state.watcher = watcher
    app.state.settings = settings
    app.state.verifier = Verifier(service, settings.identity_secret.get_secret_value())
    for feature in routers:
        app.include_router(feature, prefix="/v1/areas/{area}")
    app.include_router(_health(service, database, settings.lease_seconds))
    return app


async def _replay(_: Request, replayed: Exception) -> Response:
    assert isinstance(replayed, Replayed)  # noqa: S101
    return replayed.response


def create(title: str, lifespan: Callable[[FastAPI], Any]) -> FastAPI:
    """An application that answers every error as a problem."""
    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    errors.install(app)
    app.add_exception_handler(Replayed, _replay)
    return app


def document(title: str, routers: Iterable[APIRouter], prefix: str = "/v1/areas/{area}") -> dict[str, Any]:
    """The OpenAPI document of the routers' operations, without settings or database."""
    app = FastAPI()
    for feature in routers:
        app.include_router(feature, prefix=prefix)
    contract = get_openapi(title=title, version="1", routes=app.routes, separate_input_output_schemas=False)
    contract.setdefault("components", {}).setdefault("schemas", {})["ProblemOut"] = ProblemOut.model_json_schema()
    for methods in contract["paths"].values():
        if "post" in methods:
            methods["post"].setdefault("parameters", []).append(_IDEMPOTENCY)
            methods["post"]["responses"] |= {"409": _PROBLEM}
        if "get" in methods:
            methods["get"].setdefault("parameters", []).append(_IF_NONE_MATCH)
            methods["get"]["responses"] |= {"304": {"description": "As the caller has it already"}}
        for operation in methods.values():
            if "requestBody" in operation:
                operation["responses"] |= {"413": _PROBLEM, "415": _PROBLEM}
    return contract


_IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Chosen by the caller. The same request, sent again with it within three days, has its effect once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}

_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "An ETag that was read before: 304 where the answer is still the same.",
    "schema": {"type": "string"},
}


def _health(service: str, database: Database, lease: float) -> APIRouter:
    health = APIRouter(prefix="/v1/health", include_in_schema=False)

    @health.get("/live")
    async def live() -> HealthOut:
        return HealthOut(status="live", checks={})

    @health.get("/ready")
    def ready(_: Request) -> JSONResponse:
        """200 when this process can serve; `worker` is told but does not decide."""
        with database.read() as session:
            checks = {
                "database": "ok",
                "migrations": "ok" if migrate.is_current(session, service) else "behind this code",
                "worker": "ok" if jobs.live_workers(session, lease) else "none alive",
            }
        return health_response(checks, deciding=("database", "migrations"))

    return health


def health_response(checks: Mapping[str, str], deciding: Iterable[str]) -> JSONResponse:
    """200 when all `deciding` checks are ok, else 503; the body tells all of them."""
    fine = all(checks[name] == "ok" for name in deciding)
    body = HealthOut(status="ready" if fine else "not ready", checks=dict(checks))
    return JSONResponse(body.model_dump(), status_code=200 if fine else 503)
