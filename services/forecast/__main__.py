"""`python -m services.forecast serve|work|migrate|openapi`. What a command does not need is not imported for it."""

# ruff: noqa: PLC0415
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from shared import command


def serve() -> ASGIApp:
    from services.forecast.app import create_app
    from services.forecast.settings import Settings

    return create_app(Settings())


def openapi() -> Mapping[str, Any]:
    from services.forecast.app import contract

    return contract()


def work() -> None:
    from services.forecast import jobs
    from services.forecast.settings import Settings

    jobs.work(Settings())


if __name__ == "__main__":
    command.main("forecast", serve=serve, openapi=openapi, work=work)
