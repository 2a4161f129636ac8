"""Policies that accept orders by themselves: by their conditions, save a random sample, until they are switched off."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.automation import rules
from services.planner.automation.schemas import PolicyIn
from tests.unit.planner_service.test_orders import to_release
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import approve, put

POLICY = "/auto-accept-policies/small"
GROUNDS = {
    "data_flags": ["stale_stock"],
    "calibration": {"item_class": None, "measured": 20, "inside": 15, "coverage": 0.75},
    "in_frozen_fence": True,
    "quantity_before": 20.0,
}
CONTENT = {
    "type": "buy",
    "item": "A",
    "location": "L",
    "order": {
        "quantity": 30.0,
        "cost_of_acting": {"purchase": "120.00"},
        "cost_of_inaction": {"mean": "80.00"},
        "net_benefit": "70.00",
        "cancellable": True,
    },
    "grounds": GROUNDS,
}


def named(name="p", version=1, **policy):
    return rules.Named(name, version, PolicyIn.model_validate({"action": "auto", "sample": 0} | policy))


def way(number, policies, **more):
    return rules.way(UUID(int=number), CONTENT, policies, **more)


ON_GROUNDS = [
    ({"change_at_most": 0.5}, True),  # from 20
    ({"change_at_most": 0.49}, False),
    ({"flags_none_of": ["suspect_demand"]}, True),
    ({"flags_none_of": ["suspect_demand", "stale_stock"]}, False),
    ({"flags_any_of": ["suspect_demand", "stale_stock"]}, True),
    ({"flags_any_of": ["suspect_demand"]}, False),
    ({"coverage_at_least": 0.75}, True),
    ({"coverage_at_least": 0.76}, False),
    ({"coverage_at_least": 0.75, "measured_at_least": 21}, False),
    ({"frozen_fence": "inside"}, True),
    ({"frozen_fence": "outside"}, False),
]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({}, True),
        ({"types": ["buy", "transfer"]}, True),
        ({"types": ["transfer"]}, False),
        ({"item": "A", "location": "L"}, True),
        ({"item": "B"}, False),
        ({"location": "M"}, False),
        ({"order_value_at_most": "120.00"}, True),
        ({"order_value_at_most": "119.99"}, False),
        ({"inaction_at_most": "80.00"}, True),
        ({"inaction_at_most": "79.99"}, False),
        ({"net_benefit_at_least": "70.00"}, True),
        ({"net_benefit_at_least": "70.01"}, False),
        ({"cancellable": True}, True),
        ({"cancellable": False}, False),
        *ON_GROUNDS,
    ],
)
def test_all_conditions_that_are_given_must_hold(condition, holds):
    assert rules.holds(named(**condition).policy, CONTENT) is holds


@pytest.mark.parametrize("condition", [condition for condition, _ in ON_GROUNDS])
def test_of_grounds_that_are_not_known_nothing_holds(condition):
    """As of what was recommended by an earlier release."""
    assert not rules.holds(named(**condition).policy, CONTENT | {"grounds": None})
    assert rules.holds(named().policy, CONTENT | {"grounds": None})


def test_what_was_not_recommended_before_has_changed():
    new = CONTENT | {"grounds": GROUNDS | {"quantity_before": None}}
    assert not rules.holds(named(change_at_most=1000).policy, new)


def test_a_class_without_outcomes_is_not_calibrated():
    none = {"item_class": "x", "measured": 0, "inside": 0, "coverage": None}
    content = CONTENT | {"grounds": GROUNDS | {"calibration": none}}
    assert not rules.holds(named(coverage_at_least=0, measured_at_least=1).policy, content)


def test_of_several_the_lowest_order_decides_and_then_the_first_name():
    policies = rules.ranked([named("b", order=2), named("c", order=1, item="B"), named("a", order=2, action="dual")])
    assert way(1, policies).by.name == "a"
    off = rules.ranked([named("a", enabled=False), named("b", action="inform")])
    assert way(1, off).route == "inform"
    assert way(1, []) == rules.Way("review")


def test_a_share_is_drawn_for_review_the_same_whoever_computes_it():
    policy = [named(sample=0.2)]
    ways = [way(number, policy) for number in range(2000)]
    drawn = [one.sampled for one in ways]
    assert 330 < sum(drawn) < 470  # 400, give or take four standard deviations
    assert {one.route for one in ways if one.sampled} == {"review"}
    assert {one.facts["sample"] for one in ways} == {0.2}
    assert drawn == [way(number, policy).sampled for number in range(2000)]


def test_what_is_drawn_stays_drawn_with_the_propensity_that_it_was_drawn_with():
    again = way(1, [named(sample=0)], drawn=("p", 0.05))
    assert (again.route, again.sampled, again.facts["sample"]) == ("review", True, 0.05)
    assert way(1, [named(sample=0)], drawn=("another", 0.05)).route == "auto"


def test_no_policy_accepts_what_needs_an_approver():
    barred = way(1, [named(sample=1)], barred=True)
    assert (barred.route, barred.sampled, barred.facts["sample"]) == ("review", False, None)


@given(st.integers(1, 10_000), st.data())
def test_the_interval_holds_the_share(reviewed, data):
    found = rules.precision(data.draw(st.integers(0, reviewed)), reviewed)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_the_interval_is_wilsons():
    """18 of 20: centre (0.9 + 1.92 / 20) / (1 + 3.84 / 20) = 0.8356, half-width 0.1345. Wilson (1927)."""
    found = rules.precision(18, 20)
    assert (found.share, found.low, found.high) == (0.9, 0.699, 0.9721)


def orders(area, **query):
    told = "&".join(f"{name}={value}" for name, value in query.items())
    return {one["item"]: one for one in area.ok("GET", f"/recommendations?type=buy&{told}")["items"]}


@pytest.fixture
def stocked(area):
    area.supply("A", "B", "C")
    area.forecasts("A", "B", "C")
    return area


def test_a_policy_accepts_orders_which_the_erp_then_releases(stocked):
    made = put(stocked, POLICY, {"action": "auto", "sample": 0, "item": "A"}, by="boss")
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    stocked.plan()
    found = orders(stocked)
    assert {item: (one["route"], one["status"]) for item, one in found.items()} == {
        "A": ("auto", "auto_accepted"),
        "B": ("review", "proposed"),
        "C": ("review", "proposed"),
    }
    policy = {"name": "small", "version": 1, "action": "auto", "sampled": False, "sample": 0.0}
    assert found["A"]["policy"] == policy
    assert to_release(stocked) == ["A"]
    entry = stocked.ok("GET", "/decisions")["items"][-1]
    assert (entry["action"], entry["actor"], entry["body"]["policy"]) == ("auto_accept", "auto-accept", policy)
    assert stocked.ok("POST", "/decisions:verify")["chains"][0]["intact"]
    assert stocked.ok("GET", POLICY)["automated"] == 1
    taken = decide(stocked, found["A"], {"action": "revert"}, version=2)
    assert taken.json()["after"]["status"] == "proposed"
    assert list(orders(stocked, route="auto")) == ["A"]


def test_the_switch_stops_all_policies(stocked):
    put(stocked, POLICY, {"action": "auto", "sample": 0})
    assert put(stocked, "/automation", {"enabled": False}).json() == {
        "enabled": False,
        "review_limit": None,
        "version": 1,
    }
    stocked.plan()
    assert {one["status"] for one in orders(stocked).values()} == {"proposed"}
    assert put(stocked, "/automation", {"enabled": True}, version=0).status_code == 412


def test_people_see_the_orders_that_matter_most(stocked):
    put(stocked, "/automation", {"review_limit": 1})
    stocked.plan()
    found = orders(stocked)
    best = max(found.values(), key=lambda one: (Decimal(one["order"]["net_benefit"]), -UUID(one["id"]).int))
    assert list(orders(stocked, route="review")) == [best["item"]]
    assert len(orders(stocked, route="inform")) == 2
    assert {one["status"] for one in found.values()} == {"proposed"}


def test_two_people_decide_where_a_policy_says_so(stocked):
    put(stocked, POLICY, {"action": "dual"})
    stocked.plan()
    order = orders(stocked)["A"]
    decided = decide(stocked, order, {"action": "accept"}).json()
    assert decided["after"]["status"] == "awaiting_approval"
    assert [one["code"] for one in decided["approval_for"]] == ["dual_control"]
    assert approve(stocked, order).json()["after"]["status"] == "accepted"


def test_the_sample_measures_what_people_would_have_done(stocked):
    put(stocked, POLICY, {"action": "auto", "sample": 1})
    stocked.plan()
    found = orders(stocked)
    assert {(one["route"], one["policy"]["sampled"]) for one in found.values()} == {("review", True)}
    decide(stocked, found["A"], {"action": "accept"})
    decide(stocked, found["B"], {"action": "override", "quantity": 90, "reason_code": "PROMOTION"})
    shown = stocked.ok("GET", POLICY)
    assert shown["automated"] == 0
    assert (shown["precision"]["reviewed"], shown["precision"]["accepted"], shown["precision"]["share"]) == (2, 1, 0.5)
    wish = {"action": "auto"}
    tried = stocked.ok("POST", f"{POLICY}:simulate", json=wish)
    assert (tried["decided"], tried["matched"], tried["overridden"], tried["rejected"]) == (2, 2, 1, 0)
    assert tried["agreement"]["share"] == 0.5
    assert tried["net_benefit"] == found["B"]["order"]["net_benefit"]
    none = stocked.ok("POST", f"{POLICY}:simulate", json=wish | {"item": "C"})
    assert (none["matched"], none["share"], none["agreement"]["share"]) == (0, 0.0, None)


def test_what_was_decided_by_a_policy_counts_as_supply_in_the_next_plan(stocked):
    put(stocked, POLICY, {"action": "auto", "sample": 0})
    stocked.plan()
    assert len(to_release(stocked)) == 3
    stocked.plan()
    assert {one["status"] for one in orders(stocked).values()} == {"auto_accepted"}
    assert len(to_release(stocked)) == 3
