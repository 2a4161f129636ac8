"""Adjustments by people, and consensus forecasts that hold them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "adjustments",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("item", "location", "category", "region")),
        sa.Column("first", sa.Date),
        sa.Column("last", sa.Date),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("expires_on", sa.Date),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_adjustments"),
        sa.CheckConstraint("action IN ('set', 'add', 'scale')", name="ck_adjustments_action"),
        sa.CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="ck_adjustments_withdrawn"),
    )
    op.create_index("ix_adjustments_area_sequence", "adjustments", ["area", "sequence"])
    op.add_column("forecasts", sa.Column("stage", sa.Text, nullable=False, server_default="champion"))
    op.add_column("forecasts", sa.Column("adjustments", JSONB, nullable=False, server_default="[]"))
    op.create_check_constraint("ck_forecasts_stage", "forecasts", "stage IN ('champion', 'consensus')")
