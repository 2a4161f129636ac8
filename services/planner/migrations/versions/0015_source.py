"""An override may name another source."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("recommendation_state", sa.Column("source", sa.Text))
