"""What happens to recommendations by the day alone, and what a newer plan does to open ones."""

import datetime
import json

import pytest

from services.planner.recommendations import calendar
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import put

TODAY = datetime.datetime.now(datetime.UTC).date()
TOMORROW = TODAY + datetime.timedelta(1)
DEFER = {"action": "defer", "until": TOMORROW.isoformat()}


def shown(area, recommendation):
    return area.ok("GET", f"/recommendations/{recommendation['id']}")


def on(monkeypatch, days):
    """Let the area's calendar be `days` ahead."""
    monkeypatch.setattr("shared.principal.Area.today", lambda _: TODAY + datetime.timedelta(days))
    monkeypatch.setattr(calendar, "AHEAD", datetime.timedelta(days, hours=14))


def expires(server, recommendation, day):
    with server.connect("planner", "owner") as owner:
        query = "UPDATE recommendation_state SET expires_on = %s WHERE recommendation_id = %s"
        assert owner.execute(query, (day, recommendation["id"])).rowcount == 1


def actions(area):
    return [entry["action"] for entry in area.ok("GET", "/decisions")["items"]]


def intact(area):
    return area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_what_is_deferred_comes_back_on_its_day(area, inbox, database, monkeypatch):
    decision = decide(area, inbox[0], DEFER).json()
    assert (decision["after"]["status"], decision["until"]) == ("deferred", TOMORROW.isoformat())
    assert shown(area, inbox[0])["deferred_until"] == TOMORROW.isoformat()
    assert decide(area, inbox[0], {"action": "accept"}, version=2).status_code == 409
    calendar.keep(database)
    assert shown(area, inbox[0])["status"] == "deferred"
    on(monkeypatch, 1)
    calendar.keep(database)
    calendar.keep(database)
    back = shown(area, inbox[0])
    assert (back["status"], back["version"], back["deferred_until"]) == ("proposed", 3, None)
    assert actions(area) == ["plan", "defer", "resume"]
    assert area.ok("GET", "/decisions?after=2")["items"][0]["actor"] == "planner"
    assert intact(area)


def test_a_deferral_can_be_taken_back_before_its_day(area, inbox):
    decide(area, inbox[0], DEFER)
    assert decide(area, inbox[0], {"action": "revert"}, version=2).json()["after"]["status"] == "proposed"
    assert intact(area)


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"action": "defer"}, "#/until"),
        ({"action": "defer", "until": TODAY.isoformat()}, "#/until"),
        ({"action": "defer", "until": TOMORROW.isoformat(), "quantity": 5}, "#/quantity"),
        ({"action": "accept", "until": TOMORROW.isoformat()}, "#/until"),
    ],
)
def test_a_deferral_names_a_day_to_come(area, inbox, wish, pointer):
    answer = decide(area, inbox[0], wish)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


def test_a_plan_that_looks_back_lets_nothing_expire(area, inbox, database):
    """Its orders were to be released long ago: whoever tries Accord on old data still finds them."""
    assert [one["expires_on"] for one in inbox] == [None] * 3
    calendar.keep(database)
    assert [shown(area, one)["status"] for one in inbox] == ["proposed"] * 3


def test_a_plan_says_when_it_is_too_late(area, monkeypatch):
    monkeypatch.setattr("shared.principal.Area.today", lambda _: datetime.date(2026, 3, 4))
    area.supply("A")
    area.forecasts("A")
    area.plan()
    [recommendation] = area.ok("GET", "/recommendations")["items"]
    release_by = datetime.date.fromisoformat(recommendation["order"]["release_by"])
    assert recommendation["expires_on"] == (release_by + datetime.timedelta(7)).isoformat()


def test_open_recommendations_expire_and_others_do_not(area, inbox, server, database):
    put(area, "/approval-rules", {"order_value_above": "1.00"})
    first, second, third = inbox
    decide(area, first, {"action": "accept"})
    decide(area, second, DEFER)
    decide(area, third, {"action": "reject", "reason_code": "PHASE_OUT"})
    for one in inbox:
        expires(server, one, TODAY)
    calendar.keep(database)
    assert [shown(area, one)["status"] for one in inbox] == ["expired", "expired", "rejected"]
    assert shown(area, first)["decided"] == {"quantity": None, "due": None, "reason_code": None, "source": None}
    late = decide(area, first, {"action": "override", "quantity": 40, "reason_code": "PROMOTION"}, version=3)
    assert (late.status_code, late.json()["type"]) == (409, "/docs/errors#illegal-move")
    assert "link" not in late.headers
    assert intact(area)


def test_what_expired_links_to_what_a_newer_plan_recommends(area, inbox, server, database):
    expires(server, inbox[0], TODAY)
    calendar.keep(database)
    plan = area.plan()["id"]
    [newer] = area.ok("GET", f"/recommendations?plan={plan}&item={inbox[0]['item']}")["items"]
    late = decide(area, inbox[0], {"action": "override", "quantity": 40, "reason_code": "PROMOTION"}, version=2)
    assert late.status_code == 409
    assert newer["id"] in late.headers["link"]


def test_the_day_before_is_not_too_late(area, inbox, server, database):
    expires(server, inbox[0], TOMORROW)
    calendar.keep(database)
    assert shown(area, inbox[0])["status"] == "proposed"
    warned = decide(area, inbox[0], DEFER).json()["warnings"]
    assert [one["code"] for one in warned] == ["defer_past_expiry"]


def test_many_expire_in_blocks(area, server, database, monkeypatch):
    monkeypatch.setattr(calendar, "BLOCK", 3)
    codes = [f"I{number}" for number in range(7)]
    area.supply(*codes)
    area.forecasts(*codes)
    area.plan()
    for one in area.ok("GET", "/recommendations")["items"]:
        expires(server, one, TODAY)
    calendar.keep(database)
    assert len(area.ok("GET", "/recommendations?status=expired")["items"]) == 7
    blocks = [json.loads(entry["content"]).get("block") for entry in area.ok("GET", "/decisions?after=1")["items"]]
    assert [block and block["size"] for block in blocks] == [3] * 6 + [None]
    assert intact(area)


def test_a_newer_plan_supersedes_whatever_is_open(area, inbox):
    put(area, "/approval-rules", {"order_value_above": "1.00"})
    first, second, _ = inbox
    decide(area, first, {"action": "accept"})
    decide(area, second, DEFER)
    plan = area.plan()["id"]
    old = [shown(area, one) for one in inbox]
    assert [(one["status"], one["superseded_by"]) for one in old] == [("superseded", plan)] * 3
    assert [one["version"] for one in old] == [3, 3, 2]
    assert [one["decided"]["quantity"] for one in old] == [None] * 3
    assert intact(area)


def test_a_refusal_links_to_what_took_its_place(area, inbox):
    area.plan()
    newest = area.plan()["id"]
    for version, wish in ((2, {"action": "accept"}), (2, {"action": "revert"})):
        refused = decide(area, inbox[0], wish, version=version)
        [successor] = area.ok("GET", f"/recommendations?plan={newest}&item={inbox[0]['item']}")["items"]
        assert refused.status_code == 409
        path = f"/v1/areas/{area.area.area}/recommendations/{successor['id']}"
        assert refused.headers["link"] == f'<{path}>; rel="successor-version"'
        assert successor["id"] in refused.json()["detail"]


def test_notes_go_over_to_the_successor(area, inbox):
    decide(area, inbox[0], {"action": "annotate", "note": "ask sales"}, version=None, by="ann")
    decide(area, inbox[1], {"action": "annotate", "note": "of another item"}, version=None)
    for note in ("sales said no", None):
        plan = area.plan()["id"]
        [newer] = area.ok("GET", f"/recommendations?plan={plan}&item={inbox[0]['item']}")["items"]
        if note:
            decide(area, newer, {"action": "annotate", "note": note}, version=None)
    last = shown(area, newer)
    assert last["decisions"] == []
    assert [(one["note"], one["actor"]) for one in last["carried_over"]] == [
        ("ask sales", "ann"),
        ("sales said no", "person-1"),
    ]
    assert last["carried_over"][0]["recommendation"] == inbox[0]["id"]


def test_notes_on_what_was_decided_stay_there(area, inbox):
    decide(area, inbox[0], {"action": "annotate", "note": "done with"}, version=None)
    decide(area, inbox[0], {"action": "reject", "reason_code": "BUDGET_CASH"})
    plan = area.plan()["id"]
    [newer] = area.ok("GET", f"/recommendations?plan={plan}&item={inbox[0]['item']}")["items"]
    assert shown(area, newer)["carried_over"] == []
