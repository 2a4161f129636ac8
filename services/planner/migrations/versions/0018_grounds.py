"""What sourcing rules say of orders besides lots and costs, and whether stock came out as planned."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    for name in ("cancellable", "strict_lots"):
        op.add_column("sourcing_rules", sa.Column(name, sa.Boolean, nullable=False, server_default="false"))
    op.add_column("outcomes", sa.Column("covered", sa.Boolean))
    op.create_index("ix_outcomes_area_last", "outcomes", ["area", "last"])
