"""Supply as a network: several sources, processes, resources, customers' orders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _sourcing_rules()
    _processes()
    _resources()
    _orders()
    _policies()
    _lines()


def _sourcing_rules() -> None:
    columns = (
        sa.Column("effective_from", sa.Date, nullable=False, server_default="1900-01-01"),
        sa.Column("effective_to", sa.Date),
        sa.Column("priority", sa.Integer, nullable=False, server_default="1"),
        sa.Column("split", sa.Double),
        sa.Column("lead_time_spread", sa.Double, nullable=False, server_default="0"),
        sa.Column("expedite_lead_time", sa.Integer),
        sa.Column("expedite_surcharge", sa.Numeric),
    )
    for column in columns:
        op.add_column("sourcing_rules", column)
    op.drop_constraint("pk_sourcing_rules", "sourcing_rules")
    op.create_primary_key(
        "pk_sourcing_rules", "sourcing_rules", ["area", "item", "location", "mode", "source", "effective_from"]
    )
    op.create_check_constraint("ck_sourcing_rules_effective", "sourcing_rules", "effective_to > effective_from")
    op.create_check_constraint(
        "ck_sourcing_rules_shares", "sourcing_rules", "priority >= 1 AND split > 0 AND split <= 1"
    )
    op.create_check_constraint(
        "ck_sourcing_rules_expedite",
        "sourcing_rules",
        "num_nulls(expedite_lead_time, expedite_surcharge) <> 1 AND expedite_lead_time >= 0"
        " AND expedite_lead_time < lead_time AND expedite_surcharge >= 0 AND lead_time_spread >= 0",
    )


def _processes() -> None:
    op.create_table(
        "processes",
        _text("area"),
        _text("process"),
        _text("item"),
        _text("location"),
        _number("yield_rate"),
        sa.PrimaryKeyConstraint("area", "process", name="pk_processes"),
        sa.CheckConstraint("yield_rate > 0 AND yield_rate <= 1", name="ck_processes_yield"),
    )
    op.create_table(
        "process_components",
        _text("area"),
        _text("process"),
        _text("component"),
        _number("quantity_per"),
        _number("scrap_rate"),
        sa.Column("offset", sa.Integer, nullable=False),
        sa.Column("uom", sa.Text),
        sa.PrimaryKeyConstraint("area", "process", "component", name="pk_process_components"),
        sa.CheckConstraint(
            'quantity_per > 0 AND scrap_rate >= 0 AND scrap_rate < 1 AND "offset" >= 0',
            name="ck_process_components_quantity",
        ),
    )
    op.create_table(
        "process_loads",
        _text("area"),
        _text("process"),
        _text("resource"),
        _number("hours_per_unit"),
        _number("setup_hours"),
        sa.PrimaryKeyConstraint("area", "process", "resource", name="pk_process_loads"),
        sa.CheckConstraint("hours_per_unit >= 0 AND setup_hours >= 0", name="ck_process_loads_hours"),
    )


def _resources() -> None:
    op.create_table(
        "resources",
        _text("area"),
        _text("resource"),
        sa.Column("hours", sa.Double),
        _number("overtime_hours"),
        sa.Column("overtime_cost", sa.Numeric, nullable=False),
        sa.PrimaryKeyConstraint("area", "resource", name="pk_resources"),
        sa.CheckConstraint("hours >= 0 AND overtime_hours >= 0 AND overtime_cost >= 0", name="ck_resources_hours"),
    )
    op.create_table(
        "resource_capacity",
        _text("area"),
        _text("resource"),
        sa.Column("day", sa.Date, nullable=False),
        _number("hours"),
        _number("overtime_hours"),
        sa.PrimaryKeyConstraint("area", "resource", "day", name="pk_resource_capacity"),
        sa.CheckConstraint("hours >= 0 AND overtime_hours >= 0", name="ck_resource_capacity_hours"),
    )


def _orders() -> None:
    op.create_table(
        "open_orders",
        _text("area"),
        _text("reference"),
        _text("item"),
        _text("location"),
        _number("quantity"),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("customer", sa.Text),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("ordered", sa.Date),
        _number("shipped_quantity"),
        sa.Column("shipped", sa.Date),
        sa.PrimaryKeyConstraint("area", "reference", name="pk_open_orders"),
        sa.CheckConstraint("quantity > 0 AND shipped_quantity >= 0 AND priority >= 1", name="ck_open_orders_quantity"),
        sa.CheckConstraint("(shipped_quantity > 0) = (shipped IS NOT NULL)", name="ck_open_orders_shipped"),
    )
    op.create_index("ix_open_orders_item", "open_orders", ["area", "item", "location"])
    op.add_column("scheduled_receipts", sa.Column("status", sa.Text, nullable=False, server_default="released"))
    op.add_column("scheduled_receipts", sa.Column("cancellable", sa.Boolean, nullable=False, server_default="false"))
    op.create_check_constraint(
        "ck_scheduled_receipts_status", "scheduled_receipts", "status IN ('firm', 'released', 'in_transit')"
    )


def _policies() -> None:
    op.add_column("planning_policies", sa.Column("frozen_fence", sa.Integer, nullable=False, server_default="0"))
    op.create_check_constraint("ck_planning_policies_fence", "planning_policies", "frozen_fence >= 0")


def _lines() -> None:
    for name, known in (
        ("open_orders", "array_fill(0::float8, ARRAY[cardinality(demand)])"),
        ("net_forecast", "demand"),
    ):
        op.add_column("plan_lines", sa.Column(name, sa.ARRAY(sa.Double)))
        op.execute(f"UPDATE plan_lines SET {name} = {known}")  # noqa: S608  both are written above
        op.alter_column("plan_lines", name, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=False)
