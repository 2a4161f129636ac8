"""Table bodies that are taken in by a job, and demand without a look-up of its series for every row.

The numbers in `series_id` come from `series` and `driver_series`, whose rows are never removed; proving it again for
each of a million rows takes longer than storing them.
"""

from alembic import op

from shared.imports import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    tables.install(op.get_bind())
    op.drop_constraint("fk_demand_series_id", "demand")
    op.drop_constraint("fk_driver_values_series_id", "driver_values")
