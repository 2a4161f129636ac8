"""Bodies of the ledger calls."""

import datetime
from typing import Any

from shared.schemas import Schema


class EntryOut(Schema):
    """One entry of the ledger. `content` is the exact text that went into its hash (ARCHITECTURE.md, Ledger)."""

    sequence: int
    at: datetime.datetime
    actor: str
    action: str
    subject: str
    body: dict[str, Any]
    content: str
    previous: str
    hash: str


class FirstBadOut(Schema):
    sequence: int
    reason: str


class ChainOut(Schema):
    """How far a service's chain holds. `first_bad` is null where all of it does."""

    service: str
    entries: int
    intact: bool
    first_bad: FirstBadOut | None


class VerificationOut(Schema):
    chains: list[ChainOut]
