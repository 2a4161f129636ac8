"""A whole plan: evidence that adds up, lines that balance, KPIs that are their sums, and reproducible rows."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.planner.engine import plan as planning
from services.planner.engine.inputs import Demand, Supply
from services.planner.engine.kpis import Kpis
from services.planner.engine.plan import Plan, plan
from tests.unit.planner.cases import demand_of, random_case, supply_of

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def flat(found: Any, name: str = "") -> dict[str, np.ndarray]:
    """Every array of a nest of dataclasses by its dotted name."""
    if isinstance(found, np.ndarray):
        return {name: found}
    parts = enumerate(found) if isinstance(found, tuple) else ((f.name, getattr(found, f.name)) for f in fields(found))
    return {key: value for part, item in parts for key, value in flat(item, f"{name}.{part}").items()}


def rows_of(found: Plan) -> dict[str, np.ndarray]:
    return {**flat(found.orders), **flat(found.lines)}


@pytest.fixture(scope="module")
def case() -> tuple[Supply, Demand, Plan]:
    supply, demand = random_case(5, n=60, periods=14)
    return supply, demand, plan(supply, demand, paths=60)


@few
@given(seed=seeds)
@example(seed=537667984)  # a minimum order far beyond what the (s, S) policy would order
def test_acting_is_never_worse_than_the_cost_of_inaction_says(seed: int) -> None:
    supply, demand = random_case(seed, n=6)
    orders = plan(supply, demand, paths=30).orders
    option, acted = orders.option, orders.option.quantity > 0
    assert np.all(option.cost_of_inaction >= 0)
    assert np.all(option.cost_of_inaction_p90 >= 0)
    assert np.all(option.net_benefit[acted] > 0)
    assert np.all(option.stockout_probability <= orders.stockout_probability_without)
    assert np.all(option.expected_shortage <= orders.expected_shortage_without + 1e-9)
    assert np.all((orders.release <= orders.release_by) & (orders.release_by < orders.release + supply.review))
    assert np.array_equal(option.stockout_probability[~acted], orders.stockout_probability_without[~acted])
    for name in ("cost_of_acting", "cost_of_inaction", "cost_of_inaction_p90", "net_benefit"):
        assert not np.any(getattr(option, name)[~acted])


def test_figures_of_one_order_by_hand() -> None:
    """On hand 4, demand 10: 8 save 6 lost sales at 2, and 2 are held a bucket at 0.5.

    Whoever waits pays 12 and then 6.5 for 12, 8 and 12. After 8 it is 1.5 for 8, 2.5 for 12 and 1.5 for 8.
    """
    costs = {"unit_cost": 3.0, "order_cost": 1.5, "holding_cost": 0.5, "shortage_cost": 2.0}
    supply = supply_of(1, 4, on_hand=4.0, multiple=4.0, **costs)
    found = plan(supply, demand_of(np.full((1, 4), 10.0)), paths=5).orders
    assert found.option.quantity.tolist() == [8.0]
    assert found.option.purchase_cost.tolist() == [24.0]
    assert found.option.extra_holding_cost.tolist() == [1.0]
    assert found.option.cost_of_acting.tolist() == [24.0 + 1.5 + 1.0]
    assert found.option.cost_of_inaction.tolist() == [12.0]
    assert found.option.cost_of_inaction_p90.tolist() == [12.0]
    assert found.option.net_benefit.tolist() == [18.5 - 1.5 - 1.0 - 5.5]
    assert (found.stockout_probability_without[0], found.option.stockout_probability[0]) == (1.0, 0.0)
    assert (found.expected_shortage_without[0], found.option.expected_shortage[0]) == (6.0, 0.0)
    assert [(a.kind[0], a.option.quantity[0], a.option.net_benefit[0]) for a in found.alternatives] == [
        ("larger_lot", 12.0, 18.5 - 1.5 - 3.0 - 5.5),
        ("smaller_lot", 4.0, 18.5 - 4.0 - 1.5 - 6.5),
        ("wait", 0.0, 0.0),
    ]
    triggers = found.triggers
    assert (triggers.on_hand[0], triggers.projected[0], triggers.safety_stock[0]) == (4.0, 4.0, 0.0)
    assert (triggers.reorder_point[0], triggers.order_up_to[0], triggers.cover[0]) == (10.0, 10.0, 1)
    assert triggers.fractile[0] == pytest.approx(2 / 2.5)


def test_a_release_may_slip_until_the_first_shortage_that_it_prevents() -> None:
    """Stock for bucket 2 and 3, review every 3: the receipt helps from bucket 4, so two buckets may be lost."""
    receipts = np.array([[0.0, 0.0, 7.0, 0.0, 0.0, 0.0]])
    supply = supply_of(1, 6, on_hand=33.0, receipts=receipts, lead_time=2, review=3)
    orders = plan(supply, demand_of(np.full((1, 6), 10.0)), paths=3).orders
    assert orders.option.quantity.tolist() == [10.0]
    assert (orders.release[0], orders.release_by[0], orders.receipt[0], orders.until[0]) == (0, 2, 2, 5)
    assert orders.triggers.on_order.tolist() == [7.0]
    assert orders.triggers.projected.tolist() == [20.0]


def test_cost_of_inaction_of_a_backlog_counts_each_bucket_that_it_waits() -> None:
    supply = supply_of(1, 4, review=2, backlog=True, shortage_cost=3.0, on_hand=-1.0)
    orders = plan(supply, demand_of(np.full((1, 4), 5.0)), paths=3).orders
    assert orders.option.quantity.tolist() == [11.0]
    assert orders.option.cost_of_inaction.tolist() == [3.0 * (6 + 11)]
    assert orders.expected_shortage_without.tolist() == [10.0]  # the unit brought in was short before


def test_alternatives_are_ranked_and_none_beats_the_cheapest_order(case: tuple[Supply, Demand, Plan]) -> None:
    orders = case[2].orders
    acted = orders.option.quantity > 0
    assert 5 < acted.sum() < 60
    benefit = np.array([alternative.option.net_benefit for alternative in orders.alternatives])
    kinds = np.array([alternative.kind for alternative in orders.alternatives])
    assert np.array_equal(np.isnan(benefit), kinds == "")
    assert np.all(kinds[:, ~acted] == "")
    for rank in kinds[:, acted].T:
        named = [kind for kind in rank if kind]
        assert "wait" in named
        assert len(set(named)) == len(named)
    assert set(kinds[:, acted].flat) == {"smaller_lot", "larger_lot", "wait", ""}
    ranked = np.nan_to_num(benefit, nan=-np.inf)
    assert np.all(ranked[:-1] >= ranked[1:])
    assert np.all(orders.option.net_benefit[acted] >= ranked[0, acted] - 1e-9)


def test_lines_balance(case: tuple[Supply, Demand, Plan]) -> None:
    supply, demand, found = case
    lines = found.lines
    start = np.concatenate([supply.on_hand[:, None], lines.available[:, :-1]], axis=1)
    lost = np.where(supply.backlog[:, None], 0.0, lines.shortage)
    into = lines.scheduled_receipts + lines.planned_receipts
    np.testing.assert_allclose(lines.available, start + into - lines.demand + lost, atol=1e-4)
    np.testing.assert_allclose(lines.demand, demand.mean, rtol=1e-5)
    assert np.all(lines.available_p10 <= lines.available_p50)
    assert np.all(lines.available_p50 <= lines.available_p90)


def test_the_first_release_of_the_lines_is_the_recommendation(case: tuple[Supply, Demand, Plan]) -> None:
    supply, _, found = case
    rows = np.arange(60)
    np.testing.assert_allclose(found.lines.planned_releases[rows, supply.fence], found.orders.option.quantity)
    late = supply.arrival < 14
    np.testing.assert_allclose(
        found.lines.planned_receipts[rows, supply.arrival][late], found.orders.option.quantity[late]
    )


def test_kpis_are_the_sums_of_the_lines_and_the_total_that_of_its_parts(case: tuple[Supply, Demand, Plan]) -> None:
    _, _, found = case
    kpis, lines = found.kpis.plan, found.lines
    parts = ("holding", "shortage", "ordering", "purchase")
    for part in parts:
        assert getattr(kpis, f"cost_{part}").mean == pytest.approx(getattr(lines, f"{part}_cost").sum(), abs=0.005)
    for each in (found.kpis.plan, found.kpis.nothing, found.kpis.benchmark):
        total = sum(getattr(each, f"cost_{part}").mean for part in parts)
        assert each.cost_total.mean == pytest.approx(total, abs=0.005)
        assert each.cost_relevant.mean == pytest.approx(total - each.cost_purchase.mean, abs=0.005)
        assert all(figure.p10 <= figure.p50 <= figure.p90 for figure in vars_of(each))
    assert kpis.stockout_probability.mean == pytest.approx(lines.stockout_probability.mean())
    stock = lines.available + lines.backlog
    assert kpis.mean_stock.mean == pytest.approx(stock.sum(axis=0).mean())


def vars_of(kpis: Kpis) -> list[Any]:
    return [getattr(kpis, field.name) for field in fields(kpis)]


def test_doing_nothing_orders_nothing_and_the_plan_beats_both_alternatives(case: tuple[Supply, Demand, Plan]) -> None:
    kpis = case[2].kpis
    assert kpis.nothing.cost_ordering.p90 == kpis.nothing.cost_purchase.p90 == 0
    assert kpis.plan.cost_relevant.mean < kpis.nothing.cost_relevant.mean
    assert kpis.plan.cost_relevant.mean < kpis.benchmark.cost_relevant.mean
    assert kpis.nothing.fill_rate.mean < kpis.plan.fill_rate.mean <= 1


def test_kpis_of_a_hand_made_plan() -> None:
    """Demand 4 a bucket, 5 on hand, orders of 4 arriving next bucket: 1 held, then 1 short of nothing."""
    supply = supply_of(1, 3, on_hand=5.0, lead_time=1, unit_cost=2.0, order_cost=0.0, backlog=True)
    found = plan(supply, demand_of(np.full((1, 3), 4.0)), paths=4)
    assert found.lines.planned_releases.tolist() == [[3.0, 4.0, 0.0]]  # a third would arrive after the horizon
    assert found.lines.available.tolist() == [[1.0, 0.0, 0.0]]
    kpis = found.kpis.plan
    assert kpis.cost_purchase.mean == 14.0
    assert kpis.cost_holding.mean == pytest.approx(0.2)
    assert (kpis.cost_shortage.mean, kpis.fill_rate.mean, kpis.stockout_probability.mean) == (0.0, 1.0, 0.0)
    nothing = found.kpis.nothing
    assert nothing.cost_shortage.mean == pytest.approx(3 + 7)
    assert nothing.fill_rate.mean == pytest.approx(5 / 12)
    assert nothing.stockout_probability.mean == pytest.approx(2 / 3)
    assert nothing.mean_stock.mean == pytest.approx(1 / 3)
    assert nothing.stock_value.mean == pytest.approx(2 / 3)


def test_a_row_does_not_depend_on_its_neighbours_or_its_place(
    case: tuple[Supply, Demand, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    supply, demand, found = case
    monkeypatch.setattr(planning, "BLOCK_CELLS", 7 * 60 * 14)
    order = np.random.default_rng(0).permutation(60)
    shuffled = rows_of(plan(supply.rows(order), demand.rows(order), paths=60))
    for name, values in rows_of(found).items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(shuffled[name], values[order], rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            assert np.array_equal(shuffled[name], values[order]), name


def test_the_same_inputs_give_the_same_numbers(case: tuple[Supply, Demand, Plan]) -> None:
    supply, demand, found = case
    again = plan(supply, demand, paths=60)
    assert again.kpis == found.kpis
    assert all(
        np.array_equal(values, rows_of(found)[name], equal_nan=True)
        for name, values in rows_of(again).items()
        if values.dtype.kind == "f"
    )


def test_progress_counts_rows_and_what_it_raises_ends_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    supply, demand = random_case(1, n=5)
    monkeypatch.setattr(planning, "BLOCK_CELLS", 2 * 10 * 10)
    seen: list[int] = []
    plan(supply, demand, paths=10, progress=seen.append)
    assert seen == [2, 4, 5]

    def cancel(done: int) -> None:
        raise InterruptedError(done)

    with pytest.raises(InterruptedError, match="2"):
        plan(supply, demand, paths=10, progress=cancel)


def test_inputs_that_do_not_match_are_refused() -> None:
    supply, demand = random_case(1, n=3)
    with pytest.raises(ValueError, match="same item-locations and buckets"):
        plan(supply.rows(slice(0, 2)), demand)
    with pytest.raises(ValueError, match="at least one"):
        plan(supply.rows(slice(0, 0)), demand.rows(slice(0, 0)))


def test_every_part_of_a_plan_is_an_array_by_row(case: tuple[Supply, Demand, Plan]) -> None:
    assert is_dataclass(case[2])
    assert {len(values) for values in rows_of(case[2]).values()} == {60}
