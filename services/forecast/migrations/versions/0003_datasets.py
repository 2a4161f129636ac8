"""Datasets that runs have read, so that they can be looked at and let go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("tables", JSONB, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("last_used_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("pruned_at", INSTANT),
        sa.PrimaryKeyConstraint("area", "digest", name="pk_datasets"),
    )
    op.create_index("ix_datasets_area_created_at_digest", "datasets", ["area", "created_at", "digest"])
    for runs in ("training_runs", "forecasts"):
        op.create_index(f"ix_{runs}_area_input_digest", runs, ["area", "input_digest"])
