"""Perishables: what came first is used first, what is too old is waste, in a plan and in what it is held against."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.inputs import Floats
from services.planner.engine.network.simulation import simulate
from services.planner.engine.plan import plan
from services.planner.engine.rollout import roll
from tests.unit.planner.cases import demand_of, paths_of, random_case, supply_of
from tests.unit.planner.network.networks import network_of, nodes_of, options_of


def test_waste_of_a_plan_and_of_what_it_is_held_against_by_hand() -> None:
    """10 on hand and 6 due in bucket 1, of which 3 a bucket are sold; all can be used for two buckets, at 5 a unit.

    With no order 4 expire at the end of bucket 1 and 3 of bucket 2. The benchmark orders up to 12: 2 at once, then 6 in
    buckets 2 and 3; so 6 expire at the end of bucket 1, and 3 of each that follows.
    """
    receipts = np.array([[0.0, 6.0, 0.0, 0.0]])
    supply = supply_of(periods=4, on_hand=10.0, receipts=receipts, shelf_life=2, unit_cost=5.0)
    found = plan(supply, demand_of(np.full((1, 4), 3.0))).kpis
    assert found.nothing.cost_waste.mean == pytest.approx(5 * 7)
    assert found.benchmark.cost_waste.mean == pytest.approx(5 * 12)
    assert found.nothing.mean_stock.mean == pytest.approx((7 + 6 + 0 + 0) / 4)
    assert found.nothing.fill_rate.mean == pytest.approx(9 / 12)
    others = found.nothing.cost_holding.mean + found.nothing.cost_shortage.mean
    assert found.nothing.cost_relevant.mean == pytest.approx(others + 35)


def test_no_plan_costs_more_than_doing_nothing_because_of_what_it_throws_away() -> None:
    """One lot is 40 units at 9 that keep for a bucket: to throw most of it away costs more than some lost sales."""
    supply = supply_of(periods=6, moq=40.0, multiple=40.0, shelf_life=1, unit_cost=9.0, shortage_cost=2.0)
    found = plan(supply, demand_of(np.full((1, 6), 5.0), spread=0.3))
    assert found.kpis.plan.cost_relevant.mean <= found.kpis.nothing.cost_relevant.mean
    assert found.kpis.plan.cost_waste.mean == 0
    assert not np.any(found.lines.planned_releases)


def by_cohort(start: float, receipts: Floats, demand: Floats, life: int, *, backlog: bool) -> tuple[Floats, Floats]:
    """Waste and stock [T] of one path, units kept by the bucket in which they came."""
    shelf, owed = [[0, max(start, 0.0)]], max(-start, 0.0)
    wasted, stock = np.zeros(len(demand)), np.zeros(len(demand))
    for t in range(len(demand)):
        shelf.append([t, float(receipts[t])])
        wanted = owed + float(demand[t])
        for cohort in shelf:
            used = min(cohort[1], wanted)
            cohort[1] -= used
            wanted -= used
        owed = wanted if backlog else 0.0
        wasted[t] = sum(units for came, units in shelf if came + life <= t + 1)
        shelf = [cohort for cohort in shelf if cohort[0] + life > t + 1]
        stock[t] = sum(units for _, units in shelf)
    return wasted, stock


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), lives=st.lists(st.integers(1, 12), min_size=3, max_size=3))
def test_what_was_there_and_came_is_sold_thrown_away_or_left(seed: int, lives: list[int]) -> None:
    supply, demand = random_case(seed, shelf_life=lives)
    paths = paths_of(demand, 8).astype(np.float64)
    buckets = list(roll(supply, paths))
    wasted, stock = (np.stack([getattr(bucket, name) for bucket in buckets], axis=2) for name in ("wasted", "stock"))
    short = sum(bucket.short for bucket in buckets)
    unserved = np.where(supply.backlog[:, None], buckets[-1].backlog, short)
    sold = paths.sum(axis=2) - unserved
    came = supply.on_hand + supply.receipts.sum(axis=1)
    np.testing.assert_allclose(wasted.sum(axis=2) + stock[:, :, -1] + sold, np.tile(came[:, None], 8), rtol=1e-6)
    for row in range(3):
        for path in range(8):
            told = by_cohort(
                supply.on_hand[row], supply.receipts[row], paths[row, path], lives[row], backlog=supply.backlog[row]
            )
            np.testing.assert_allclose(wasted[row, path], told[0], atol=1e-4)
            np.testing.assert_allclose(stock[row, path], told[1], atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), lives=st.lists(st.integers(1, 12), min_size=3, max_size=3))
def test_a_network_left_to_itself_wastes_what_its_item_locations_do(seed: int, lives: list[int]) -> None:
    supply, demand = random_case(seed, shelf_life=lives)
    paths = paths_of(demand, 8).astype(np.float64)
    nodes = nodes_of(
        demand.mean,
        on_hand=supply.on_hand,
        receipts=supply.receipts,
        backlog=supply.backlog,
        shelf_life=supply.shelf_life,
    )
    network = network_of(nodes, options_of([0, 1, 2], nodes.periods))
    released = np.zeros((len(network.options), nodes.periods))
    for bucket, moment in zip(roll(supply, paths), simulate(network, released, paths), strict=True):
        np.testing.assert_allclose(moment.wasted, bucket.wasted, atol=1e-4)
        np.testing.assert_allclose(moment.stock, bucket.stock, atol=1e-4)
