"""Bodies of the checkpoint calls."""

import datetime

from shared.ledger import HeadOut
from shared.schemas import Schema


class CheckpointOut(Schema):
    """Where an area's chains stood at an instant, signed with Ed25519 (RFC 8032).

    `token` is two parts in base64url with a dot between them: the JSON of the other fields but `public_key`, and the
    signature of that JSON. `public_key` is base64url of the key's 32 bytes, `key` begins its SHA-256.
    """

    area: str
    at: datetime.datetime
    chains: list[HeadOut]
    key: str
    public_key: str
    token: str
