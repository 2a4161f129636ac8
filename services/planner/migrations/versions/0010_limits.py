"""Limits beyond processes: what a rule takes of a resource, the most of a stock; carbon; what sales bring."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

RULES = "num_nulls(resource, load_per_unit) <> 1 AND load_per_unit > 0 AND carbon_per_unit >= 0"


def upgrade() -> None:
    op.add_column("sourcing_rules", sa.Column("resource", sa.Text))
    op.add_column("sourcing_rules", sa.Column("load_per_unit", sa.Double))
    op.add_column("sourcing_rules", sa.Column("carbon_per_unit", sa.Double))
    op.create_check_constraint("ck_sourcing_rules_takes", "sourcing_rules", RULES)
    op.add_column("planning_policies", sa.Column("max_stock", sa.Double))
    op.create_check_constraint("ck_planning_policies_max_stock", "planning_policies", "max_stock > 0")
    for name in ("revenue", "cost_of_sales", "carbon"):
        op.add_column("plan_rows", sa.Column(name, sa.Double))
