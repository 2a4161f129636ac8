"""The value of each item-location's demand in a plan, and the item class of outcomes that follows from it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("plan_rows", sa.Column("demand_value", sa.Double))
    op.add_column("outcomes", sa.Column("item_class", sa.Text))
