"""Supply, plans, recommendations, the ledger and the job queue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from shared import idempotency, jobs, ledger

revision = "0001"
down_revision = None

LINES = (
    "demand",
    "scheduled_receipts",
    "planned_receipts",
    "planned_releases",
    "available",
    "available_p10",
    "available_p50",
    "available_p90",
    "safety_stock",
    "shortage",
    "stockout_probability",
    "backlog",
    "holding_cost",
    "shortage_cost",
    "ordering_cost",
    "purchase_cost",
)


def upgrade() -> None:
    jobs.install(op.get_bind())
    idempotency.install(op.get_bind())
    _supply()
    _plans()
    _recommendations()
    _receipts()
    _ledger()


def _supply() -> None:
    op.create_table(
        "inventory",
        _text("area"),
        _text("item"),
        _text("location"),
        sa.Column("as_of", sa.Date, nullable=False),
        _number("on_hand"),
        _number("reserved"),
        sa.PrimaryKeyConstraint("area", "item", "location", "as_of", name="pk_inventory"),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0", name="ck_inventory_not_negative"),
    )
    op.create_table(
        "sourcing_rules",
        _text("area"),
        _text("item"),
        _text("location"),
        _text("mode"),
        _text("source"),
        sa.Column("lead_time", sa.Integer, nullable=False),
        _number("moq"),
        _number("multiple"),
        sa.Column("max_quantity", sa.Double),
        sa.Column("unit_cost", sa.Numeric, nullable=False),
        sa.Column("order_cost", sa.Numeric, nullable=False),
        sa.PrimaryKeyConstraint("area", "item", "location", name="pk_sourcing_rules"),
        sa.CheckConstraint("mode IN ('buy', 'make', 'transfer')", name="ck_sourcing_rules_mode"),
        sa.CheckConstraint("lead_time >= 0 AND moq >= 0 AND multiple > 0", name="ck_sourcing_rules_lots"),
        sa.CheckConstraint("unit_cost >= 0 AND order_cost >= 0", name="ck_sourcing_rules_costs"),
    )
    op.create_table(
        "planning_policies",
        _text("area"),
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("item", sa.Text),
        sa.Column("location", sa.Text),
        sa.Column("service_level", sa.Double),
        sa.Column("shortage_cost", sa.Numeric),
        _text("shortage_mode"),
        sa.Column("review_period", sa.Integer, nullable=False),
        sa.Column("holding_cost", sa.Numeric),
        sa.PrimaryKeyConstraint("area", "id", name="pk_planning_policies"),
        sa.UniqueConstraint(
            "area", "item", "location", name="uq_planning_policies_area", postgresql_nulls_not_distinct=True
        ),
        sa.CheckConstraint("num_nonnulls(service_level, shortage_cost) = 1", name="ck_planning_policies_one_target"),
        sa.CheckConstraint("shortage_mode IN ('lost', 'backlog')", name="ck_planning_policies_mode"),
        sa.CheckConstraint("review_period >= 1", name="ck_planning_policies_review"),
    )


def _plans() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid, nullable=False),
        _text("area"),
        *_run(),
        sa.Column("caller", JSONB, nullable=False),
        _text("forecast_asked"),
        sa.Column("as_of_asked", sa.Date),
        sa.Column("horizon_asked", sa.Integer),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("forecast_id", sa.Uuid),
        sa.Column("model_version", sa.Integer),
        sa.Column("as_of", sa.Date),
        sa.Column("periods", sa.ARRAY(sa.Date)),
        sa.Column("method", JSONB),
        sa.Column("kpis", JSONB),
        sa.Column("counts", JSONB),
        sa.Column("warnings", JSONB),
        sa.Column("input_digest", sa.Text),
        sa.Column("output_digest", sa.Text),
        sa.Column("code_version", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
    )
    op.create_index("ix_plans_area", "plans", ["area", "created_at", "id"])
    op.create_table(
        "plan_lines",
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plan_lines_plan_id"), nullable=False),
        _text("item"),
        _text("location"),
        *(sa.Column(name, sa.ARRAY(sa.Double), nullable=False) for name in LINES),
        sa.PrimaryKeyConstraint("plan_id", "item", "location", name="pk_plan_lines"),
    )


def _run() -> list[SchemaItem]:
    """Columns of shared.jobs.Run but its key."""
    return [
        _text("status"),
        sa.Column("progress_done", sa.Integer, nullable=False),
        sa.Column("progress_total", sa.Integer, nullable=False),
        _text("progress_unit"),
        sa.Column("error", JSONB),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        _text("requested_by"),
        sa.Column("request_id", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="ck_plans_status"
        ),
    ]


def _recommendations() -> None:
    op.create_table(
        "recommendations",
        sa.Column("id", sa.Uuid, nullable=False),
        _text("area"),
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_recommendations_plan_id"), nullable=False),
        _text("type"),
        _text("item"),
        _text("location"),
        sa.Column("net_benefit", sa.Numeric, nullable=False),
        sa.Column("cost_of_inaction", sa.Numeric, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recommendations"),
    )
    op.create_index("ix_recommendations_plan_id", "recommendations", ["plan_id", "id"])
    op.create_index("ix_recommendations_benefit", "recommendations", ["area", "net_benefit", "id"])
    op.create_index("ix_recommendations_created_at", "recommendations", ["area", "created_at", "id"])
    op.create_index("ix_recommendations_item", "recommendations", ["area", "item", "location"])
    op.execute(ledger.guard("recommendations", "planner_app"))
    op.create_table(
        "recommendation_state",
        sa.Column(
            "recommendation_id",
            sa.Uuid,
            sa.ForeignKey("recommendations.id", name="fk_recommendation_state_recommendation_id"),
            nullable=False,
        ),
        _text("area"),
        _text("status"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("quantity", sa.Double),
        sa.Column("due", sa.Date),
        sa.Column("reason_code", sa.Text),
        sa.Column("superseded_by", sa.Uuid, sa.ForeignKey("plans.id", name="fk_recommendation_state_superseded_by")),
        sa.Column("sequence", sa.BigInteger),
        sa.PrimaryKeyConstraint("recommendation_id", name="pk_recommendation_state"),
        sa.CheckConstraint(
            "status IN ('proposed', 'accepted', 'overridden', 'rejected', 'superseded', 'released')",
            name="ck_recommendation_state_status",
        ),
        sa.CheckConstraint(
            "(status = 'superseded') = (superseded_by IS NOT NULL)", name="ck_recommendation_state_successor"
        ),
        sa.CheckConstraint("version >= 1", name="ck_recommendation_state_version"),
    )
    op.create_index("ix_recommendation_state_status", "recommendation_state", ["area", "status", "recommendation_id"])


def _receipts() -> None:
    op.create_table(
        "scheduled_receipts",
        _text("area"),
        _text("reference"),
        _text("item"),
        _text("location"),
        sa.Column("due", sa.Date, nullable=False),
        _number("quantity"),
        _text("kind"),
        sa.Column(
            "recommendation_id",
            sa.Uuid,
            sa.ForeignKey("recommendations.id", name="fk_scheduled_receipts_recommendation_id"),
        ),
        sa.PrimaryKeyConstraint("area", "reference", name="pk_scheduled_receipts"),
        sa.CheckConstraint("quantity > 0", name="ck_scheduled_receipts_quantity"),
        sa.CheckConstraint("kind IN ('purchase', 'production', 'transfer')", name="ck_scheduled_receipts_kind"),
    )
    op.create_index("ix_scheduled_receipts_item", "scheduled_receipts", ["area", "item", "location"])


def _ledger() -> None:
    op.create_table(
        "ledger_entries",
        _text("area"),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _text("actor"),
        _text("action"),
        _text("subject"),
        _text("content"),
        _text("previous"),
        _text("hash"),
        sa.PrimaryKeyConstraint("area", "sequence", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_subject", "ledger_entries", ["area", "subject", "sequence"])
    op.execute(ledger.guard("ledger_entries", "planner_app"))
    op.create_table(
        "ledger_heads",
        _text("area"),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        _text("hash"),
        sa.PrimaryKeyConstraint("area", name="pk_ledger_heads"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)
