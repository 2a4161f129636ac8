from typing import Any
from uuid import UUID

from shared.imports.tables import Import
from shared.jobs import RunOut
from shared.schemas import Schema


class ImportOut(RunOut):
    """A table body on its way in. `size` is in bytes as sent; the counts are of rows, and final once it has ended.

    `rejected` rows are listed by `rejects`. With `on_error` reject, one of them ends the import as failed with
    nothing stored; with skip, the others are stored. With `validate_only` nothing is stored, and the counts tell what
    would have been. `made` is the id of what the rows became together, such as a forecast; null for rows that stand
    each by itself.
    """

    kind: str
    parameters: dict[str, Any]
    media: str
    size: int
    on_error: str
    validate_only: bool
    received: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    made: UUID | None

    @classmethod
    def of(cls, run: Import) -> "ImportOut":
        names = cls.model_fields.keys() - RunOut.model_fields.keys()
        return cls(**cls.fields(run), **{name: getattr(run, name) for name in names})


class RejectOut(Schema):
    """What is wrong with a row: its place in the body from 0, the field if it is one, and why."""

    row: int
    field: str | None
    detail: str
