"""What a backtest's pictures show, on cells that can be counted by hand."""

import numpy as np
import pytest

from services.forecast.engine.backtest import Outcome
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.diagnostics import errors_by_lag, observed

LEVELS = np.array(QUANTILES)
CENTRE = QUANTILES.index(0.5)


def outcome(demand, model, naive):
    """One origin; `model` and `naive` [n, H, K]."""
    demand = np.array(demand, dtype=float)
    numbers = np.zeros(len(demand), dtype=int)
    periods = np.arange("2024-01", f"2024-{demand.shape[1] + 1:02d}", dtype="datetime64[M]")
    told = (model[..., CENTRE], model), (naive[..., CENTRE], naive)
    return Outcome(periods, demand, demand, *told, np.zeros((0, *demand.shape)), numbers, numbers)


def flat(shape, value):
    return np.full((*shape, len(QUANTILES)), float(value))


def test_observed_is_the_share_of_known_demand_at_or_below_each_quantile():
    demand = [[10, 20], [30, np.nan]]
    ladder = np.broadcast_to(LEVELS * 40, (2, 2, len(QUANTILES)))  # 1, 4, 8, 12, 16, 20 ...
    found = observed([outcome(demand, ladder, flat((2, 2), 20))], "model")
    assert found.tolist() == pytest.approx([np.mean([q >= 10, q >= 20, q >= 30]) for q in LEVELS * 40])
    assert observed([outcome(demand, ladder, flat((2, 2), 20))], "naive").tolist() == pytest.approx([2 / 3] * 11)


def test_origins_count_by_their_cells():
    sure = outcome([[1], [1], [1]], flat((3, 1), 1), flat((3, 1), 0))
    never = outcome([[5]], flat((1, 1), 1), flat((1, 1), 0))
    assert observed([sure, never], "model").tolist() == [0.75] * 11


def test_errors_by_lag_are_those_of_the_median_over_demand():
    first = outcome([[10, 40]], flat((1, 2), 12), flat((1, 2), 10))
    second = outcome([[30, np.nan]], flat((1, 2), 24), flat((1, 2), 10))
    assert errors_by_lag([first, second], "model").tolist() == pytest.approx([(2 + 6) / 40, 28 / 40])
    assert errors_by_lag([first, second], "naive").tolist() == pytest.approx([20 / 40, 30 / 40])


def test_without_demand_nothing_is_shown():
    nothing = [outcome([[np.nan]], flat((1, 1), 1), flat((1, 1), 1))]
    assert np.isnan(observed(nothing, "model")).all()
    assert np.isnan(errors_by_lag(nothing, "model")).all()
