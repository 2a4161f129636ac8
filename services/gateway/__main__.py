"""`python -m services.gateway serve|migrate|openapi`. What a command does not need is not imported for it."""

# ruff: noqa: PLC0415
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from shared import command


def serve() -> ASGIApp:
    from services.gateway.app import create_app
    from services.gateway.settings import GatewaySettings

    return create_app(GatewaySettings())


def openapi() -> Mapping[str, Any]:
    from services.gateway import app

    return app.openapi()


if __name__ == "__main__":
    command.main("gateway", serve=serve, openapi=openapi)
