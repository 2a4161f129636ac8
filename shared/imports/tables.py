from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import db
from shared.ids import uuid7
from shared.jobs import Run


class Base(DeclarativeBase):
    """Tables that each service has of its own, outside its features."""

    metadata = db.metadata()
    type_annotation_map = db.COLUMN_TYPES


class Import(Run, Base):
    """A table body on its way into the database. `kind` says which table, `parameters` what the call said beside it."""

    __tablename__ = "imports"
    __table_args__ = (Index(None, "area", "created_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    caller: Mapped[dict[str, Any]]
    kind: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    media: Mapped[str]
    encoding: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    on_error: Mapped[str]
    validate_only: Mapped[bool]
    received: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    made: Mapped[UUID | None]


class Piece(Base):
    """A part of an import's body, as it was sent. Removed when the import is over."""

    __tablename__ = "import_pieces"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Reject(Base):
    """What was wrong with a row of an import."""

    __tablename__ = "import_rejects"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int]
    field: Mapped[str | None]
    detail: Mapped[str]


def install(connection: Connection) -> None:
    """Create the tables, in a service's migration. Bodies are compressed already or soon gone."""
    Base.metadata.create_all(connection)
    connection.execute(text("ALTER TABLE import_pieces ALTER COLUMN content SET STORAGE EXTERNAL"))
