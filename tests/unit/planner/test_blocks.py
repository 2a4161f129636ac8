"""Plans by rule and exact ones: what they cost, beside each other and beside doing nothing."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.blocks import by_rule
from services.planner.engine.cover import cover
from services.planner.engine.inputs import Demand, Floats, Supply
from services.planner.engine.kpis import Kpis
from services.planner.engine.plan import Plan, plan
from tests.unit.planner.cases import demand_of, random_case, supply_of

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=6, deadline=None)


def certain_case(seed: int, n: int = 4, **given: Any) -> tuple[Supply, Demand]:
    supply, demand = random_case(seed, n=n, **given)
    return supply, demand_of(demand.mean)


def relevant(found: Plan) -> Floats:
    """[n] cost in the lines, purchase aside."""
    lines = found.lines
    return np.asarray((lines.holding_cost + lines.shortage_cost + lines.ordering_cost).sum(axis=1))


@few
@given(seed=seeds)
def test_certain_demand_is_planned_exactly_and_never_dearer_than_by_rule(seed: int) -> None:
    supply, demand = certain_case(seed)
    found = plan(supply, demand, paths=5)
    assert np.all(found.exact)
    rule = by_rule(supply, demand, cover(supply, demand.mean), 5)
    by_lines = rule.lines.holding_cost + rule.lines.shortage_cost + rule.lines.ordering_cost
    assert np.all(relevant(found) <= by_lines.sum(axis=1) * (1 + 1e-9) + 1e-9)
    assert found.kpis.plan.cost_relevant.mean == pytest.approx(relevant(found).sum())
    assert found.kpis.plan.cost_relevant.p10 == pytest.approx(found.kpis.plan.cost_relevant.p90)


@few
@given(seed=seeds)
def test_net_benefit_of_an_exact_order_is_what_waiting_costs_more(seed: int) -> None:
    """Forbidden until the next review and planned anew; no other first lot is worth more."""
    supply, demand = certain_case(seed, lead_time=[0, 1, 2, 1], review=[1, 2, 3, 2], fence=[0, 1, 0, 2])
    found = plan(supply, demand, paths=2)
    option = found.orders.option
    assert np.all(option.net_benefit[option.quantity > 0] > 0)
    later = plan(replace(supply, fence=supply.fence + supply.review), demand, paths=2)
    dearer = np.where(option.quantity > 0, relevant(later) - relevant(found), 0.0)
    np.testing.assert_allclose(option.net_benefit, dearer, atol=1e-7)
    for alternative in found.orders.alternatives:
        exists = alternative.kind != ""
        assert np.all(alternative.option.net_benefit[exists] <= option.net_benefit[exists] + 1e-9)


@few
@given(seed=seeds)
def test_by_cost_no_plan_is_dearer_than_doing_nothing(seed: int) -> None:
    supply, demand = random_case(seed, n=4, order_cost=150.0, shortage_cost=0.3)
    for row in range(4):
        alone = slice(row, row + 1)
        kpis = plan(supply.rows(alone), demand.rows(alone), paths=30).kpis
        assert kpis.plan.cost_relevant.mean <= kpis.nothing.cost_relevant.mean


def test_later_releases_that_never_pay_are_not_made() -> None:
    """An order costs more than all that the horizon can lose; the rule of reorder points would place one."""
    supply = supply_of(1, 8, order_cost=60.0, shortage_cost=0.5, moq=40.0, on_hand=30.0)
    found = plan(supply, demand_of(np.full((1, 8), 10.0), spread=0.3))
    assert not found.lines.planned_releases.any()
    assert found.kpis.plan == found.kpis.nothing


def test_a_service_target_averts_every_shortage_that_it_can() -> None:
    """Waiting would be cheaper by cost: 100 an order against an implied 0.2 a unit."""
    supply = supply_of(1, 6, service_target=0.5, order_cost=100.0, lead_time=1, on_hand=10.0)
    found = plan(supply, demand_of(np.full((1, 6), 10.0)), paths=3)
    assert found.lines.planned_releases[0].tolist() == [50.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert not found.lines.shortage.any()


def test_certain_and_uncertain_demand_share_a_plan() -> None:
    supply, demand = random_case(3, n=6)
    known = demand_of(demand.mean)
    mixed = replace(demand, grid=np.where(np.arange(6)[:, None, None] < 3, known.grid, demand.grid))
    found = plan(supply, mixed, paths=20)
    assert found.exact.tolist() == [True] * 3 + [False] * 3
    alone = plan(supply.rows(slice(0, 3)), known.rows(slice(0, 3)), paths=20)
    assert np.array_equal(found.lines.planned_releases[:3], alone.lines.planned_releases)
    spread = found.lines.available_p90 - found.lines.available_p10
    assert not spread[:3].any()
    assert spread[3:].any()


def test_threads_change_nothing() -> None:
    supply, demand = random_case(8, n=90)
    one, two = (plan(supply, demand, paths=40, threads=threads) for threads in (1, 2))
    assert one.kpis == two.kpis
    for field in fields(one.lines):
        assert np.array_equal(getattr(one.lines, field.name), getattr(two.lines, field.name))
    assert np.array_equal(one.orders.option.net_benefit, two.orders.option.net_benefit)
    assert isinstance(one.kpis.plan, Kpis)
