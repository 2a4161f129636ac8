"""The passwords and keys of an installation: drawn once, kept in one file that only its user can read."""

import json
import os
import secrets
import string
from functools import cached_property
from itertools import product
from pathlib import Path

from services.embedded.names import DATABASES, ROLES, SUPERUSER, UPSTREAMS

BASE62 = string.ascii_letters + string.digits
KEY_ID = string.ascii_lowercase + string.digits


class Credentials:
    """The secrets in `file`: JSON with mode 0600, drawn when the first is asked for and the same ever after.

    The file belongs to the databases beside it: without it they stay shut.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def exist(self) -> bool:
        """Whether the secrets have been drawn."""
        return self._file.exists()

    def password(self, role: str) -> str:
        """Password of a PostgreSQL role."""
        return self._values[f"password:{role}"]

    def identity_secret(self, service: str) -> str:
        """What the gateway signs identities for `service` with: 32 random bytes in hex."""
        return self._values[f"identity:{service}"]

    def api_key(self, holder: str) -> str:
        """The API key of `admin` or of a service, in the public format `accord_<env>_<id>_<secret>`."""
        return self._values[f"key:{holder}"]

    @cached_property
    def _values(self) -> dict[str, str]:
        kept: dict[str, str] = json.loads(self._file.read_text()) if self.exist else {}
        values = _draw() | kept
        if values != kept:
            write_private(self._file, json.dumps(values, indent=1) + "\n")
        return values


def write_private(file: Path, text: str) -> None:
    """Replace `file` in one step by one that only its owner can read, on disk before this returns."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _draw() -> dict[str, str]:
    """One secret for each name that the stack knows."""
    roles = [SUPERUSER, *(f"{database}_{role}" for database, role in product(DATABASES, ROLES))]
    return (
        {f"password:{role}": _word(BASE62, 40) for role in roles}
        | {f"identity:{service}": secrets.token_hex(32) for service in UPSTREAMS}
        | {f"key:{holder}": f"accord_local_{_word(KEY_ID, 12)}_{_word(BASE62, 43)}" for holder in ("admin", *UPSTREAMS)}
    )


def _word(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
