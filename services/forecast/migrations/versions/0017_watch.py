"""Which alarms were filed as recommendations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    for table in ("monitors", "input_monitors"):
        op.add_column(table, sa.Column("filed", JSONB, nullable=False, server_default="{}"))
