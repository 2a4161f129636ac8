"""Fill rates as targets and lead times with a spread, against the formulas of normal demand."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from services.planner.engine.lateness import lateness
from services.planner.engine.levels import safety_stock
from services.planner.engine.order import order_quantity
from services.planner.engine.plan import plan
from services.planner.engine.window import open_window, unserved
from shared.paths import series_seeds
from tests.unit.planner.cases import demand_of, paths_of, supply_of

PATHS = 4000


def ordered(supply, demand, late=None):
    window = open_window(supply, paths_of(demand, PATHS), np.ones(len(supply.on_hand), dtype=np.int64), late)
    return order_quantity(supply, window), window


@pytest.mark.parametrize("target", [0.9, 0.97, 0.995])
def test_an_order_serves_the_share_of_demand_that_is_asked_for(target):
    """One bucket of N(100, 30), nothing on hand: E(D - S)+ = (1 - target) x 100. Silver, Pyke and Thomas, chapter 7."""
    supply, demand = supply_of(1, 2, fill_target=target, multiple=0.1), demand_of(np.full((1, 2), 100.0), spread=0.3)

    def lacking(level):
        z = (level - 100) / 30
        return 30 * (norm.pdf(z) - z * norm.sf(z))

    exact = brentq(lambda level: lacking(level) - (1 - target) * 100, 0, 300)
    assert ordered(supply, demand)[0][0] == pytest.approx(exact, rel=0.01)


def test_no_smaller_lot_reaches_the_fill_rate():
    supply = supply_of(
        3, 6, fill_target=[0.8, 0.95, 0.99], multiple=4.0, lead_time=[0, 1, 2], backlog=[True, False, True]
    )
    quantity, window = ordered(supply, demand_of(np.full((3, 6), 20.0), spread=0.5, rho=0.3))
    wanted = (window.demand.mean(axis=1) * window.near[:, :1]).sum(axis=1)
    served = 1 - unserved(supply, window, quantity).mean(axis=1) / wanted
    less = 1 - unserved(supply, window, quantity - 4).mean(axis=1) / wanted
    assert np.all(served >= supply.fill_target - 1e-6)
    assert np.all((less < supply.fill_target) & (quantity > 0))


def test_safety_stock_for_a_fill_rate_is_that_of_the_loss_function():
    """G21, Chopra and Meindl: two buckets of N(2500, 500); with 10000 bought at once 25.127 a cycle are a fill rate of
    0.99749, and the reorder point is 6000. Here a cycle is one bucket of 2500, so that it is 1 - 25.127 / 2500.
    """
    supply = supply_of(1, 4, lead_time=1, fill_target=1 - 25.127 / 2500)
    paths = paths_of(demand_of(np.full((1, 4), 2500.0), spread=0.2), PATHS)
    assert safety_stock(supply, paths)[0, 0] == pytest.approx(1000, rel=0.06)


def test_a_spread_of_the_lead_time_widens_what_has_to_be_covered():
    """Normal approximation: sqrt((L + R) sd^2 + mean^2 spread^2), e.g. Chopra and Meindl, chapter 12."""
    supply = supply_of(2, 8, lead_time=3, lead_spread=[0.0, 1.0], service_target=0.95, on_hand=300.0, backlog=True)
    demand = demand_of(np.full((2, 8), 100.0), spread=0.2)
    late = lateness(supply, demand.seeds, PATHS)
    safety = safety_stock(supply, paths_of(demand, PATHS), late)[:, 0]
    z = norm.ppf(0.95)
    assert safety[0] == pytest.approx(z * 20 * 2, rel=0.05)
    assert safety[1] == pytest.approx(z * np.sqrt(4 * 20**2 + 100**2), rel=0.05)
    quantity = ordered(supply, demand, late)[0]
    assert quantity == pytest.approx(100 + safety, rel=0.03)


def test_lateness_has_the_spread_comes_not_before_the_order_and_is_its_own():
    supply = supply_of(3, 4, lead_time=[2, 0, 2], lead_spread=[0.7, 0.5, 0.0])
    seeds = series_seeds(["a", "b", "c"])
    late = lateness(supply, seeds, 500)
    assert late[0].mean() == pytest.approx(0, abs=0.01)
    assert late[0].std() == pytest.approx(0.7, rel=0.01)
    assert late[1].min() == 0
    assert not late[2].any()
    assert np.array_equal(lateness(supply.rows([1, 0]), seeds[[1, 0]], 500), late[[1, 0]])


def test_known_demand_whose_deliveries_are_unsure_is_not_planned_exactly_but_with_a_safety_stock():
    supply = supply_of(2, 8, lead_time=1, lead_spread=[0.0, 0.8], shortage_cost=20.0, on_hand=10.0)
    found = plan(supply, demand_of(np.full((2, 8), 10.0)), paths=100)
    assert found.exact.tolist() == [True, False]
    assert found.orders.option.quantity[0] == 10
    assert found.orders.option.quantity[1] > 14
