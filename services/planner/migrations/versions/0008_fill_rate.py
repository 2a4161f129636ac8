"""A fill rate as the target of a planning policy."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TARGETS = "num_nonnulls(service_level, fill_rate, shortage_cost) = 1"


def upgrade() -> None:
    op.add_column("planning_policies", sa.Column("fill_rate", sa.Double))
    op.drop_constraint("ck_planning_policies_one_target", "planning_policies")
    op.create_check_constraint("ck_planning_policies_one_target", "planning_policies", TARGETS)
