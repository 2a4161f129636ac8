"""Checkpoints as signed texts."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.errors import Unprocessable
from shared.ledger import canonical

NAME_DIGITS = 16


class BadCheckpoint(Unprocessable):
    slug, title = "bad-checkpoint", "The checkpoint is not one of this area"


def draw() -> tuple[str, bytes]:
    """A new key: its name and its private bytes."""
    private = Ed25519PrivateKey.generate()
    return name(private.public_key()), private.private_bytes_raw()


def name(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:NAME_DIGITS]


def sign(private: bytes, facts: Mapping[str, Any]) -> str:
    """The token of a checkpoint's facts."""
    text = canonical(facts).encode("ascii")
    return f"{encoded(text)}.{encoded(Ed25519PrivateKey.from_private_bytes(private).sign(text))}"


def public(private: bytes) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(private).public_key()


def opened(token: str, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The facts of a token that one of `keys`, private ones by name, signed; BadCheckpoint."""
    try:
        text, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
        facts: dict[str, Any] = json.loads(text)
        public(keys[facts["key"]]).verify(signature, text)
    except (binascii.Error, InvalidSignature, KeyError, TypeError, UnicodeDecodeError, ValueError):
        raise BadCheckpoint("It was not signed by this installation, or was changed since.") from None
    return facts


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")
