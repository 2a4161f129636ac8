"""`python -m services.NAME serve|work|migrate|openapi|verify`. Each command imports what it needs, no more."""

import argparse
import json
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from shared import observe


def main(
    service: str,
    *,
    serve: Callable[[], ASGIApp],
    openapi: Callable[[], Mapping[str, Any]],
    work: Callable[[], None] | None = None,
    verify: Callable[[Path, Sequence[str]], int] | None = None,
) -> None:
    """Carry out the command line of a service."""
    wish = _parser(service, has_worker=work is not None, has_ledger=verify is not None).parse_args()
    observe.configure()
    match wish.command:
        case "serve":
            _serve(serve(), wish.host, wish.port)
        case "migrate":
            from shared import migrate  # noqa: PLC0415

            migrate.run(service)
        case "openapi":
            print(json.dumps(openapi(), indent=1, sort_keys=True))  # noqa: T201
        case "work" if work:
            work()
        case "verify" if verify:
            sys.exit(verify(wish.file, wish.known))


def _parser(service: str, *, has_worker: bool, has_ledger: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="answer HTTP")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, required=True)
    commands.add_parser("migrate", help="bring the database to the newest revision")
    commands.add_parser("openapi", help="print the OpenAPI document")
    if has_worker:
        commands.add_parser("work", help="carry out jobs")
    if has_ledger:
        verifying = commands.add_parser("verify", help="prove an export of the ledger (GET decisions as NDJSON)")
        verifying.add_argument("file", type=Path)
        verifying.add_argument("--known", action="append", default=[], metavar="SEQUENCE:HASH", help="noted earlier")
    return parser


def _serve(app: ASGIApp, host: str, port: int) -> None:
    from shared import serving  # noqa: PLC0415
    from shared.settings import ServingSettings  # noqa: PLC0415

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the usual soft limit, 1,024, is too low for who waits
    serving.serve(app, host, port, ServingSettings().linger_seconds)
