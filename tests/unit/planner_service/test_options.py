"""Sourcing rules become options by bucket, and what they take, without a database."""

import datetime
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from services.planner.plans.buckets import Buckets
from services.planner.plans.options import Options
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import Structure
from services.planner.production.tables import Process, ProcessComponent, ProcessLoad, Resource, ResourceCapacity
from services.planner.supply.schemas import SourcingRuleIn
from tests.unit.planner_service.upstream import week

BUCKETS = Buckets([week(step) for step in range(4)], "W")
RULE = {"item": "A", "location": "L", "mode": "buy", "source": "S", "lead_time": 2, "unit_cost": "4.00"}


def frame_of(table, *rows):
    names = [column.name for column in table.__table__.columns if column.name != "area"]
    return pd.DataFrame([[row[name] for name in names] for row in rows], columns=names)


def rules_of(*rows):
    """As they are read from the table: in the order of their keys, dates as dates and money as decimals."""
    found = [SourcingRuleIn.model_validate(RULE | row).model_dump() for row in rows]
    found.sort(key=lambda row: [row[name] for name in ("item", "location", "mode", "source", "effective_from")])
    return pd.DataFrame(found, columns=list(SourcingRuleIn.model_fields))


def options(*rows):
    return Options.of(rules_of(*rows), BUCKETS)


def test_an_outage_prefers_what_is_open_and_is_no_fault_of_the_data():
    """S is out of the first two buckets: T is first meanwhile; without T the order waits, for as long as it can."""
    found = options({"lead_time": 1}, {"source": "T", "lead_time": 1, "priority": 9})
    both, alone, fence, review = np.array([True, True]), np.array([True, False]), np.array([0, 0]), np.array([1, 1])
    assert found.preferred(both, fence, review).tolist() == [0]
    shut = replace(found, open=found.open & np.array([[False, False, True, True], [True] * 4]))
    assert shut.preferred(both, fence, review).tolist() == [1]
    assert shut.first(fence, review).tolist() == [2, 0]
    assert shut.closed(shut.keys.unique(), alone).tolist() == [[True, True, False, False]]
    assert not shut.closed(shut.keys.unique(), both).any()
    never = replace(found, open=np.zeros((2, 4), dtype=bool))
    assert never.first(fence, review).tolist() == [0, 0]
    assert never.closed(never.keys.unique(), both).all()


def snapshot(*rules, processes=(), components=(), loads=(), resources=(), capacity=()):
    empty = pd.DataFrame()
    return Snapshot(
        stock=empty,
        rules=rules_of(*rules),
        policies=empty,
        receipts=empty,
        orders=empty,
        processes=frame_of(Process, *processes),
        components=frame_of(ProcessComponent, *components),
        loads=frame_of(ProcessLoad, *loads),
        resources=frame_of(Resource, *resources),
        capacity=frame_of(ResourceCapacity, *capacity),
        commitments=empty,
        deliveries=empty,
        settled=empty,
        changed=frozenset(),
    )


def day(number):
    return week(number).isoformat()


def test_a_new_price_takes_over_from_its_date_and_gives_back():
    found = options({}, {"effective_from": day(1), "effective_to": day(3), "unit_cost": "3.00"})
    assert len(found) == 1
    assert found.unit_cost.tolist() == [[4.0, 3.0, 3.0, 4.0]]
    assert found.effective.all()


def test_a_cost_of_ordering_changes_at_its_date_too():
    found = options({}, {"effective_from": day(2), "order_cost": "9.00"})
    assert (len(found), found.order_cost.tolist()) == (1, [[0.0, 0.0, 9.0, 9.0]])


def test_the_rule_that_began_last_holds():
    found = options(
        {"effective_to": day(3)}, {"effective_from": day(1), "unit_cost": "3.00"}, {"effective_from": day(2)}
    )
    assert found.unit_cost.tolist() == [[4.0, 3.0, 4.0, 4.0]]


def test_a_rule_that_holds_on_a_day_inside_a_period_holds_from_the_next():
    inside = (week(1) + datetime.timedelta(days=2)).isoformat()
    assert options({"effective_from": inside}).effective.tolist() == [[False, False, True, True]]
    assert options({"effective_to": inside}).effective.tolist() == [[True, True, False, False]]


def test_other_terms_make_another_option():
    found = options({}, {"effective_from": day(2), "moq": 50, "multiple": 10})
    assert found.frame["moq"].tolist() == [0.0, 50.0]
    assert found.effective.tolist() == [[True, True, False, False], [False, False, True, True]]


def test_an_expedited_form_is_an_option_of_its_own():
    found = options(
        {"split": 0.6, "lead_time_spread": 0.5, "expedite_lead_time": 0, "expedite_surcharge": "1.50"},
        {
            "effective_from": day(2),
            "unit_cost": "5.00",
            "split": 0.6,
            "lead_time_spread": 0.5,
            "expedite_lead_time": 0,
            "expedite_surcharge": "2.00",
        },
    )
    assert found.frame[["expedited", "lead_time", "lead_time_spread"]].to_numpy().tolist() == [
        [False, 2, 0.5],
        [True, 0, 0.0],
    ]
    assert found.frame["split"].isna().tolist() == [False, True]
    assert found.unit_cost.tolist() == [[4.0, 4.0, 5.0, 5.0], [5.5, 5.5, 7.0, 7.0]]


def test_no_rules_are_no_options():
    found = options()
    assert (len(found), found.unit_cost.shape, found.effective.shape) == (0, (0, 4), (0, 4))


def preferred(*rows, fence=0, review=1):
    found = options(*rows)
    every = np.ones(len(found), dtype=np.int64)
    chosen = found.preferred(every.astype(bool), fence * every, review * every)
    assert len(chosen) == 1
    return tuple(found.frame.iloc[chosen[0]][["source", "expedited"]])


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([{}, {"source": "T", "priority": 2, "unit_cost": "1.00"}], ("S", False)),
        ([{}, {"source": "T", "unit_cost": "3.99"}], ("T", False)),
        ([{}, {"source": "R"}], ("R", False)),
        ([{"effective_from": day(1)}, {"source": "T", "priority": 2}], ("T", False)),
        ([{"lead_time": 4}, {"source": "T", "priority": 2}], ("T", False)),
        ([{"expedite_lead_time": 0, "expedite_surcharge": "0"}], ("S", False)),
        ([{"lead_time": 4, "expedite_lead_time": 0, "expedite_surcharge": "9.00"}], ("S", True)),
    ],
    ids=["priority", "price", "code", "sooner", "in time", "not expedited", "expedited where nothing else is in time"],
)
def test_one_option_is_ordered_by_first(rows, chosen):
    assert preferred(*rows) == chosen


def test_the_price_of_the_first_release_counts():
    cheap_later = {"source": "T", "unit_cost": "9.00"}, {"source": "T", "effective_from": day(1), "unit_cost": "1.00"}
    assert preferred({}, *cheap_later)[0] == "S"
    assert preferred({}, *cheap_later, fence=1)[0] == "T"


MAKE = {"mode": "make", "source": "P"}
PROCESS = {"process": "P", "item": "A", "location": "L", "yield_rate": 0.8}
PART = {"process": "P", "component": "B", "quantity_per": 3.0, "scrap_rate": 0.25, "offset": 1, "uom": None}
LOAD = {"process": "P", "resource": "R", "hours_per_unit": 0.5, "setup_hours": 2.0}
LINE = {"resource": "R", "hours": 40.0, "overtime_hours": 8.0, "overtime_cost": Decimal("30.00")}


def test_scrap_and_yield_raise_what_a_good_unit_takes():
    found = Structure.of(snapshot(MAKE, processes=[PROCESS], components=[PART], loads=[LOAD]), BUCKETS)
    assert found.uses.to_dict("records") == [
        {"option": 0, "item": "B", "location": "L", "quantity": pytest.approx(5.0), "offset": 1}
    ]
    assert found.loads.to_dict("records") == [{"option": 0, "resource": "R", "hours": 0.625, "setup_hours": 2.0}]


def test_a_transfer_takes_a_unit_from_its_source():
    found = Structure.of(snapshot({"mode": "transfer", "source": "DC"}, {}), BUCKETS)
    assert found.uses.to_dict("records") == [{"option": 1, "item": "A", "location": "DC", "quantity": 1.0, "offset": 0}]
    keys = pd.MultiIndex.from_tuples([("A", "L")], names=["item", "location"])
    assert found.reached(keys, np.array([True, True])).tolist() == [("A", "DC"), ("A", "L")]
    assert found.reached(keys, np.array([True, False])).tolist() == [("A", "L")]


def test_told_hours_add_up_in_their_period_and_replace_the_usual():
    days = [(1, 0, 16.0, 0.0), (1, 3, 8.0, 4.0), (2, 0, 0.0, 0.0), (-1, 0, 99.0, 9.0), (4, 0, 99.0, 9.0)]
    capacity = [
        {"resource": "R", "day": week(number) + datetime.timedelta(days=later), "hours": hours, "overtime_hours": more}
        for number, later, hours, more in days
    ]
    capacity.append({"resource": "unheard-of", "day": week(0), "hours": 1.0, "overtime_hours": 0.0})
    hours = Structure.of(
        snapshot(resources=[LINE, LINE | {"resource": "S", "hours": None}], capacity=capacity), BUCKETS
    ).hours
    assert hours.regular.tolist() == [[40.0, 24.0, 0.0, 40.0], [0.0] * 4]
    assert hours.overtime.tolist() == [[8.0, 4.0, 0.0, 8.0], [8.0] * 4]
    assert hours.overtime_cost.tolist() == [30.0, 30.0]
