"""Cost, service and stock of a plan over all item-locations, with their spread over common paths."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from services.planner.engine.exact import add_up, total
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
    """What a policy costs and achieves over the horizon; the means of the four cost parts add up to cost_total's."""

    cost_total: Figure
    cost_relevant: Figure  # total less purchase: what policies are compared by, since bought goods keep their value
    cost_holding: Figure
    cost_shortage: Figure
    cost_ordering: Figure
    cost_purchase: Figure
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

    Tallies of disjoint item-locations add up, and what was added can be taken out again, to the last bit.
    """

    holding: Floats
    shortage: Floats
    ordering: Floats
    purchase: Floats
    demand: Floats
    short: Floats
    stockouts: Floats
    stock: Floats
    value: Floats
    cells: int  # item-locations x buckets

    @classmethod
    def of(cls, supply: Supply, buckets: Iterable[Bucket]) -> Self:
        """Sum a rollout of some item-locations, each over its buckets first."""
        periods = 0
        found: dict[str, Any] = defaultdict(float)
        for bucket in buckets:
            periods += 1
            for name in ("stock", "backlog", "short", "released", "demand"):
                found[name] = found[name] + getattr(bucket, name).astype(np.float64)
            found["orders"] = found["orders"] + (bucket.released > 0)
            found["outs"] = found["outs"] + (bucket.short > SLACK * 10 * bucket.demand.astype(np.float64))
        unmet = np.where(supply.backlog[:, None], found["backlog"], found["short"])
        return cls(
            holding=add_up(supply.holding_cost[:, None] * found["stock"]),
            shortage=add_up(supply.penalty[:, None] * unmet),
            ordering=add_up(supply.order_cost[:, None] * found["orders"]),
            purchase=add_up(supply.unit_cost[:, None] * found["released"]),
            demand=add_up(found["demand"]),
            short=add_up(found["short"]),
            stockouts=add_up(found["outs"]),
            stock=add_up(found["stock"]),
            value=add_up(supply.unit_cost[:, None] * found["stock"]),
            cells=periods * len(supply.on_hand),
        )

    def __add__(self, other: Self) -> Self:
        """Put two disjoint sets of item-locations together."""
        names = [field.name for field in fields(self)]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __sub__(self, other: Self) -> Self:
        """Take item-locations out again."""
        names = [field.name for field in fields(self)]
        return type(self)(**{name: getattr(self, name) - getattr(other, name) for name in names})

    @property
    def relevant(self) -> Floats:
        """[S] cost of each path, purchase aside."""
        return total(self.holding) + total(self.shortage) + total(self.ordering)

    def kpis(self, periods: int) -> Kpis:
        """Summarise over paths; `periods` is the horizon T."""
        purchase, demand, short = total(self.purchase), total(self.demand), total(self.short)
        served = np.divide(demand - short, demand, out=np.ones_like(demand), where=demand > 0)
        return Kpis(
            cost_total=Figure.of(self.relevant + purchase),
            cost_relevant=Figure.of(self.relevant),
            cost_holding=Figure.of(total(self.holding)),
            cost_shortage=Figure.of(total(self.shortage)),
            cost_ordering=Figure.of(total(self.ordering)),
            cost_purchase=Figure.of(purchase),
            fill_rate=Figure.of(served),
            stockout_probability=Figure.of(total(self.stockouts) / self.cells),
            mean_stock=Figure.of(total(self.stock) / periods),
            stock_value=Figure.of(total(self.value) / periods),
        )
