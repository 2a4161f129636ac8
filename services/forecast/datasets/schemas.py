import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from shared.schemas import Schema

Digest = Annotated[str, StringConstraints(strict=True, pattern="^[0-9a-f]{64}$")]


class DatasetTableOut(Schema):
    """`bytes` on disk, blocks that other datasets share included."""

    table: str
    rows: int
    bytes: int


class DatasetOut(Schema):
    """What runs have read, named by the digest of its content. `last_used_at`: when a run last read it."""

    digest: str
    tables: list[DatasetTableOut]
    bytes: int
    created_at: datetime.datetime
    last_used_at: datetime.datetime
    pruned_at: datetime.datetime | None


class DatasetDetailOut(DatasetOut):
    """Who has read it: model versions trained on it, and the newest hundred runs of each kind.

    It is kept at least until `kept_until`; null while the champion, a version promoted within the retention or an
    unfinished run needs it.
    """

    kept_until: datetime.datetime | None
    versions: list[int]
    training_runs: list[UUID]
    forecasts: list[UUID]
