"""`python -m services.planner serve|work|migrate|openapi|verify`: each imports what it needs, no more."""

# ruff: noqa: PLC0415
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from shared import command


def serve() -> ASGIApp:
    from services.planner.app import create_app
    from services.planner.settings import Settings

    return create_app(Settings())


def openapi() -> Mapping[str, Any]:
    from services.planner.app import contract

    return contract()


def work() -> None:
    from services.planner import jobs
    from services.planner.settings import Settings

    jobs.run(Settings())


def verify(file: Path, known: Sequence[str]) -> int:
    from services.planner.ledger import audit

    return audit.command(file, known)


if __name__ == "__main__":
    command.main("planner", serve=serve, openapi=openapi, work=work, verify=verify)
