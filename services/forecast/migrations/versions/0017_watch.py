"""Which alarms were filed as recommendations, which of these are acted on, and when areas train by themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0015"


def upgrade() -> None:
    for table in ("monitors", "input_monitors"):
        op.add_column(table, sa.Column("filed", JSONB, nullable=False, server_default="{}"))
    op.add_column("monitors", sa.Column("decay", JSONB))
    op.create_table(
        "asked",
        sa.Column("recommendation", sa.Uuid, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("recommendation", name="pk_asked"),
    )
    op.create_table(
        "training_schedule",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("area", name="pk_training_schedule"),
    )
