"""Cost, service and stock of a plan over all item-locations, with their spread over common paths."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from services.planner.engine.exact import LIMBS, add_up, carried, total
from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.lots import TEN_SLACK
from services.planner.engine.rollout import Bucket, Policy, roll


@dataclass(frozen=True, slots=True)
class Figure:
    """A total over item-locations: mean over paths and quantiles of the paths' totals."""

    mean: float
    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Summarise one total per path [S]."""
        p10, p50, p90 = np.quantile(values, (0.1, 0.5, 0.9))
        return cls(float(np.mean(values)), float(p10), float(p50), float(p90))


@dataclass(frozen=True, slots=True)
class Kpis:
    """What a policy costs and achieves over the horizon; the means of the six cost parts add up to cost_total's."""

    cost_total: Figure
    cost_relevant: Figure  # total less purchase: what policies are compared by, since bought goods keep their value
    cost_holding: Figure
    cost_shortage: Figure
    cost_ordering: Figure
    cost_purchase: Figure
    cost_overtime: Figure
    cost_waste: Figure  # what is past its shelf life, at unit cost
    fill_rate: Figure  # demand served in its bucket / demand; 1 without demand
    stockout_probability: Figure  # share of item-locations' buckets that run out
    mean_stock: Figure  # units at the end of a bucket, all item-locations together
    stock_value: Figure  # the same at unit cost


@dataclass(frozen=True, slots=True)
class Comparison:
    """The plan beside its counterfactuals, on the same paths."""

    plan: Kpis
    nothing: Kpis  # no new order in the whole horizon
    benchmark: Kpis  # policies.benchmark


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over item-locations and buckets per path, all [L, S] limbs of `exact`.

    What is past its shelf life counts as waste, at the unit cost. Tallies of disjoint item-locations add up, and what
    was added can be taken out again, to the last bit.
    """

    holding: Floats
    shortage: Floats
    ordering: Floats
    purchase: Floats
    overtime: Floats
    waste: Floats
    demand: Floats
    short: Floats
    stockouts: Floats
    stock: Floats
    value: Floats
    cells: int  # item-locations x buckets

    def on(self, paths: int) -> Self:
        """What was rolled along one path, told of `paths` equal ones."""
        spread = {name: np.repeat(getattr(self, name), paths, axis=1) for name in MEASURES}
        return type(self)(**spread, cells=self.cells)

    def __add__(self, other: Self) -> Self:
        """Put two disjoint sets of item-locations together."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in (*MEASURES, "cells")}
        return type(self)(**sums)

    def __sub__(self, other: Self) -> Self:
        """Take item-locations out again."""
        rests = {name: getattr(self, name) - getattr(other, name) for name in (*MEASURES, "cells")}
        return type(self)(**rests)

    @property
    def relevant(self) -> Floats:
        """[S] cost of each path, purchase aside."""
        parts = (self.holding, self.shortage, self.ordering, self.overtime, self.waste)
        return np.asarray(sum(total(part) for part in parts))

    def kpis(self, periods: int) -> Kpis:
        """Summarise over paths; `periods` is the horizon T."""
        relevant, purchase = self.relevant, total(self.purchase)
        demand, short = total(self.demand), total(self.short)
        served = np.divide(demand - short, demand, out=np.ones_like(demand), where=demand > 0)
        return Kpis(
            cost_total=Figure.of(relevant + purchase),
            cost_relevant=Figure.of(relevant),
            cost_holding=Figure.of(total(self.holding)),
            cost_shortage=Figure.of(total(self.shortage)),
            cost_ordering=Figure.of(total(self.ordering)),
            cost_purchase=Figure.of(purchase),
            cost_overtime=Figure.of(total(self.overtime)),
            cost_waste=Figure.of(total(self.waste)),
            fill_rate=Figure.of(served),
            stockout_probability=Figure.of(total(self.stockouts) / self.cells),
            mean_stock=Figure.of(total(self.stock) / periods),
            stock_value=Figure.of(total(self.value) / periods),
        )


MEASURES = tuple(field.name for field in fields(Tally) if field.name != "cells")


class Totals:
    """Sums over the buckets of a rollout per item-location and path, all [n, S]."""

    def __init__(self, supply: Supply, paths: np.ndarray) -> None:
        self.supply = supply
        self.cells = paths.shape[0] * paths.shape[2]
        shape, kind = paths.shape[:2], np.result_type(paths, np.float32)
        self.stock, self.unmet, self.released, self.orders = (np.zeros(shape, dtype=kind) for _ in range(4))
        self.perishable = np.flatnonzero(supply.shelf_life <= paths.shape[2])
        self.wasted = np.zeros((len(self.perishable), shape[1]), dtype=kind)
        self.demand, self.short, self.stockouts = (np.zeros(shape, dtype=kind) for _ in range(3))
        self.dated = np.flatnonzero(supply.dated)
        self.spent, self.placed = (np.zeros((len(self.dated), shape[1])) for _ in range(2))

    @classmethod
    def of(cls, supply: Supply, paths: np.ndarray, policy: Policy | None = None) -> Self:
        """Sum a whole rollout."""
        totals = cls(supply, paths)
        for _ in totals.watch(roll(supply, paths, policy)):
            pass
        return totals

    def watch(self, buckets: Iterable[Bucket]) -> Iterator[Bucket]:
        """Pass the buckets on and add them up."""
        for t, bucket in enumerate(buckets):
            short = bucket.short
            self.stock += bucket.stock
            self.unmet += bucket.unmet
            self.released += bucket.released
            self.orders += bucket.released > 0
            self.demand += bucket.demand
            self.short += short
            self.stockouts += short > TEN_SLACK * bucket.demand
            if len(self.perishable):
                self.wasted += bucket.wasted[self.perishable]
            if len(self.dated):
                self._pay(t, bucket.released[self.dated])
            yield bucket

    def _pay(self, t: int, released: np.ndarray) -> None:
        """Add up what the releases [k, S] of a bucket cost where costs change: the rows `dated` [k]."""
        self.spent += self.supply.unit_cost[self.dated, t, None] * released
        self.placed += self.supply.order_cost[self.dated, t, None] * (released > 0)

    def _paid(self, units: np.ndarray, each: Floats, dated: Floats) -> Floats:
        """Limbs of units [n, S] at what `each` [n] costs, and of what was paid [k, S] where costs change."""
        steady = np.where(self.supply.dated, 0.0, each)
        return carried(add_up(units, steady) + add_up(dated))

    def cost(self) -> Floats:
        """[n] mean over paths of holding, shortage, ordering and waste."""
        stock, unmet, orders = (units.mean(axis=1, dtype=np.float64) for units in (self.stock, self.unmet, self.orders))
        supply = self.supply
        ordering = supply.ordering * orders
        ordering[self.dated] = self.placed.mean(axis=1)
        found = np.asarray(supply.holding_cost * stock + supply.penalty * unmet + ordering)
        found[self.perishable] += supply.price[self.perishable] * self.wasted.mean(axis=1, dtype=np.float64)
        return found

    def tally(self) -> Tally:
        """Sum over the item-locations too."""
        supply = self.supply
        return Tally(
            holding=add_up(self.stock, supply.holding_cost),
            shortage=add_up(self.unmet, supply.penalty),
            ordering=self._paid(self.orders, supply.ordering, self.placed),
            purchase=self._paid(self.released, supply.price, self.spent),
            overtime=np.zeros((LIMBS, self.stock.shape[1])),
            waste=add_up(self.wasted, supply.price[self.perishable]),
            demand=add_up(self.demand),
            short=add_up(self.short),
            stockouts=add_up(self.stockouts),
            stock=add_up(self.stock),
            value=add_up(self.stock, supply.price),
            cells=self.cells,
        )
