"""What the coupled tiers read: item-locations, the options that supply them, and what the options use.

Buckets t = 0..T-1 from the as-of instant; conventions as in engine/inputs.py: a release in t arrives at the start of
t + lead time, costs fall on the bucket's end, and unit and order cost count at release. Buy, make and transfer are all
options; so are their expedited forms, with a shorter lead time and a higher price. Demand classes of one item-location
are item-locations of their own with `max_stock` 0, supplied from it by a free transfer without lead time.
"""

from collections.abc import Container
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from services.planner.engine.inputs import Bools, Floats, Ints


class Mode(IntEnum):
    """How an option supplies; it decides in which part of the cost its unit cost is told."""

    BUY = 0
    MAKE = 1
    TRANSFER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Nodes:
    """n item-locations; raises ValueError where a value makes no sense, as every table here does."""

    on_hand: Floats  # [n] units at the as-of instant; negative = backlog brought in
    receipts: Floats  # [n, T] scheduled receipts, units
    demand: Floats  # [n, T] independent net demand, mean, units
    holding_cost: Floats  # [n] money per unit and bucket
    shortage_cost: Floats  # [n] money per lost unit, or per unit and bucket of backlog
    backlog: Bools  # [n] True: unmet demand waits; False: it is lost
    safety_stock: Floats  # [n, T] stock to end a bucket with, units; a target, not a limit
    safety_cost: Floats  # [n] money per unit and bucket below the target
    max_stock: Floats  # [n] most units to end a bucket with; inf = none; stock that no order brought may exceed it
    shelf_life: Ints  # [n] buckets in which a unit can be used from its receipt on; above T = without end
    waste_cost: Floats  # [n] money per unit thrown away, commonly the unit cost; only where shelf life ends

    def __post_init__(self) -> None:
        rows, periods = len(self.on_hand), self.demand.shape[1]
        _shapes(self, rows, {"receipts", "demand", "safety_stock"}, periods)
        _require(
            "item-location",
            {
                "on_hand is finite": np.isfinite(self.on_hand),
                "on_hand >= 0 where sales are lost": self.backlog | (self.on_hand >= 0),
                "receipts >= 0": _every(self.receipts),
                "demand >= 0": _every(self.demand),
                "safety_stock >= 0": _every(self.safety_stock),
                "holding_cost >= 0": _amount(self.holding_cost),
                "shortage_cost >= 0": _amount(self.shortage_cost),
                "safety_cost >= 0": _amount(self.safety_cost),
                "waste_cost >= 0": _amount(self.waste_cost),
                "max_stock >= 0": self.max_stock >= 0,
                "shelf_life >= 1": self.shelf_life >= 1,
            },
        )

    def __len__(self) -> int:
        return len(self.on_hand)

    @property
    def periods(self) -> int:
        """Buckets T."""
        return int(self.demand.shape[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """m ways to supply an item-location. A quantity counts the good units that arrive."""

    node: Ints  # [m] the item-location that it supplies
    mode: Ints  # [m] Mode
    lead_time: Ints  # [m] buckets from release to receipt; an option may be longer than the horizon
    unit_cost: Floats  # [m, T] money per unit, by bucket of release
    order_cost: Floats  # [m, T] money per order, by bucket of release
    moq: Floats  # [m] smallest order, units
    multiple: Floats  # [m] lot multiple, units; 0 = any quantity
    max_qty: Floats  # [m] largest order, units; inf = none
    allowed: Bools  # [m, T] buckets in which it may be released: fence, review, effective dates
    priority: Ints  # [m] the lower is taken among options of one cost
    split: Floats  # [m] share of what the shared options of its item-location bring in the horizon; NaN = not shared

    def __post_init__(self) -> None:
        _shapes(self, len(self.node), {"unit_cost", "order_cost", "allowed"}, self.unit_cost.shape[1])
        first, last = self.smallest, self.largest
        _require(
            "option",
            {
                "lead_time >= 0": self.lead_time >= 0,
                "mode is a Mode": np.isin(self.mode, list(Mode)),
                "unit_cost >= 0": _every(self.unit_cost),
                "order_cost >= 0": _every(self.order_cost),
                "multiple >= 0": _amount(self.multiple),
                "moq >= 0": _amount(self.moq),
                "a lot between moq and max_qty": (first <= last) & (last > 0),
                "split inside [0, 1]": np.isnan(self.split) | ((self.split >= 0) & (self.split <= 1)),
            },
        )

    def __len__(self) -> int:
        return len(self.node)

    @property
    def smallest(self) -> Floats:
        """[m] smallest order: the MOQ, rounded up to a multiple."""
        lot = np.where(self.multiple > 0, self.multiple, 1.0)
        lots = np.maximum(np.ceil(self.moq / lot - 1e-9), 1)
        return np.where(self.multiple > 0, lots * lot, self.moq)

    @property
    def largest(self) -> Floats:
        """[m] largest order: the maximum, rounded down to a multiple; inf = none."""
        lot = np.where(self.multiple > 0, self.multiple, 1.0)
        lots = np.floor(np.minimum(self.max_qty / lot, 2.0**52) + 1e-9)
        return np.where((self.multiple > 0) & np.isfinite(self.max_qty), lots * lot, self.max_qty)


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """What options take out of stock: components of a make, the source of a transfer (quantity 1). One use a row."""

    option: Ints  # [u]
    node: Ints  # [u] the item-location that it takes from
    quantity: Floats  # [u] units per unit that the option brings, scrap and yield included
    offset: Ints  # [u] buckets after the release in which it takes them

    def __post_init__(self) -> None:
        _shapes(self, len(self.option))
        _require("use", {"quantity > 0": _amount(self.quantity) & (self.quantity > 0), "offset >= 0": self.offset >= 0})

    def __len__(self) -> int:
        return len(self.option)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loads:
    """What options take of resources, in the bucket of release. One option and resource a row."""

    option: Ints  # [k]
    resource: Ints  # [k]
    hours: Floats  # [k] hours per unit that the option brings
    setup_hours: Floats  # [k] hours per order

    def __post_init__(self) -> None:
        _shapes(self, len(self.option))
        _require("load", {"hours >= 0": _amount(self.hours), "setup_hours >= 0": _amount(self.setup_hours)})

    def __len__(self) -> int:
        return len(self.option)


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """r resources. A budget is one too: its hours are money, the hours per unit an option's unit cost."""

    capacity: Floats  # [r, T] hours; inf = no limit
    overtime: Floats  # [r, T] most hours beyond the capacity
    overtime_cost: Floats  # [r] money per hour of overtime

    def __post_init__(self) -> None:
        _shapes(self, len(self.overtime_cost), {"capacity", "overtime"}, self.capacity.shape[1])
        _require(
            "resource",
            {
                "capacity >= 0": np.all(self.capacity >= 0, axis=1),
                "overtime >= 0": _every(self.overtime),
                "overtime_cost >= 0": _amount(self.overtime_cost),
            },
        )

    def __len__(self) -> int:
        return len(self.overtime_cost)


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The whole: tables that refer to each other by row."""

    nodes: Nodes
    options: Options
    uses: Uses
    loads: Loads
    resources: Resources

    def __post_init__(self) -> None:
        periods = self.nodes.periods
        if self.options.unit_cost.shape[1] != periods or self.resources.capacity.shape[1] != periods:
            raise ValueError("item-locations, options and resources need the same buckets")
        _refer("option", self.options.node, len(self.nodes), "item-location")
        _refer("use", self.uses.option, len(self.options), "option")
        _refer("use", self.uses.node, len(self.nodes), "item-location")
        _refer("load", self.loads.option, len(self.options), "option")
        _refer("load", self.loads.resource, len(self.resources), "resource")

    def part(self, nodes: Ints) -> "tuple[Network, Ints, Ints]":
        """The network of some item-locations, with the options and the resources that it holds.

        nodes: ascending, and closed: whatever an option of theirs uses is among them. What others load on a resource
        stays out of sight. Raises ValueError where they are not closed.
        """
        options = np.flatnonzero(np.isin(self.options.node, nodes))
        uses = np.flatnonzero(np.isin(self.uses.option, options))
        loads = np.flatnonzero(np.isin(self.loads.option, options))
        resources = np.unique(self.loads.resource[loads])
        if not np.all(np.isin(self.uses.node[uses], nodes)):
            raise ValueError("an option uses an item-location outside the part")
        network = Network(
            nodes=_rows(self.nodes, nodes),
            options=_renumber(_rows(self.options, options), node=nodes),
            uses=_renumber(_rows(self.uses, uses), option=options, node=nodes),
            loads=_renumber(_rows(self.loads, loads), option=options, resource=resources),
            resources=_rows(self.resources, resources),
        )
        return network, options, resources


def _rows[Table](table: Table, index: Ints) -> Table:
    names = [field.name for field in fields(table)]  # type: ignore[arg-type]
    return type(table)(**{name: getattr(table, name)[index] for name in names})


def _renumber[Table](table: Table, **columns: Ints) -> Table:
    """The table with references into the whole turned into references into the rows kept."""
    names = [field.name for field in fields(table)]  # type: ignore[arg-type]
    values: dict[str, Any] = {name: getattr(table, name) for name in names}
    return type(table)(**values | {name: np.searchsorted(kept, values[name]) for name, kept in columns.items()})


def _every(values: Floats) -> Bools:
    return np.asarray(np.all(np.isfinite(values) & (values >= 0), axis=1))


def _amount(values: Floats) -> Bools:
    return np.isfinite(values) & (values >= 0)


def _shapes(table: Any, rows: int, wide: Container[str] = (), periods: int = 0) -> None:
    for field in fields(table):
        shape = (rows, periods) if field.name in wide else (rows,)
        if getattr(table, field.name).shape != shape:
            raise ValueError(f"{field.name} is {getattr(table, field.name).shape} in place of {shape}")


def _require(what: str, rules: dict[str, Bools]) -> None:
    for rule, holds in rules.items():
        if not np.all(holds):
            raise ValueError(f"{rule} does not hold in {what} {int(np.argmin(holds))}")


def _refer(what: str, rows: Ints, count: int, target: str) -> None:
    _require(what, {f"{target} exists": (rows >= 0) & (rows < count)})
