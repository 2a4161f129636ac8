"""Orders that policies accept: their route and status."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ROUTES = ("auto", "inform", "review", "dual")
STATUSES = (
    "proposed",
    "awaiting_approval",
    "accepted",
    "auto_accepted",
    "overridden",
    "rejected",
    "deferred",
    "superseded",
    "expired",
    "released",
    "partially_executed",
    "executed",
)


def upgrade() -> None:
    op.add_column("recommendations", sa.Column("route", sa.Text, nullable=False, server_default="review"))
    op.create_check_constraint("ck_recommendations_route", "recommendations", f"route IN {ROUTES}")
    op.drop_constraint("ck_recommendation_state_status", "recommendation_state")
    op.create_check_constraint("ck_recommendation_state_status", "recommendation_state", f"status IN {STATUSES}")
