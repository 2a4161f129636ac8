"""Planning cycles: from the demand review to a published plan, each step in the ledger; and comments."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.cycles.steps import FINAL, ORDER, Cycle, IllegalStep, after
from tests.unit.planner_service.test_reference import put
from tests.unit.planner_service.upstream import FORECAST

PATH = "/planning-cycles/2026-03"


def test_the_steps_are_these_and_no_others():
    cycle = Cycle()
    for status in ORDER[1:]:
        cycle = after(cycle, "advance", "x")
        assert cycle.status == status
    assert (cycle.forecast, cycle.plan) == ("x", "x")
    with pytest.raises(IllegalStep):
        after(cycle, "advance", None)


@given(st.lists(st.sampled_from(["advance", "return"]), max_size=20))
def test_what_a_cycle_rests_on_is_there_from_its_step_on(actions):
    cycle = Cycle()
    for action in actions:
        try:
            moved = after(cycle, action, "x")
        except IllegalStep:
            assert cycle.status in ({*FINAL, "open"} if action == "return" else {"closed"})
            continue
        assert abs(ORDER.index(moved.status) - ORDER.index(cycle.status)) == 1
        cycle = moved
        place = ORDER.index(cycle.status)
        assert (cycle.forecast is not None) == (place >= ORDER.index("supply_review"))
        assert (cycle.plan is not None) == (place >= ORDER.index("approved"))


@pytest.fixture
def cycle(area):
    area.supply("A")
    area.forecasts("A")
    made = put(area, PATH, {"description": "March"})
    assert (made.status_code, made.headers["etag"], made.json()["status"]) == (200, '"1"', "open")
    return area


def step(area, version, action="advance", *, role="approver", **told):
    headers = {"If-Match": f'"{version}"'}
    return area("POST", f"{PATH}/steps", json={"action": action} | told, headers=headers, role=role)


def test_a_cycle_ends_with_a_published_plan(cycle):
    plan = cycle.plan()
    assert step(cycle, 1).json()["status"] == "demand_review"
    missing = step(cycle, 2)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/forecast")
    assert step(cycle, 2, forecast=str(FORECAST)).json()["forecast"] == str(FORECAST)
    assert step(cycle, 2).status_code == 412
    assert step(cycle, 3, plan=str(UUID(int=7))).status_code == 422
    assert step(cycle, 3, plan=plan["id"], role="planner").status_code == 403
    approved = step(cycle, 3, plan=plan["id"]).json()
    assert (approved["status"], approved["plan"]) == ("approved", plan["id"])
    assert cycle("GET", "/plans/published").json()["type"] == "/docs/errors#no-plan"
    assert step(cycle, 4).json()["status"] == "published"
    newer = cycle.plan()
    assert cycle.ok("GET", "/plans/published")["id"] == plan["id"] != newer["id"]
    assert step(cycle, 5, "return", note="no").json()["type"] == "/docs/errors#illegal-step"
    assert step(cycle, 5).json()["status"] == "closed"
    shown = cycle.ok("GET", PATH)
    assert [one["status"] for one in shown["steps"]] == list(ORDER[1:])
    entries = [entry for entry in cycle.ok("GET", "/decisions")["items"] if entry["action"] == "planning_cycle"]
    assert [entry["body"]["after"]["status"] for entry in entries] == list(ORDER)
    assert cycle.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_a_plan_on_another_forecast_is_not_approved(cycle):
    plan = cycle.plan()
    step(cycle, 1)
    step(cycle, 2, forecast=str(UUID(int=7)))
    refused = step(cycle, 3, plan=plan["id"])
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#other-forecast")
    silent = step(cycle, 3, "return")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "#/note")
    back = step(cycle, 3, "return", note="the promotion was left out").json()
    assert (back["status"], back["forecast"]) == ("demand_review", None)


def test_a_description_changes_nothing_else(cycle):
    step(cycle, 1)
    told = put(cycle, PATH, {"description": "March, late"}, version=2).json()
    assert (told["status"], told["description"], len(told["steps"])) == ("demand_review", "March, late", 1)
    assert cycle("GET", "/planning-cycles/none").status_code == 404


def test_people_ask_and_answer(area):
    wish = {"about": "cycle", "subject": "2026-03", "text": "Is the flyer in?", "assignee": "sales"}
    made = area.ok("POST", "/comments", json=wish)
    area.ok("POST", "/comments", json=wish | {"about": "plan", "subject": str(FORECAST), "assignee": None})
    assert [one["id"] for one in area.ok("GET", "/comments?assignee=sales&resolved=false")["items"]] == [made["id"]]
    done = area.ok("POST", f"/comments/{made['id']}/resolutions")
    assert done["resolved_by"] == made["author"]
    again = area("POST", f"/comments/{made['id']}/resolutions")
    assert (again.status_code, again.json()["type"]) == (409, "/docs/errors#comment-resolved")
    assert area.ok("GET", "/comments?about=cycle&resolved=false")["items"] == []
