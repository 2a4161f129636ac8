"""Count the changes of a run, so that whoever waits for it sees each."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("plans", sa.Column("sequence", sa.Integer, nullable=False, server_default="0"))
