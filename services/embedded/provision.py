"""`python -m services.embedded.provision`: databases and roles on a server of one's own, before the first migration.

Run again, it adds what is missing and sets each role's password to what the environment now says. It reads
`ACCORD_ADMIN_DATABASE_URL`, a libpq URL of a role that may create roles and databases, and the password of each role
`x` as `ACCORD_X_PASSWORD`, for example `ACCORD_PLANNER_OWNER_PASSWORD`.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from services.embedded.databases import Server
from services.embedded.errors import EmbeddedError
from services.embedded.names import DATABASES


@dataclass(frozen=True)
class Environment:
    """Secrets by the name of their variable."""

    variables: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        if not (value := self.variables.get(name)):
            raise EmbeddedError(f"{name} is missing in the environment")
        return value

    def password(self, role: str) -> str:
        """Password of a PostgreSQL role."""
        return self[f"ACCORD_{role.upper()}_PASSWORD"]


def main() -> int:
    environment = Environment(os.environ)
    try:
        Server(environment["ACCORD_ADMIN_DATABASE_URL"], environment).create()
    except (EmbeddedError, psycopg.Error) as error:
        sys.stderr.write(f"accord: {error}\n")
        return 1
    sys.stdout.write(f"databases and roles are there: {', '.join(DATABASES)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
