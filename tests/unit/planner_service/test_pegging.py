"""Who is served by what: by priority, then date, from the latest supply that is in time; never more than there is."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.plans.pegging import Demand, Supply, peg
from tests.unit.planner_service.upstream import week

supplies = st.lists(
    st.builds(Supply, st.just("planned_receipt"), st.integers(-1, 5), st.integers(0, 9).map(float)), max_size=6
)
demands = st.lists(
    st.builds(
        Demand,
        st.sampled_from(["open_order", "forecast"]),
        st.integers(0, 5),
        st.integers(1, 9).map(float),
        st.none() | st.integers(1, 3),
    ),
    max_size=8,
)


def served(*pegs):
    return [(one.demand.reference, one.supply and (one.supply.kind, one.supply.bucket), one.quantity) for one in pegs]


def test_each_takes_the_latest_supply_in_time_and_leaves_the_sooner_ones():
    stock, later = Supply("stock", -1, 10), Supply("planned_receipt", 2, 10)
    wanted = [Demand("open_order", 2, 10, 1, "B"), Demand("open_order", 0, 10, 1, "A")]
    assert served(*peg([stock, later], wanted, waits=False)) == [
        ("A", ("stock", -1), 10),
        ("B", ("planned_receipt", 2), 10),
    ]


def test_a_higher_priority_is_served_before_an_earlier_date_and_the_forecast_last():
    wanted = [Demand("forecast", 0, 5), Demand("open_order", 0, 5, 2, "low"), Demand("open_order", 1, 5, 1, "high")]
    found = served(*peg([Supply("stock", -1, 8)], wanted, waits=False))
    assert found == [("high", ("stock", -1), 5), ("low", ("stock", -1), 3), ("low", None, 2), (None, None, 5)]


def test_what_waits_takes_the_next_supply_that_comes():
    later = [Supply("scheduled_receipt", 3, 4), Supply("planned_receipt", 1, 4)]
    wanted = [Demand("open_order", 0, 10, 1, "A")]
    assert served(*peg(later, wanted, waits=True)) == [
        ("A", ("planned_receipt", 1), 4),
        ("A", ("scheduled_receipt", 3), 4),
        ("A", None, 2),
    ]
    assert served(*peg(later, wanted, waits=False)) == [("A", None, 10)]


@given(supplies, demands, st.booleans())
def test_demand_is_split_and_no_supply_gives_more_than_it_has(some, wanted, waits):
    pegs = list(peg(some, wanted, waits=waits))
    taken, met = defaultdict(float), defaultdict(float)
    for one in pegs:
        met[id(one.demand)] += one.quantity
        taken[id(one.supply)] += one.quantity
        assert one.quantity > 0
        assert one.supply is None or waits or one.supply.bucket <= one.demand.bucket
    assert [met[id(one)] for one in wanted] == [one.quantity for one in wanted]
    assert all(taken[id(one)] <= one.quantity for one in some)


@given(supplies, demands)
def test_demand_of_one_priority_is_served_as_far_as_any_order_could(some, wanted):
    """What lacks is the most by which demand up to a bucket exceeds supply up to it, bucket by bucket."""
    same = [Demand(one.kind, one.bucket, one.quantity, 1) for one in wanted]
    lacking = sum(one.quantity for one in peg(some, same, waits=False) if one.supply is None)
    carried, least = 0.0, 0.0
    for bucket in range(-1, 6):
        carried += sum(one.quantity for one in some if one.bucket == bucket)
        carried -= sum(one.quantity for one in same if one.bucket == bucket)
        if carried < 0:
            least, carried = least - carried, 0.0
    assert lacking == pytest.approx(least)


def test_pegs_of_a_plan_add_up_to_its_demand_and_name_the_orders(area):
    area.supply("A")
    area.forecasts("A")
    order = {"reference": "SO-1", "item": "A", "location": "L", "due": week(1).isoformat(), "quantity": 30}
    area.ok("POST", "/open-orders", json=[order, order | {"reference": "SO-0", "quantity": 4, "priority": 9}])
    area.plan()
    pegs = area.ok("GET", "/plans/latest/pegging?item=A&location=L")["items"]
    lines = area.ok("GET", "/plans/latest/lines?item=A")["items"]
    assert sum(one["quantity"] for one in pegs) == pytest.approx(sum(line["demand"] for line in lines))
    assert {one["reference"] for one in pegs} == {"SO-1", "SO-0", None}
    assert pegs[0]["reference"] == "SO-1"
    stock = sum(one["quantity"] for one in pegs if one["supply"] == "stock")
    assert stock == pytest.approx(10)
    assert [one["supply_period"] for one in pegs if one["supply"] == "stock"] == [None] * sum(
        one["supply"] == "stock" for one in pegs
    )
    [order] = area.ok("GET", "/recommendations?type=buy")["items"]
    served = area.ok("GET", f"/recommendations/{order['id']}")["pegged_demand"]
    due = order["order"]["receipt_date"]
    assert served == [one for one in pegs if (one["supply"], one["supply_period"]) == ("planned_receipt", due)]
    assert sum(one["quantity"] for one in served) <= order["order"]["quantity"]
    assert {one["kind"] for one in served} == {"forecast"}
    missing = area("GET", "/plans/latest/pegging?item=B&location=L")
    assert (missing.status_code, missing.json()["type"]) == (404, "/docs/errors#not-planned")
