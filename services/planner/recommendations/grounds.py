"""What speaks for trusting a recommended order, or against it, beside its own figures."""

from typing import Literal

from shared.schemas import Schema

DataFlag = Literal[
    "stale_stock",
    "reserved_exceeds_stock",
    "overdue_receipts",
    "overdue_orders",
    "overdue_open_orders",
    "faulty_rule",
    "out_of_stock",
    "suspect_demand",
    "external_forecast",
]


class CalibrationOut(Schema):
    """How often stock came out inside the plan's 80 % interval, of the items of one category (null: of none).

    `measured` are outcomes of the last 26 periods: the stock that would have been left at the end of the order's
    window, as recommended and on the demand that there was. `coverage` is the share inside, null without any.
    """

    item_class: str | None
    measured: int
    inside: int
    coverage: float | None


class GroundsOut(Schema):
    """What policies judge an order by beside its figures, as it was when it was recommended.

    `data_flags` say what is doubtful of its item-location's data: `stale_stock` is told for more than a period before
    the plan; orders of three kinds were due before it; another of its sourcing rules is to be mended (`faulty_rule`);
    in the last 13 periods it was `out_of_stock`, so that demand was not seen, or demand was far from all the others or
    none though some is expected (`suspect_demand`). `in_frozen_fence`: it is received in the plan's first periods,
    which the approval rules protect.
    `quantity_before`: units that the plan before recommended from the same source and that were still open.
    """

    data_flags: list[DataFlag]
    calibration: CalibrationOut
    in_frozen_fence: bool
    quantity_before: float | None
