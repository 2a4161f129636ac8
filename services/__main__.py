"""`python -m services`: all of Accord on this machine, from one command."""

import argparse
import os
import sys
from pathlib import Path

import psycopg

from services.embedded.directory import DataDirectory
from services.embedded.errors import EmbeddedError
from services.embedded.log import Log
from services.embedded.stack import Stack
from services.embedded.supervisor import StopRequested


def main() -> int:
    options = _options().parse_args()
    try:
        _perform(options)
    except StopRequested:
        return 0
    except (EmbeddedError, psycopg.Error, OSError) as error:
        sys.stderr.write(f"\naccord: {error}\n")
        return 1
    return 0


def _perform(options: argparse.Namespace) -> None:
    log = Log(sys.stdout, coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    stack = Stack(DataDirectory(options.data_dir), options.port, options.database_url, log)
    {"run": stack.run, "migrate": stack.migrate, "mlflow": stack.mlflow}[options.command]()


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("run", "migrate", "mlflow"),
        default="run",
        help="run everything (default), only migrate the databases, or show MLflow's pages",
    )
    parser.add_argument("--port", type=_port, default=8080, help="of the gateway, on the loopback interface (8080)")
    parser.add_argument("--data-dir", type=Path, default=Path(".accord"), help="what must survive a restart (.accord)")
    parser.add_argument(
        "--database-url",
        default=os.environ.get("ACCORD_DATABASE_URL"),
        help="postgresql:// URL of a role that may create roles and databases, in place of the embedded server",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text} is no port: choose one from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
