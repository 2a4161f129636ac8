"""Scenarios, and plans that take over what has not changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _plans()
    _rows()
    _scenarios()


def _plans() -> None:
    for column in (
        sa.Column("scenario", sa.Text),
        sa.Column("scenario_version", sa.Integer),
        sa.Column("deltas", JSONB, nullable=False, server_default="[]"),
        sa.Column("own", sa.Integer, nullable=False, server_default="0"),
        sa.Column("net_change", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("base_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plans_base_id")),
        sa.Column("taken_over", sa.Integer),
        sa.Column("path_costs", sa.ARRAY(sa.Double)),
        sa.Column("delta_values", JSONB),
        sa.Column("measures", JSONB),
        sa.Column("tallies", sa.LargeBinary),
    ):
        op.add_column("plans", column)
    op.create_index("ix_plans_scenario", "plans", ["area", "scenario", "created_at", "id"])


def _rows() -> None:
    """Plans that were made before took nothing over, and nothing is taken over from them: they have no digests."""
    op.create_table(
        "plan_rows",
        sa.Column("plan_id", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plan_rows_plan_id"), nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("origin", sa.Uuid, sa.ForeignKey("plans.id", name="fk_plan_rows_origin"), nullable=False),
        sa.Column("input_digest", sa.LargeBinary),
        sa.Column("output_digest", sa.LargeBinary),
        sa.Column("inputs", sa.LargeBinary),
        sa.PrimaryKeyConstraint("plan_id", "item", "location", name="pk_plan_rows"),
    )
    op.execute(
        "INSERT INTO plan_rows (plan_id, item, location, origin)"
        " SELECT plan_id, item, location, plan_id FROM plan_lines"
        " UNION SELECT plan_id, item, location, plan_id FROM recommendations"
    )


def _scenarios() -> None:
    op.create_table(
        "scenarios",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("deltas", JSONB, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("area", "scenario", name="pk_scenarios"),
    )
    op.create_table(
        "scenario_promotions",
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("scenario_version", sa.Integer, nullable=False),
        sa.Column("stack", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("promoted_by", sa.Text, nullable=False),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("area", "sequence", name="pk_scenario_promotions"),
        sa.CheckConstraint("action IN ('promote', 'take_back')", name="ck_scenario_promotions_action"),
    )
