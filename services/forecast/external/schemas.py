from typing import Any

from pydantic import create_model

from shared.schemas import Code, Date, Quantity, Schema

# The engine's quantile levels, which this process does not load; a test compares them.
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
QUANTILES = tuple(f"q{level:g}" for level in LEVELS)


class ExternalMean(Schema):
    """Expected demand of an item-location in a period, in the item's unit."""

    item: Code
    location: Code
    period: Date
    mean: Quantity


_FIELDS: dict[str, Any] = dict.fromkeys(QUANTILES, (Quantity | None, None))
ExternalValueIn = create_model(
    "ExternalValueIn",
    __base__=ExternalMean,
    __doc__="""Expected demand of an item-location in a period, in the item's unit, and its quantiles.

    All quantiles or none, in all rows alike, as in our own forecasts' tables.
    """,
    **_FIELDS,
)
