"""`python -m services.embedded.provision`: databases and roles on a server of one's own, before the first migration.

Run again, it adds what is missing and sets each role's password to what the environment now says. It reads
`ACCORD_ADMIN_DATABASE_URL`, a libpq URL of a role that may create roles and databases, and the password of each role
`x` as `ACCORD_X_PASSWORD`, for example `ACCORD_PLANNER_OWNER_PASSWORD`.
"""

import os
import sys
from dataclasses import dataclass
from itertools import product

import psycopg

from services.embedded.databases import Server
from services.embedded.errors import EmbeddedError
from services.embedded.names import DATABASES, ROLES


@dataclass(frozen=True)
class Chosen:
    """Passwords by role, all there before the first is used."""

    by_role: dict[str, str]

    @classmethod
    def from_environment(cls) -> "Chosen":
        roles = [f"{database}_{suffix}" for database, suffix in product(DATABASES, ROLES)]
        return cls({role: _required(f"ACCORD_{role.upper()}_PASSWORD") for role in roles})

    def password(self, role: str) -> str:
        """Password of a PostgreSQL role."""
        return self.by_role[role]


def main() -> int:
    try:
        Server(_required("ACCORD_ADMIN_DATABASE_URL"), Chosen.from_environment()).create()
    except (EmbeddedError, psycopg.Error) as error:
        sys.stderr.write(f"accord: {error}\n")
        return 1
    sys.stdout.write(f"databases and roles are there: {', '.join(DATABASES)}\n")
    return 0


def _required(name: str) -> str:
    if not (value := os.environ.get(name)):
        raise EmbeddedError(f"{name} is missing in the environment")
    return value


if __name__ == "__main__":
    sys.exit(main())
