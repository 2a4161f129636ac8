"""What decided recommendations came to."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

WAYS = ("executed", "recommended", "nothing")


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column(
            "recommendation_id",
            sa.Uuid,
            sa.ForeignKey("recommendations.id", name="fk_outcomes_recommendation_id"),
            nullable=False,
        ),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_outcomes_plan_id"), nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("last", sa.Date, nullable=False),
        sa.Column("censored", sa.Boolean, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text),
        sa.Column("policy", sa.Text),
        sa.Column("demand", sa.Double, nullable=False),
        *(sa.Column(f"{way}_{name}", sa.Double, nullable=False) for way in WAYS for name in ("cost", "short", "stock")),
        sa.PrimaryKeyConstraint("recommendation_id", name="pk_outcomes"),
    )
    op.create_index("ix_outcomes_area_evaluated_at", "outcomes", ["area", "evaluated_at"])
