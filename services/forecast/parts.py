"""A part of a dataset: what the forecast of one item-location, and its explanation, depend on.

Of demand its own and, where prices are compared, its rivals'; of driver values those that reach these. What depends on
all item-locations at once was stored with the forecast (`profile`).
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.forecast.datasets.blocks import Datasets
from services.forecast.engine.calendar import Frequency
from services.forecast.inputs import Inputs
from services.forecast.panels import SPORADIC

_DAYS = {"D": 1, "W": 7}


@dataclass(frozen=True)
class Part:
    """Items at one location."""

    items: tuple[str, ...]
    location: str

    @classmethod
    def with_rivals(cls, categories: Mapping[str, str | None], item: str, location: str) -> "Part":
        """The item and those that a shopper compares it with: of its category, where items have any.

        The engine's rule (`driver_features`), said of tables.
        """
        mine = categories[item]
        return cls(tuple(name for name, category in categories.items() if category == mine), location)


def categories(datasets: Datasets, digest: str) -> dict[str, str | None]:
    """The category of each item of a dataset."""
    items = pa.concat_tables(datasets.part(digest, "items", None)).to_pydict()
    return dict(zip(items["item"], items["category"], strict=True))


def take(datasets: Datasets, digest: str, part: Part, start: datetime.date, origin: datetime.date) -> Inputs:
    """The part as inputs whose history begins at `start`, as the whole dataset's does. Raises DatasetGone."""
    small = {name: list(datasets.part(digest, name, None)) for name in ("items", "locations", "drivers")}
    mine = pc.field("item").isin(part.items) & (pc.field("location") == part.location)
    reaching = (pc.field("item").is_null() | pc.field("item").isin(part.items)) & (
        pc.field("location").is_null() | (pc.field("location") == part.location)
    )
    sporadic = [row["driver"] for row in pa.concat_tables(small["drivers"]).to_pylist() if row["kind"] in SPORADIC]
    values = [*datasets.part(digest, "driver_values", reaching), *_beginnings(datasets, digest, sporadic, part)]
    demand = list(datasets.part(digest, "demand", mine))
    return Inputs(digest, origin, {**small, "demand": demand, "driver_values": values}, start)


def _beginnings(datasets: Datasets, digest: str, drivers: list[str], part: Part) -> Iterator[pa.Table]:
    """The first row of each driver, unless it is of the part: from then on, no row means none."""
    for driver in drivers:
        for block in datasets.part(digest, "driver_values", pc.field("driver") == driver):
            if block.num_rows:
                row = block.slice(pc.index(block["period"], pc.min(block["period"])).as_py(), 1)
                item, location = row["item"][0].as_py(), row["location"][0].as_py()
                if item not in {None, *part.items} or location not in {None, part.location}:
                    yield row
                break


def first_period(frequency: Frequency, origin: datetime.date, length: int) -> datetime.date:
    """Of a history of `length` periods that ends with `origin`."""
    if frequency == "M":
        return datetime.date.fromisoformat(f"{np.datetime64(origin, 'M') - np.timedelta64(length - 1, 'M')}-01")
    return origin - datetime.timedelta(days=_DAYS[frequency] * (length - 1))
