"""Explanations of all item-locations of a forecast, where they are asked for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Forecasts that are there, and those that the previous release goes on writing, have none."""
    op.add_column("forecasts", sa.Column("explain", sa.Boolean, server_default="false", nullable=False))
    op.add_column("forecasts", sa.Column("causes", ARRAY(sa.Text), server_default="{}", nullable=False))
    op.create_table(
        "forecast_explanations",
        sa.Column("forecast_id", sa.Uuid, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("mean", ARRAY(sa.Float), nullable=False),
        sa.Column("base", ARRAY(sa.Float), nullable=False),
        sa.Column("units", ARRAY(sa.Float), nullable=False),
        sa.PrimaryKeyConstraint("forecast_id", "item", "location", name="pk_forecast_explanations"),
        sa.ForeignKeyConstraint(["forecast_id"], ["forecasts.id"], name="fk_forecast_explanations_forecast_id"),
    )
