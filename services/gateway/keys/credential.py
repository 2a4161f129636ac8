"""What an API key looks like, and what of it is kept: `accord_<environment>_<id>_<secret>`.

The secret has 256 bits, so that one round of SHA-256 keeps it; a slow hash is for what people choose themselves.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Self

ID_ALPHABET = string.ascii_lowercase + string.digits
SECRET_ALPHABET = string.ascii_letters + string.digits
_FORM = re.compile(r"accord_([a-z]{1,20})_([a-z0-9]{12})_([A-Za-z0-9]{43})", re.ASCII)


@dataclass(frozen=True)
class Credential:
    """A key as its holder sends it."""

    environment: str
    id: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The parts of a key, or None where the text is none."""
        match = _FORM.fullmatch(text)
        return cls(*match.groups()) if match else None

    @classmethod
    def draw(cls, environment: str) -> Self:
        """A new key, from the operating system's randomness."""
        return cls(environment, _word(ID_ALPHABET, 12), _word(SECRET_ALPHABET, 43))

    @property
    def text(self) -> str:
        return f"accord_{self.environment}_{self.id}_{self.secret}"

    def hash(self) -> bytes:
        """SHA-256 of the secret: all that is stored of it."""
        return hashlib.sha256(self.secret.encode()).digest()

    def fits(self, stored: bytes) -> bool:
        """Whether the secret is the one whose hash is stored, in constant time."""
        return hmac.compare_digest(self.hash(), stored)


def _word(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
