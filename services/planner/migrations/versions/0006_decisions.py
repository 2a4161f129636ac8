"""Deferral, approval, expiry, execution; reason codes and approval rules as data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"

STATUSES = (
    "proposed",
    "awaiting_approval",
    "accepted",
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
    _state()
    _executions()
    _reference_data()
    _track_record()


def _state() -> None:
    op.add_column("recommendation_state", sa.Column("target", sa.Text))
    op.add_column("recommendation_state", sa.Column("until", sa.Date))
    op.add_column("recommendation_state", sa.Column("expires_on", sa.Date))
    op.drop_constraint("ck_recommendation_state_status", "recommendation_state")
    checks = {
        "status": f"status IN {STATUSES}",
        "target": "(status = 'awaiting_approval') = (target IS NOT NULL)",
        "until": "(status = 'deferred') = (until IS NOT NULL)",
    }
    for name, check in checks.items():
        op.create_check_constraint(f"ck_recommendation_state_{name}", "recommendation_state", check)
    open_ones = "status IN ('proposed', 'awaiting_approval', 'deferred') AND expires_on IS NOT NULL"
    op.create_index(
        "ix_recommendation_state_expires_on",
        "recommendation_state",
        ["expires_on"],
        postgresql_where=sa.text(open_ones),
    )
    op.create_index(
        "ix_recommendation_state_until",
        "recommendation_state",
        ["until"],
        postgresql_where=sa.text("status = 'deferred'"),
    )


def _executions() -> None:
    recommendation = sa.ForeignKey("recommendations.id", name="fk_executions_recommendation_id")
    op.create_table(
        "executions",
        sa.Column("recommendation_id", sa.Uuid, recommendation, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("quantity", sa.Double, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("received_quantity", sa.Double),
        sa.Column("received_on", sa.Date),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("recommendation_id", "reference", name="pk_executions"),
        sa.CheckConstraint(
            "status IN ('released', 'partially_received', 'received', 'failed')", name="ck_executions_status"
        ),
        sa.CheckConstraint("quantity > 0", name="ck_executions_quantity"),
    )
    op.create_index("ix_executions_area", "executions", ["area", "status"])


def _reference_data() -> None:
    op.create_table(
        "reference_data",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("area", "kind", "key", name="pk_reference_data"),
    )


def _track_record() -> None:
    """Counting the overrides of a person or a reason code reads no other entries."""
    reason = sa.text("(content::jsonb -> 'body' ->> 'reason_code')")
    for name, column in (("actor", "actor"), ("reason", reason)):
        op.create_index(
            f"ix_ledger_entries_overrides_{name}",
            "ledger_entries",
            ["area", column],
            postgresql_where=sa.text("action = 'override'"),
        )
