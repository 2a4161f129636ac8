"""The near-term order against textbooks and against a slow simulation of every lot."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, norm, poisson

from services.planner.engine.cover import cover
from services.planner.engine.inputs import Demand, Floats, Ints, Supply
from services.planner.engine.order import order_quantity, stockouts
from services.planner.engine.window import Window, leftover, open_window, shortfall
from tests.unit.planner.cases import demand_of, paths_of, random_case, supply_of

STRATA = (np.arange(20_000) + 0.5) / 20_000
NEWSVENDOR = {"holding_cost": 0.18, "shortage_cost": 0.70, "backlog": True}  # Snyder and Shen, example 4.1


def near(supply: Supply, paths: np.ndarray) -> Window:
    return open_window(supply, paths, np.ones(len(supply.on_hand), dtype=np.int64))


def first_cover(supply: Supply, demand: Demand) -> Ints:
    return np.asarray(cover(supply, demand.mean)[np.arange(len(demand.mean)), supply.fence])


def cost(supply: Supply, window: Window, quantity: Floats) -> Floats:
    over, under = window.holding(supply), window.penalty(supply, window.inside)
    left = leftover(window, quantity)
    return np.asarray(np.sum(over * left + under * shortfall(window, quantity, left), axis=1))


@pytest.mark.parametrize("backlog", [True, False])
def test_newsvendor_with_normal_demand(backlog: bool) -> None:
    supply = supply_of(periods=1, multiple=1e-4, **{**NEWSVENDOR, "backlog": backlog})
    window = near(supply, norm(50, 8).ppf(STRATA)[None, :, None])
    quantity = order_quantity(supply, window)
    assert quantity[0] == pytest.approx(56.60396, abs=1e-3)  # a stratum is 0.0014 units wide there
    assert cost(supply, window, quantity)[0] == pytest.approx(1.997605, abs=1e-4)
    assert cost(supply, window, np.array([60.0]))[0] == pytest.approx(2.156132, abs=1e-4)


def test_newsvendor_with_lead_time_covers_five_buckets() -> None:
    random = np.random.default_rng(4)
    supply = supply_of(periods=5, lead_time=4, multiple=1e-3, **NEWSVENDOR)
    window = near(supply, random.normal(50, 8, (1, 20_000, 5)))
    quantity = order_quantity(supply, window)
    assert quantity[0] == pytest.approx(264.7669, abs=0.5)  # three standard errors of the sample's quantile
    assert cost(supply, window, quantity)[0] == pytest.approx(4.466781, abs=0.1)


@pytest.mark.parametrize(
    ("mean", "holding", "shortage", "quantity", "least"), [(50, 0.18, 0.70, 56.0, 1.797235), (6, 1, 4, 8.0, 3.570107)]
)
def test_newsvendor_with_poisson_demand(
    mean: float, holding: float, shortage: float, quantity: float, least: float
) -> None:
    supply = supply_of(periods=1, holding_cost=holding, shortage_cost=shortage)
    window = near(supply, poisson(mean).ppf(STRATA)[None, :, None])
    assert order_quantity(supply, window).tolist() == [quantity]
    assert cost(supply, window, np.array([quantity]))[0] == pytest.approx(least, abs=1e-3)


@pytest.mark.parametrize(
    ("demand", "quantity", "lacking", "left"),
    [
        (norm(0, 1), 1.3, 0.0455280, 1.3455280),
        (norm(15, 3), 18.6, 0.1683074, 3.7683074),
        (poisson(15), 18, 0.5176095, 3.5176095),
        (nbinom(23**2 / (64 - 23), 23 / 64), 14, 9.32646, 0.32646),
    ],
)
def test_loss_functions(demand: Any, quantity: float, lacking: float, left: float) -> None:
    """What an order lacks and what is left of it, expected: Snyder and Shen's loss functions and their complements."""
    window = near(supply_of(periods=1, backlog=True), demand.ppf(STRATA)[None, :, None])
    ordered = np.array([quantity])
    found = leftover(window, ordered)
    assert found[0, 0] == pytest.approx(left, abs=2e-3 * left)
    assert shortfall(window, ordered, found)[0, 0] == pytest.approx(lacking, abs=2e-3 * left)


def test_critical_fractile_of_a_lost_sale() -> None:
    """1.0 a unit lost against 0.2 a unit and period held: 0.83333, 0.967422 standard deviations."""
    fractile = supply_of(shortage_cost=1.0, holding_cost=0.2).fractile[0]
    assert fractile == pytest.approx(0.83333, abs=1e-5)
    assert norm.ppf(fractile) == pytest.approx(0.967422, abs=1e-6)


def test_reorder_point_cycle_service_and_expected_shortage() -> None:
    """Weekly demand N(2500, 500), two weeks, 6000 in stock: Chopra and Meindl's cycle service level, ESC, fill rate."""
    week = norm(2500, 500).ppf((np.arange(1200) + 0.5) / 1200)
    weeks = np.stack(np.meshgrid(week, week), axis=-1).reshape(1, -1, 2)
    supply = supply_of(periods=2, on_hand=6000.0, lead_time=1, backlog=True)
    window = near(supply, weeks)
    assert stockouts(window, np.zeros(1)).mean() == pytest.approx(1 - 0.92135, abs=0.0005)
    none = np.zeros(1)
    lacking = shortfall(window, none, leftover(window, none))[0, 0]
    assert lacking == pytest.approx(25.127, abs=0.1)
    assert 1 - lacking / 10_000 == pytest.approx(0.99749, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), target=st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_a_service_target_takes_the_smallest_lot_that_reaches_it(seed: int, target: float) -> None:
    supply, demand = random_case(seed, service_target=target, shortage_cost=np.nan, max_qty=np.inf)
    window = near(supply, paths_of(demand))
    quantity = order_quantity(supply, window)
    served = 1 - stockouts(window, quantity).mean(axis=1)
    less = np.maximum(quantity - supply.multiple, 0)
    less[less < supply.first_lot * supply.multiple * (1 - 1e-9)] = 0
    assert np.all(served >= target - 1e-9)
    assert np.all((quantity == 0) | (1 - stockouts(window, less).mean(axis=1) < target))


def test_a_target_out_of_reach_takes_the_largest_lot() -> None:
    supply = supply_of(service_target=0.95, multiple=4.0, max_qty=10.0)
    assert order_quantity(supply, near(supply, np.full((1, 5, 6), 100.0))).tolist() == [8.0]


def simulated_cost(supply: Supply, row: int, path: Floats, quantity: float) -> float:
    """The cost of one path until the next review's order can arrive, written out bucket by bucket."""
    stock, backlog, total = max(supply.on_hand[row], 0.0), max(-supply.on_hand[row], 0.0), 0.0
    arrival = int(supply.arrival[row])
    for t in range(arrival + int(supply.review[row])):
        stock += supply.receipts[row, t] + (quantity if t == arrival else 0.0)
        wanted = backlog + path[t]
        served = min(stock, wanted)
        stock, missing = stock - served, wanted - served
        backlog = missing if supply.backlog[row] else 0.0
        if t >= arrival:
            total += supply.holding_cost[row] * stock + supply.penalty[row] * missing
    return total


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_is_the_cheapest_of_all_lots(seed: int) -> None:
    supply, demand = random_case(seed, order_cost=0.0, multiple=[5.0, 9.0, 14.0])
    paths = paths_of(demand, count=6)
    quantity = order_quantity(supply, near(supply, paths))
    for row in range(3):
        most = min(int(supply.last_lot[row]), int(paths[row].sum() / supply.multiple[row]) + 2)
        lots = [0, *range(int(supply.first_lot[row]), max(most, int(supply.first_lot[row])) + 1)]
        costs = [
            sum(simulated_cost(supply, row, path, lot * supply.multiple[row]) for path in paths[row]) for lot in lots
        ]
        chosen = costs[lots.index(round(quantity[row] / supply.multiple[row]))]
        assert chosen == pytest.approx(min(costs), rel=2e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), more=st.floats(0, 60))
def test_more_on_hand_never_raises_the_order(seed: int, more: float) -> None:
    supply, demand = random_case(seed)
    richer, _ = random_case(seed, on_hand=supply.on_hand + more)
    paths, reviews = paths_of(demand, count=40), first_cover(supply, demand)
    quantity = order_quantity(supply, open_window(supply, paths, reviews))
    assert np.all(order_quantity(richer, open_window(richer, paths, reviews)) <= quantity)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-4, 6))
def test_units_of_another_size_scale_the_order(seed: int, power: int) -> None:
    supply, demand = random_case(seed)
    size = 2.0**power
    units = {name: getattr(supply, name) * size for name in ("on_hand", "receipts", "moq", "multiple", "max_qty")}
    money = {name: getattr(supply, name) / size for name in ("unit_cost", "holding_cost", "shortage_cost")}
    scaled, _ = random_case(seed, **units, **money)
    paths = paths_of(demand, count=40)
    expected = size * order_quantity(supply, open_window(supply, paths, first_cover(supply, demand)))
    window = open_window(scaled, paths * np.float32(size), first_cover(supply, demand))
    np.testing.assert_allclose(order_quantity(scaled, window), expected, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_orders_are_feasible_lots(seed: int) -> None:
    supply, demand = random_case(seed)
    quantity = order_quantity(supply, open_window(supply, paths_of(demand, 40), first_cover(supply, demand)))
    lots = quantity / supply.multiple
    np.testing.assert_allclose(lots, np.round(lots), rtol=1e-9)
    ordered = quantity > 0
    assert np.all((quantity >= supply.moq - 1e-9)[ordered])
    assert np.all(quantity <= supply.max_qty + 1e-9)


def test_a_deterministic_forecast_orders_the_net_requirement() -> None:
    supply = supply_of(2, on_hand=[7.0, 0.0], lead_time=1, review=2, multiple=0.1, backlog=[True, False])
    window = near(supply, paths_of(demand_of(np.tile([3.0, 5.0, 8.1, 9.0, 9.0, 9.0], (2, 1)))))
    np.testing.assert_allclose(order_quantity(supply, window), [3 + 5 + 8.1 - 7, 5 + 8.1], rtol=1e-12)


def test_rounding_goes_the_cheaper_way_not_blindly_up() -> None:
    """Need 13 in lots of 10: seven units held cost 1.4, three lost cost 0.9 or 3.0."""
    supply = supply_of(2, multiple=10.0, holding_cost=0.2, shortage_cost=[0.3, 1.0])
    window = near(supply, paths_of(demand_of(np.full((2, 6), 13.0))))
    assert order_quantity(supply, window).tolist() == [10.0, 20.0]


def test_an_ordering_cost_is_spread_over_the_reviews_that_an_order_lasts() -> None:
    """10 a bucket at 0.2, 40 an order: the EOQ of 63 lasts 6 buckets, though one bucket short costs 20, not 40."""
    supply = supply_of(3, 24, order_cost=40.0, shortage_cost=2.0, on_hand=[0.0, 10.0, 9.0])
    demand = demand_of(np.full((3, 24), 10.0))
    reviews = first_cover(supply, demand)
    assert reviews.tolist() == [6, 6, 6]
    assert order_quantity(supply, open_window(supply, paths_of(demand), reviews)).tolist() == [60.0, 0.0, 0.0]


def test_an_order_that_never_pays_is_not_made() -> None:
    supply = supply_of(1, 24, order_cost=500.0, shortage_cost=1.0)
    demand = demand_of(np.full((1, 24), 1.0))
    assert order_quantity(supply, open_window(supply, paths_of(demand), first_cover(supply, demand))).tolist() == [0.0]


def test_a_large_minimum_is_held_for_its_whole_life() -> None:
    """A minimum of eight buckets is ordered, though it costs more to hold in its first bucket than that one loses."""
    supply = supply_of(2, 24, moq=80.0, holding_cost=[0.2, 0.4], shortage_cost=1.0)
    demand = demand_of(np.full((2, 24), 10.0))
    reviews = first_cover(supply, demand)
    assert reviews.tolist() == [8, 8]
    assert order_quantity(supply, open_window(supply, paths_of(demand), reviews)).tolist() == [80.0, 0.0]


def test_a_sale_lost_before_a_receipt_is_not_made_up_by_it() -> None:
    """Ten are lost in bucket 0 whatever arrives in bucket 1; a backlog would be served from the fifteen."""
    receipts = np.array([[0.0, 15.0, 0.0, 0.0]] * 2)
    supply = supply_of(2, 4, review=2, receipts=receipts, backlog=[False, True], shortage_cost=[1.0, 0.19])
    window = near(supply, paths_of(demand_of(np.full((2, 4), 10.0))))
    assert window.thresholds[:, 0].tolist() == [[10.0, 10.0], [10.0, 5.0]]
    assert order_quantity(supply, window).tolist() == [10.0, 5.0]


def test_a_first_order_does_not_insure_what_a_later_review_can_answer() -> None:
    supply = supply_of(1, 8, review=2)
    paths = paths_of(demand_of(np.full((1, 8), 10.0), spread=0.4))
    spread = open_window(supply, paths, np.array([3])).thresholds[0].std(axis=0)
    assert spread[0] == pytest.approx(4, rel=0.05)
    np.testing.assert_allclose(spread[2:], spread[1])
