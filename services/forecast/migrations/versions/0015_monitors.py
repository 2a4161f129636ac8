"""How published forecasts and their inputs do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "monitors",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("segments", JSONB, nullable=False),
        sa.Column("alarms", JSONB, nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("area", "model", name="pk_monitors"),
    )
    op.create_table(
        "input_monitors",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("silent", JSONB, nullable=False),
        sa.Column("drivers", JSONB, nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("area", name="pk_input_monitors"),
    )
