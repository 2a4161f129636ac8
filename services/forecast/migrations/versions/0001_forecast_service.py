"""Master data, demand, drivers, models, forecasts, ledger, and the tables of the job queue."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared import idempotency, jobs, ledger

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    _master_data()
    _demand()
    _drivers()
    _training()
    _models()
    _forecasts()
    _ledger()
    jobs.install(op.get_bind())
    idempotency.install(op.get_bind())


def _master_data() -> None:
    op.create_table(
        "items",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("category", sa.Text),
        sa.Column("uom", sa.Text, nullable=False),
        sa.Column("unit_cost", sa.Numeric),
        sa.Column("unit_price", sa.Numeric),
        sa.Column("shelf_life_days", sa.Integer),
        sa.PrimaryKeyConstraint("area", "item", name="pk_items"),
        sa.CheckConstraint("unit_cost >= 0", name="ck_items_unit_cost"),
        sa.CheckConstraint("unit_price >= 0", name="ck_items_unit_price"),
        sa.CheckConstraint("shelf_life_days > 0", name="ck_items_shelf_life_days"),
    )
    op.create_table(
        "locations",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("region", sa.Text),
        sa.Column("kind", sa.Text),
        sa.PrimaryKeyConstraint("area", "location", name="pk_locations"),
        sa.CheckConstraint("kind IN ('plant', 'dc', 'store', 'other')", name="ck_locations_kind"),
    )


def _demand() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("area", "item", "location", name="uq_series_area_item_location"),
        *_of_item_and_location("series"),
    )
    op.create_index("ix_series_area_location", "series", ["area", "location"])
    op.create_table(
        "demand",
        sa.Column("series_id", sa.BigInteger, nullable=False),
        sa.Column("period", sa.Date, nullable=False),
        sa.Column("quantity", sa.Float, nullable=False),
        sa.Column("in_stock", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("series_id", "period", name="pk_demand"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_demand_series_id"),
        sa.CheckConstraint("quantity >= 0 AND quantity <= 1e15", name="ck_demand_quantity"),
    )


def _drivers() -> None:
    op.create_table(
        "drivers",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("driver", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("known_ahead", sa.Boolean, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("publication_delay", sa.Integer, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("area", "driver", name="pk_drivers"),
        sa.CheckConstraint("kind IN ('price', 'promotion', 'weather', 'economic', 'event')", name="ck_drivers_kind"),
        sa.CheckConstraint("scope IN ('item-location', 'item', 'location', 'global')", name="ck_drivers_scope"),
        sa.CheckConstraint("publication_delay >= 1", name="ck_drivers_publication_delay"),
    )
    op.create_table(
        "driver_series",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("driver", sa.Text, nullable=False),
        sa.Column("item", sa.Text),
        sa.Column("location", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_driver_series"),
        sa.UniqueConstraint(
            "area",
            "driver",
            "item",
            "location",
            name="uq_driver_series_area_driver_item_location",
            postgresql_nulls_not_distinct=True,
        ),
        sa.ForeignKeyConstraint(
            ["area", "driver"], ["drivers.area", "drivers.driver"], name="fk_driver_series_area_driver"
        ),
        *_of_item_and_location("driver_series"),
    )
    op.create_index("ix_driver_series_area_item", "driver_series", ["area", "item"])
    op.create_index("ix_driver_series_area_location", "driver_series", ["area", "location"])
    op.create_table(
        "driver_values",
        sa.Column("series_id", sa.BigInteger, nullable=False),
        sa.Column("period", sa.Date, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("series_id", "period", name="pk_driver_values"),
        sa.ForeignKeyConstraint(["series_id"], ["driver_series.id"], name="fk_driver_values_series_id"),
    )


def _of_item_and_location(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["area", code], [f"{code}s.area", f"{code}s.{code}"], name=f"fk_{table}_area_{code}")
        for code in ("item", "location")
    ]


def _training() -> None:
    op.create_table(
        "training_runs",
        *_run(),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("origins", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("frequency", sa.Text, nullable=False),
        sa.Column("season_length", sa.Integer, nullable=False),
        sa.Column("horizon", sa.Integer, nullable=False),
        sa.Column("input_digest", sa.Text),
        sa.Column("code_version", sa.Text),
        sa.Column("model_version", sa.Integer),
        sa.Column("warnings", JSONB, nullable=False),
        *_run_rules("training_runs"),
    )
    op.create_index("ix_training_runs_area_created_at_id", "training_runs", ["area", "created_at", "id"])


def _models() -> None:
    op.create_table(
        "model_versions",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("training_run", sa.Uuid, nullable=False),
        sa.Column("trained_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("mlflow_run", sa.Text, nullable=False),
        sa.Column("frequency", sa.Text, nullable=False),
        sa.Column("season_length", sa.Integer, nullable=False),
        sa.Column("horizon", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("last_period", sa.Date, nullable=False),
        sa.Column("features", JSONB, nullable=False),
        sa.Column("metrics", JSONB, nullable=False),
        sa.Column("dataset_digest", sa.Text, nullable=False),
        sa.Column("artifact_digest", sa.Text, nullable=False),
        sa.Column("code_version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("area", "version", name="pk_model_versions"),
        sa.ForeignKeyConstraint(["training_run"], ["training_runs.id"], name="fk_model_versions_training_run"),
    )
    op.create_table(
        "promotions",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("previous_version", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("promoted_by", sa.Text, nullable=False),
        sa.Column("promoted_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("mirrored_at", INSTANT),
        sa.PrimaryKeyConstraint("area", "sequence", name="pk_promotions"),
        _of_version("promotions", "version"),
        _of_version("promotions", "previous_version"),
    )


def _forecasts() -> None:
    op.create_table(
        "forecasts",
        *_run(),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("origin", sa.Date),
        sa.Column("horizon", sa.Integer, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("periods", ARRAY(sa.Date), nullable=False),
        sa.Column("quantiles", ARRAY(sa.Float), nullable=False),
        sa.Column("series_count", sa.Integer, nullable=False),
        sa.Column("input_digest", sa.Text),
        sa.Column("output_digest", sa.Text),
        sa.Column("code_version", sa.Text),
        sa.Column("warnings", JSONB, nullable=False),
        *_run_rules("forecasts"),
        _of_version("forecasts", "model_version"),
        sa.CheckConstraint("horizon > 0", name="ck_forecasts_horizon"),
    )
    op.create_index("ix_forecasts_area_created_at_id", "forecasts", ["area", "created_at", "id"])
    op.create_table(
        "forecast_series",
        sa.Column("forecast_id", sa.Uuid, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("mean", ARRAY(sa.Float), nullable=False),
        sa.Column("quantiles", ARRAY(sa.Float), nullable=False),
        sa.Column("dependence", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("forecast_id", "item", "location", name="pk_forecast_series"),
        sa.ForeignKeyConstraint(["forecast_id"], ["forecasts.id"], name="fk_forecast_series_forecast_id"),
    )


def _of_version(table: str, column: str) -> sa.ForeignKeyConstraint:
    versions = ["model_versions.area", "model_versions.version"]
    return sa.ForeignKeyConstraint(["area", column], versions, name=f"fk_{table}_area_{column}")


def _run() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("progress_done", sa.Integer, nullable=False),
        sa.Column("progress_total", sa.Integer, nullable=False),
        sa.Column("progress_unit", sa.Text, nullable=False),
        sa.Column("error", JSONB),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("started_at", INSTANT),
        sa.Column("finished_at", INSTANT),
    ]


def _run_rules(table: str) -> list[sa.Constraint]:
    statuses = "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')"
    return [
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.CheckConstraint(statuses, name=f"ck_{table}_status"),
    ]


def _ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("area", "sequence", name="pk_ledger_entries"),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("area", name="pk_ledger_heads"),
    )
    op.get_bind().exec_driver_sql(ledger.guard("ledger_entries", "forecast_app").replace("%", "%%"))
