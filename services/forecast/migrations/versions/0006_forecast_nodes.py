"""Forecasts of aggregates, beside those of item-locations that they are the sums of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forecasts that are there, and those that the previous release goes on writing, have no levels."""
    op.add_column("forecasts", sa.Column("levels", ARRAY(sa.Text), server_default="{}", nullable=False))
    op.create_table(
        "forecast_nodes",
        sa.Column("forecast_id", sa.Uuid, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("mean", ARRAY(sa.Float), nullable=False),
        sa.Column("quantiles", ARRAY(sa.Float), nullable=False),
        sa.PrimaryKeyConstraint("forecast_id", "level", "node", name="pk_forecast_nodes"),
        sa.ForeignKeyConstraint(["forecast_id"], ["forecasts.id"], name="fk_forecast_nodes_forecast_id"),
    )
