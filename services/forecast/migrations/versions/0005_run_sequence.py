"""Count the changes of a run, so that whoever waits for it sees each."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table in ("training_runs", "forecasts"):
        op.add_column(table, sa.Column("sequence", sa.Integer, nullable=False, server_default="0"))
