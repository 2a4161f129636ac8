"""The big model of bench.plan and dynamic programming find the same cost where both can."""

import numpy as np
import pytest

from bench.plan import _big_model, made
from services.planner.engine.dynamic import schedule


def test_the_big_model_costs_what_dynamic_programming_does() -> None:
    supply, demand = made(4, 8)
    rows = np.flatnonzero(supply.backlog)
    assert 0 < len(rows) < 4
    supply, mean = supply.rows(rows), demand.mean[rows]
    told = _big_model(supply, mean, 60, 1)
    assert told["big_model_status"] == "Optimal"
    assert told["big_model_cost"] == pytest.approx(schedule(supply, mean).cost.sum(), rel=1e-4)
