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
