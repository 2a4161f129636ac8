"""What is doubtful of an item-location's data, though a plan can be made with them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools, Floats
from services.planner.engine.outliers import far_out
from services.planner.plans.basis import Basis
from services.planner.plans.buckets import Buckets
from services.planner.plans.inputs import Inputs, overreserved, stale_stock
from services.planner.plans.structure import KEY
from services.planner.recommendations.grounds import DataFlag

type Flags = dict[tuple[str, str], list[DataFlag]]


def flags(basis: Basis, known: Inputs) -> Flags:
    """Flags of the planned item-locations that have any, in the order in which `DataFlag` names them."""
    keys = known.terms.index
    found: Flags = {}
    for flag, holds in _checks(basis, known):
        for key in keys[holds].tolist():
            found.setdefault(key, []).append(flag)
    return found


def _checks(basis: Basis, known: Inputs) -> Iterator[tuple[DataFlag, Bools]]:
    """Each flag with [n] whether it holds."""
    snapshot, terms, buckets = basis.snapshot, known.terms, basis.forecast.buckets
    yield "stale_stock", stale_stock(terms, buckets)
    yield "reserved_exceeds_stock", overreserved(terms)
    for flag, orders in (("overdue_receipts", snapshot.receipts), ("overdue_orders", snapshot.commitments)):
        yield flag, _overdue(terms, orders, buckets)  # type: ignore[misc]
    yield "overdue_open_orders", known.orders.overdue > 0
    yield "faulty_rule", terms.index.isin(list(known.faults))
    yield "out_of_stock", terms.index.isin(basis.out_of_stock)
    yield "suspect_demand", suspect(known.demand.recent, known.demand.mean - known.orders.total)
    yield "external_forecast", np.full(len(terms), basis.forecast.name is not None)


def suspect(recent: Floats, expected: Floats) -> Bools:
    """[n] whether a recent period's demand is far out, or there was none though the forecast expects some.

    recent: [n, H] units; expected: [n, T] units beside what is ordered.
    """
    silent = ~np.any(recent > 0, axis=1) & np.any(expected > 0, axis=1)
    return np.asarray(silent | far_out(recent))


def _overdue(terms: pd.DataFrame, orders: pd.DataFrame, buckets: Buckets) -> Bools:
    late = orders[(orders["due"] < buckets.as_of).to_numpy(bool)]
    return np.asarray(terms.index.isin(pd.MultiIndex.from_frame(late[KEY])))
