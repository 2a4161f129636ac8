"""Table bodies that are taken in by a job."""

from alembic import op

from shared.imports import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    tables.install(op.get_bind())
