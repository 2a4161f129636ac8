"""What of a plan will be late, found when it is made: rows of its exceptions."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from services.planner.engine.exceptions import CAPACITY, COMPONENTS, Exceptions, exceptions
from services.planner.engine.inputs import Bools, Floats
from services.planner.plans.inputs import Inputs
from services.planner.plans.planning import Together
from services.planner.plans.tables import Plan
from services.planner.plans.takeover import Planned

COLUMNS = ("plan_id", "item", "location", "period", "quantity", "value", "cause")


def rows(
    run: Plan, known: Inputs, planned: Planned, measures: Mapping[str, Floats], paths: int
) -> Iterator[Sequence[Any]]:
    """Of the item-locations that were computed for this plan; measures [m, T]: their lines."""
    fresh, periods = planned.fresh, run.periods or []
    frozen = known.terms["frozen_fence"].to_numpy(np.int64)[fresh]
    coupled = _coupled(known, planned.together, len(periods)) if planned.together else {}
    mine = {name: lacking[fresh] for name, lacking in coupled.items()}
    found = exceptions(known.supply.rows(fresh), measures, frozen, paths, mine)
    return _values(run, known, planned, found, periods)


def _values(
    run: Plan, known: Inputs, planned: Planned, found: Exceptions, periods: list[datetime.date]
) -> Iterator[Sequence[Any]]:
    keys = known.terms.index[planned.fresh[found.row]]
    told = (found.bucket, found.quantity, found.value, found.cause)
    numbers = zip(*(column.tolist() for column in told), strict=True)
    for (item, location), (bucket, quantity, value, cause) in zip(keys, numbers, strict=True):
        yield run.id, item, location, periods[bucket], quantity, value, cause


def _coupled(known: Inputs, together: Together, periods: int) -> dict[str, Bools]:
    """[n, T] whether hours with a confirmed price, or a component that runs out, were wanted up to a bucket."""
    network, rows = together.web.network, together.web.rows
    loads, uses, options = network.loads, network.uses, network.options
    bound = np.zeros((len(network.resources), periods), dtype=bool)
    for prices in together.prices:
        bound[prices.resource, prices.bucket] |= prices.price > 0
    full, short = (np.zeros((len(known.terms), periods), dtype=bool) for _ in range(2))
    np.logical_or.at(full, rows[options.node[loads.option]], bound[loads.resource])
    out = together.projection.lines.stockout_probability > 0
    np.logical_or.at(short, rows[options.node[uses.option]], out[uses.node])
    return {
        CAPACITY: np.logical_or.accumulate(full, axis=1),
        COMPONENTS: np.logical_or.accumulate(short, axis=1),
    }
