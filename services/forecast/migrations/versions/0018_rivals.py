"""Challengers, forecasts that are not served, what rivals of the champion lost, and whose numbers a consensus took."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "challengers",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("marked_by", sa.Text, nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("mirrored_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("area", "sequence", name="pk_challengers"),
        sa.ForeignKeyConstraint(
            ["area", "version"], ["model_versions.area", "model_versions.version"], name="fk_challengers_area_version"
        ),
    )
    op.create_table(
        "rounds",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("champion", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rival", sa.Text, nullable=False),
        sa.Column("first", sa.Date, nullable=False),
        sa.Column("last", sa.Date, nullable=False),
        sa.Column("forecast", sa.Uuid, nullable=False),
        sa.Column("rival_forecast", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("periods", "cells", "item_locations")),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("champion_loss", "rival_loss")),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("area", "champion", "kind", "rival", "first", name="pk_rounds"),
        sa.CheckConstraint("kind IN ('challenger', 'external', 'baseline')", name="ck_rounds_kind"),
    )
    op.add_column("forecasts", sa.Column("known_until", sa.Date))
    op.add_column("forecasts", sa.Column("sources", JSONB, nullable=False, server_default="[]"))
    op.execute("UPDATE forecasts SET known_until = created_at::date WHERE source = 'external'")
    op.drop_constraint("ck_forecasts_stage", "forecasts")
    op.create_check_constraint("ck_forecasts_stage", "forecasts", "stage IN ('champion', 'consensus', 'shadow')")
