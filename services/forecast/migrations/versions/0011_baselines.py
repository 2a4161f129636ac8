"""What a forecast would have been without its model: later history cannot tell what was known then."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for name in ("naive", "statistical"):
        op.add_column("forecast_series", sa.Column(name, sa.ARRAY(sa.Double)))
