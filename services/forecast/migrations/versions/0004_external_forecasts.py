"""Forecasts that came from elsewhere: a name instead of a model version."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """The previous release goes on writing forecasts of its models: `source` says so by default."""
    op.add_column("forecasts", sa.Column("source", sa.Text, server_default="model", nullable=False))
    op.add_column("forecasts", sa.Column("name", sa.Text))
    op.alter_column("forecasts", "model_version", nullable=True)
    op.create_check_constraint("ck_forecasts_source", "forecasts", "source IN ('model', 'external')")
    op.create_check_constraint("ck_forecasts_model", "forecasts", "(source = 'model') = (model_version IS NOT NULL)")
    op.create_check_constraint("ck_forecasts_name", "forecasts", "(source = 'external') = (name IS NOT NULL)")
