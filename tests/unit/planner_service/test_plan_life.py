"""How a plan run goes: refused, waiting, cancelled, taken over, told in full."""

import re
from decimal import Decimal

import pytest

from services.planner.plans import run as plan_run
from tests.unit.planner_service.test_plan_run import lines, recommendations
from tests.unit.planner_service.upstream import FORECAST, demand, values


@pytest.mark.parametrize(
    ("prepare", "wish", "slug"),
    [
        (lambda area: area.supply("A"), {}, "no-forecast"),
        (lambda area: area.forecasts("A"), {}, "no-inventory"),
        (lambda area: (area.supply("A"), area.forecasts("A")), {"horizon": 9}, "horizon-too-long"),
        (lambda area: (area.supply("A"), area.forecasts("A")), {"as_of": "2026-03-03"}, "as-of-outside-forecast"),
        (lambda area: (area.supply("A"), area.forecasts("A")), {"as_of": "2026-02-23"}, "as-of-outside-forecast"),
        (
            lambda area: area.upstream.forecasts(values({("A", "L"): (1.0, 2.0, 3.0)}), demand({}), status="running"),
            {},
            "forecast-not-ready",
        ),
        (
            lambda area: area.upstream.forecasts(values({("A", "L"): (1.0, 2.0, 3.0)}), demand({}), stage="shadow"),
            {},
            "shadow-forecast",
        ),
        (
            lambda area: area.upstream.forecasts(values({("A", "L"): (1.0, 2.0, 3.0)}), demand({})),
            {"forecast": str(FORECAST)},
            "no-inventory",
        ),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(area, prepare, wish, slug):
    prepare(area)
    plan = area.plan(**wish)
    assert (plan["status"], plan["error"]["type"]) == ("failed", f"/docs/errors#{slug}")
    assert plan["kpis"] is None
    assert recommendations(area) == []
    assert area.ok("GET", "/decisions")["items"] == []
    refused = area("GET", f"/plans/{plan['id']}/lines")
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#plan-not-ready")
    assert area("GET", "/plans/latest").json()["type"] == "/docs/errors#no-plan"


@pytest.mark.parametrize(
    "table",
    [
        values({("A", "L"): (1.0, 2.0, 3.0), ("B", "L"): (1.0, 2.0, 3.0)}).slice(1),
        values({("A", "L"): (1.0, float("nan"), 3.0)}),
        values({("A", "L"): (-1.0, 2.0, 3.0)}),
        values({("A", "L"): (1.0, 2.0, 3.0)}).slice(0, 0),
    ],
    ids=["a period is missing", "no number", "negative", "empty"],
)
def test_a_forecast_that_does_not_fit_together_is_refused(area, table):
    area.supply("A")
    area.upstream.forecasts(table, demand({("A", "L"): 10.0}))
    assert area.plan()["error"]["type"] == "/docs/errors#forecast-unusable"


def test_a_plan_waits_for_an_upstream_that_is_away_and_then_gives_up(area):
    area.supply("A")
    area.upstream.answers["forecasts/latest"] = (503, b"{}")
    with pytest.raises(Exception, match="forecast service answers 503"):
        area.plan()
    [run] = area.ok("GET", "/plans")["items"]
    assert run["status"] == "queued"
    area.forecasts("A")
    area.work(run["id"])
    assert area.ok("GET", f"/plans/{run['id']}")["status"] == "succeeded"
    area.upstream.answers["forecasts/latest"] = (503, b"{}")
    failed = area.plan(attempts=4)
    assert (failed["status"], failed["error"]["type"]) == ("failed", "/docs/errors#unavailable")
    assert "forecast service" in failed["error"]["detail"]


def test_a_plan_can_be_cancelled(area, monkeypatch):
    monkeypatch.setattr(plan_run, "BEAT_SECONDS", 0)
    area.supply("A")
    area.forecasts("A")
    queued = area.ok("POST", "/plans", json={})
    assert area.ok("POST", f"/plans/{queued['id']}/cancel")["status"] == "cancelled"
    area.work(queued["id"])
    assert area.ok("GET", f"/plans/{queued['id']}")["status"] == "cancelled"
    running = area.ok("POST", "/plans", json={})

    def slow(handler):
        area.ok("POST", f"/plans/{running['id']}/cancel")
        status, body = area.upstream.answers["after"]
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(body)

    area.upstream.answers["after"] = area.upstream.answers[f"forecasts/{FORECAST}/values"]
    area.upstream.answers[f"forecasts/{FORECAST}/values"] = slow
    area.work(running["id"])
    assert area.ok("GET", f"/plans/{running['id']}")["status"] == "cancelled"
    assert recommendations(area) == []


def test_an_attempt_that_was_taken_over_files_nothing(area, monkeypatch):
    area.supply("A")
    area.forecasts("A")
    run = area.ok("POST", "/plans", json={})
    beaten = []

    def overtake(handler):
        if not beaten:
            beaten.append(True)
            area.work(run["id"])
        status, body = area.upstream.answers["after"]
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(body)

    area.upstream.answers["after"] = area.upstream.answers["demand"]
    area.upstream.answers["demand"] = overtake
    area.work(run["id"])
    assert len(recommendations(area)) == 1
    assert [entry["action"] for entry in area.ok("GET", "/decisions")["items"]] == ["plan"]


@pytest.mark.parametrize(
    "wish",
    [
        {"forecast": "newest"},
        {"forecast": 7},
        {"horizon": 0},
        {"horizon": 2.5},
        {"as_of": "soon"},
        {"seed": 1},
        [],
    ],
)
def test_a_bad_wish_is_refused(area, wish):
    assert area("POST", "/plans", json=wish).status_code == 422
    assert area.ok("GET", "/plans")["items"] == []


def test_another_areas_plan_does_not_exist(area, inbox, client, database, upstream):
    plan = inbox[0]["plan"]
    elsewhere = type(area)(client, area.area.__class__(**{**vars(area.area), "area": "elsewhere"}), database, upstream)
    for path in (f"/plans/{plan}", f"/plans/{plan}/lines", f"/plans/{plan}/orders"):
        assert elsewhere("GET", path).status_code == 404
    assert elsewhere("POST", f"/plans/{plan}/cancel").status_code == 404


def test_a_plan_is_queued_behind_the_areas_others(area):
    run = area.ok("POST", "/plans", json={})
    assert (run["status"], run["requested_by"]) == ("queued", "person-1")
    with area.database.read() as session:
        query = "SELECT task_name, lock FROM procrastinate_jobs WHERE args->>'run_id' = %s"
        found = session.connection().exec_driver_sql(query, (run["id"],)).all()
    assert found == [("planner:plan", f"plan:{area.area.area}")]


def test_sums_beyond_all_measure_are_shown_in_full(area):
    """An order of 1e15 units at 999,999,999,999,999 each costs more than a request's amounts may be."""
    area.supply("A", moq=1e15, multiple=1e6, unit_cost="999999999999999")
    area.forecasts("A")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "999999999999999", "holding_cost": "0.000001"})
    plan = area.plan()
    assert plan["status"] == "succeeded"
    assert area.ok("GET", "/plans")["items"] == [plan]
    order = recommendations(area)[0]["order"]
    assert Decimal(order["cost_of_acting"]["purchase"]) == Decimal(1e15 * 999999999999999)
    for parts in (
        order["cost_of_acting"],
        {part: figure["mean"] for part, figure in plan["kpis"]["plan"]["cost"].items()},
    ):
        assert all(re.fullmatch(r"-?[0-9]+\.[0-9]{2}", amount) for amount in parts.values())
    assert lines(area, "A")[0]["purchase_cost"] == order["cost_of_acting"]["purchase"]
