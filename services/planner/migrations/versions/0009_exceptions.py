"""What of a plan will be late, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

CAUSES = (
    "backlog",
    "lead_time",
    "frozen_fence",
    "no_release_in_time",
    "capacity",
    "components",
    "max_quantity",
    "order_cost",
    "demand",
)


def upgrade() -> None:
    op.create_table(
        "plan_exceptions",
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plan_exceptions_plan_id"), nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("period", sa.Date, nullable=False),
        sa.Column("quantity", sa.Double, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "item", "location", name="pk_plan_exceptions"),
        sa.CheckConstraint(f"cause IN {CAUSES}", name="ck_plan_exceptions_cause"),
    )
