"""Cost, service and stock of a plan over all item-locations, with their spread over common paths."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.lots import SLACK
from services.planner.engine.rollout import Bucket


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
    """What a policy costs and achieves over the horizon; the means of the five cost parts add up to cost_total's."""

    cost_total: Figure
    cost_relevant: Figure  # total less purchase: what policies are compared by, since bought goods keep their value
    cost_holding: Figure
    cost_shortage: Figure
    cost_ordering: Figure
    cost_purchase: Figure
    cost_overtime: Figure
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
    """Sums over item-locations and buckets per path, all [S]; tallies of disjoint item-locations add up."""

    holding: Floats
    shortage: Floats
    ordering: Floats
    purchase: Floats
    overtime: Floats
    demand: Floats
    short: Floats
    stockouts: Floats
    stock: Floats
    value: Floats
    cells: int  # item-locations x buckets

    @classmethod
    def of(cls, supply: Supply, buckets: Iterable[Bucket]) -> Self:
        """Sum a rollout of some item-locations."""
        parts = [cls._bucket(supply, bucket) for bucket in buckets]
        names = [field.name for field in fields(cls)]
        return cls(**{name: sum(getattr(part, name) for part in parts) for name in names})

    @classmethod
    def _bucket(cls, supply: Supply, bucket: Bucket) -> Self:
        unmet = np.where(supply.backlog[:, None], bucket.backlog, bucket.short)
        demand = bucket.demand.astype(np.float64)
        return cls(
            holding=supply.holding_cost @ bucket.stock,
            shortage=supply.penalty @ unmet,
            ordering=supply.order_cost @ (bucket.released > 0),
            purchase=supply.unit_cost @ bucket.released,
            overtime=np.zeros(demand.shape[1]),
            demand=demand.sum(axis=0),
            short=bucket.short.sum(axis=0),
            stockouts=np.sum(bucket.short > SLACK * 10 * demand, axis=0, dtype=np.float64),
            stock=bucket.stock.sum(axis=0),
            value=supply.unit_cost @ bucket.stock,
            cells=len(demand),
        )

    def __add__(self, other: Self) -> Self:
        """Put two disjoint sets of item-locations together."""
        names = [field.name for field in fields(self)]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def kpis(self, periods: int) -> Kpis:
        """Summarise over paths; `periods` is the horizon T."""
        relevant = self.holding + self.shortage + self.ordering + self.overtime
        served = np.divide(self.demand - self.short, self.demand, out=np.ones_like(self.demand), where=self.demand > 0)
        return Kpis(
            cost_total=Figure.of(relevant + self.purchase),
            cost_relevant=Figure.of(relevant),
            cost_holding=Figure.of(self.holding),
            cost_shortage=Figure.of(self.shortage),
            cost_ordering=Figure.of(self.ordering),
            cost_purchase=Figure.of(self.purchase),
            cost_overtime=Figure.of(self.overtime),
            fill_rate=Figure.of(served),
            stockout_probability=Figure.of(self.stockouts / self.cells),
            mean_stock=Figure.of(self.stock / periods),
            stock_value=Figure.of(self.value / periods),
        )
