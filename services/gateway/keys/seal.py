"""A kept answer is closed with what only its caller has: whoever reads the database alone reads nothing of it.

AES-256-GCM (NIST SP 800-38D) under a key that HKDF (RFC 5869) derives from the caller's bearer token, of which only a
hash is stored, and the `Idempotency-Key`.
"""

import secrets
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PURPOSE = b"accord: an answer kept for its caller"
NONCE_BYTES = 12


class Seal:
    """Closes and opens what one caller keeps under one key."""

    def __init__(self, cipher: AESGCM) -> None:
        self._cipher = cipher

    @classmethod
    def of(cls, token: str, key: str) -> Self:
        """The seal of a bearer token and an `Idempotency-Key`."""
        derived = HKDF(algorithm=SHA256(), length=32, salt=key.encode(), info=PURPOSE).derive(token.encode())
        return cls(AESGCM(derived))

    def close(self, body: bytes, bound: bytes) -> bytes:
        """Nonce, ciphertext and tag of a body. It opens only together with `bound`, the digest of its request."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, body, bound)

    def open(self, sealed: bytes, bound: bytes) -> bytes | None:
        """The body; None where another token, key or request closed it, or it was changed."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
            return None
