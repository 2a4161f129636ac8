"""Plans of networks: dependent demand, hours of resources, recommendations about a resource."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

HOURS = ("load", "available", "overtime", "overtime_available", "overtime_cost")


def upgrade() -> None:
    op.add_column("plan_lines", sa.Column("dependent_demand", sa.ARRAY(sa.Double)))
    op.execute("UPDATE plan_lines SET dependent_demand = array_fill(0::double precision, ARRAY[cardinality(demand)])")
    op.alter_column("plan_lines", "dependent_demand", nullable=False)
    op.create_table(
        "plan_resources",
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plan_resources_plan_id"), nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("period", sa.Date, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in HOURS),
        sa.Column("price", sa.Double),
        sa.PrimaryKeyConstraint("plan_id", "resource", "period", name="pk_plan_resources"),
    )
    # Sums have one more part: those of older plans can no longer be read.
    op.execute("UPDATE plans SET tallies = NULL")
    for name in ("item", "location"):
        op.alter_column("recommendations", name, nullable=True)
