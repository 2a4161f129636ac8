"""The policy by which an order has its route, as a column: what policies did is asked for by it."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE recommendations ADD COLUMN policy text GENERATED ALWAYS AS (content -> 'policy' ->> 'name') STORED"
    )
    op.execute("CREATE INDEX ix_recommendations_area_policy ON recommendations (area, policy) WHERE policy IS NOT NULL")
