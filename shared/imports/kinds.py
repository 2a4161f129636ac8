"""What can be imported: for each table its rows' schema, its rules, and how valid rows are stored."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from shared.errors import Unprocessable
from shared.parse import Fault
from shared.principal import Principal
from shared.rows import Rows
from shared.schemas import Schema


class Counts(Schema):
    """What became of the rows that were received."""

    received: int
    created: int
    updated: int
    unchanged: int


class Made(Counts):
    """What became of rows that together are one thing, and its id."""

    made: UUID


@dataclass(frozen=True)
class Call:
    """Who sends the rows, and what the call says beside them, such as the driver whose values they are."""

    who: Principal
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def area(self) -> str:
        return self.who.area.area


@dataclass(frozen=True)
class Finding:
    """The rows that break one rule. For a small body it is the problem that refuses it; nothing found is no problem."""

    faults: list[Fault]
    problem: type[Unprocessable] = Unprocessable
    detail: str = "Some rows do not hold; nothing was stored."


@dataclass(frozen=True)
class Kind[S: Schema]:
    """A table that takes rows.

    home: path below the area where its imports are found. check: the rules that need more than one row or the
    database. store: an upsert by natural key, or of all rows as one thing (`Made`); it is given rows that all rules
    let pass.
    """

    name: str
    home: str
    row: type[S]
    check: Callable[[Session, Call, Rows[S]], Iterable[Finding]]
    store: Callable[[Session, Call, Rows[S]], Counts]


def duplicates[S: Schema](rows: Rows[S], *key: str) -> Finding:
    """Rows of one body with the same natural key: which of them should stand?"""
    return Finding(rows.duplicates(*key), detail="Some rows have the same key; nothing was stored.")
