"""What is late, from when on and why: one item-location for each cause, and figures by hand."""

import numpy as np

from services.planner.engine.exceptions import exceptions
from services.planner.engine.plan import plan
from tests.unit.planner.cases import demand_of, supply_of

PERIODS = 8
CASES = {
    "backlog": {"on_hand": -5.0, "backlog": True, "lead_time": 1},
    "lead_time": {"lead_time": 2},
    "frozen_fence": {"fence": 2},
    "no_release_in_time": {"fence": 2},
    "max_quantity": {"max_qty": 4.0},
    "order_cost": {"order_cost": 5000.0},
}


def found(supply, demand, frozen, coupled=None):
    lines = plan(supply, demand, paths=50).lines
    measures = {name: getattr(lines, name) for name in ("stockout_probability", "shortage", "shortage_cost")}
    measures["planned_releases"] = lines.planned_releases
    return exceptions(supply, measures, np.asarray(frozen), 50, coupled or {}), lines


def test_each_cause_is_told_from_the_others() -> None:
    fields = {name for case in CASES.values() for name in case}
    usual = supply_of(1, PERIODS)
    given = {name: [case.get(name, getattr(usual, name).ravel()[0]) for case in CASES.values()] for name in fields}
    supply = supply_of(len(CASES), PERIODS, shortage_cost=20.0, **given)
    frozen = [2 if cause == "frozen_fence" else 0 for cause in CASES]
    late, _ = found(supply, demand_of(np.full((len(CASES), PERIODS), 10.0), spread=0.2), frozen)
    assert dict(zip(late.row.tolist(), late.cause.tolist(), strict=True)) == dict(enumerate(CASES))
    assert not late.bucket.any()


def test_what_the_target_accepts_is_no_exception_and_what_lies_ahead_is_dated() -> None:
    """25 units last two weeks of 10, and nothing can come before the fourth: 5 and then 10 units are short."""
    supply = supply_of(2, PERIODS, lead_time=[3, 0], on_hand=25.0, shortage_cost=9.0)
    late, lines = found(supply, demand_of(np.full((2, PERIODS), 10.0)), [0, 0])
    assert (late.row.tolist(), late.bucket.tolist(), late.cause.tolist()) == ([0], [2], ["lead_time"])
    assert (late.quantity.tolist(), late.value.tolist()) == ([5.0], [45.0])
    assert lines.shortage[1].sum() == 0


def test_shared_limits_come_after_what_nobody_can_change() -> None:
    supply = supply_of(2, PERIODS, lead_time=[2, 0], max_qty=4.0, shortage_cost=20.0)
    coupled = {"capacity": np.ones((2, PERIODS), dtype=bool)}
    late, _ = found(supply, demand_of(np.full((2, PERIODS), 10.0)), [0, 0], coupled)
    assert late.cause.tolist() == ["lead_time", "capacity"]
