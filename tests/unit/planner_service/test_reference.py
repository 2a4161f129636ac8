"""Reason codes and approval rules as data, and decisions that are held to them."""

import datetime

import pytest

from tests.unit.planner_service.test_recommendations import decide

TODAY = datetime.datetime.now(datetime.UTC).date()
YESTERDAY, TOMORROW = TODAY - datetime.timedelta(1), TODAY + datetime.timedelta(1)


def put(area, path, body, version=0, **options):
    return area("PUT", path, json=body, headers={"If-Match": f'"{version}"'}, **options)


def codes(area):
    return {one["code"]: one for one in area.ok("GET", "/reason-codes")["items"]}


def approve(area, recommendation, action="approve", *, version=2, by="boss", **fields):
    path = f"/recommendations/{recommendation['id']}/approvals"
    return area("POST", path, json={"action": action} | fields, headers={"If-Match": f'"{version}"'}, by=by)


def test_reason_codes_are_listed(area):
    listed = codes(area)
    assert len(listed) == 19
    assert [code for code, one in listed.items() if one["note_required"]] == ["OTHER"]
    assert all(one["system"] and one["active"] and one["version"] == 0 for one in listed.values())


def test_an_area_adds_a_code_of_its_own(area, inbox, client):
    added = put(area, "/reason-codes/FLYER", {"meaning": "In the leaflet", "note_required": True})
    assert (added.status_code, added.headers["etag"]) == (200, '"1"')
    shown = {"code": "FLYER", "meaning": "In the leaflet", "note_required": True, "system": False, "active": True}
    assert added.json() == shown | {"active_from": None, "active_until": None, "version": 1}
    assert codes(area)["FLYER"] == added.json()
    wish = {"action": "override", "quantity": 40, "reason_code": "FLYER"}
    assert [error["pointer"] for error in decide(area, inbox[0], wish).json()["errors"]] == ["#/note"]
    assert decide(area, inbox[0], wish | {"note": "week 12"}).json()["reason_code"] == "FLYER"
    changed = put(area, "/reason-codes/FLYER", {"active_until": TOMORROW.isoformat()}, version=1)
    assert (changed.json()["meaning"], changed.json()["note_required"], changed.json()["version"]) == (
        "In the leaflet",
        True,
        2,
    )
    assert put(area, "/reason-codes/FLYER", {}, version=1).status_code == 412
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"meaning": "Anything"}, ["#/meaning"]),
        ({"note_required": True}, ["#/note_required"]),
        ({"meaning": "x", "note_required": True}, ["#/meaning", "#/note_required"]),
        ({"active_from": "2026-01-02", "active_until": "2026-01-02"}, ["#"]),
    ],
)
def test_a_system_code_keeps_its_meaning(area, body, pointers):
    refused = put(area, "/reason-codes/PROMOTION", body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers
    assert area("DELETE", "/reason-codes/PROMOTION").status_code in {404, 405}
    assert codes(area)["PROMOTION"]["version"] == 0
    assert area.ok("GET", "/decisions")["items"] == []


def test_a_new_code_needs_a_meaning_and_a_version(area):
    assert [error["pointer"] for error in put(area, "/reason-codes/NEW", {}).json()["errors"]] == ["#/meaning"]
    assert put(area, "/reason-codes/NEW", {"meaning": "x"}, version=1).status_code == 412
    assert area("PUT", "/reason-codes/NEW", json={"meaning": "x"}).status_code == 428
    assert "NEW" not in codes(area)


@pytest.mark.parametrize(
    ("dates", "usable"),
    [
        ({"active_until": TODAY}, False),
        ({"active_until": TOMORROW}, True),
        ({"active_from": TOMORROW}, False),
        ({"active_from": TODAY}, True),
        ({"active_from": YESTERDAY, "active_until": TOMORROW}, True),
    ],
)
def test_a_code_counts_on_its_days_only(area, inbox, dates, usable):
    body = {name: day.isoformat() for name, day in dates.items()}
    assert put(area, "/reason-codes/BUDGET_CASH", body).json()["active"] is usable
    answer = decide(area, inbox[0], {"action": "reject", "reason_code": "BUDGET_CASH"})
    assert answer.status_code == (201 if usable else 422)
    if not usable:
        [error] = answer.json()["errors"]
        assert error["pointer"] == "#/reason_code"
        assert error["detail"].startswith("BUDGET_CASH is ")


def test_codes_are_the_areas_own(area, client, database, upstream):
    put(area, "/reason-codes/FLYER", {"meaning": "In the leaflet"})
    elsewhere = type(area)(client, type(area.area)(**vars(area.area) | {"area": "south"}), database, upstream)
    assert "FLYER" not in codes(elsewhere)


def test_without_rules_decisions_stand_at_once(area, inbox):
    rules = area("GET", "/approval-rules")
    assert rules.headers["etag"].startswith('"0-')
    nothing = {"order_value_above": None, "cost_increase_above": None, "frozen_fence": None}
    assert rules.json() == nothing | {"version": 0}
    assert decide(area, inbox[0], {"action": "accept"}).json()["after"]["status"] == "accepted"


@pytest.fixture
def waiting(area, inbox):
    """Two decisions by ann that await approval: A accepted, B overridden."""
    changed = put(area, "/approval-rules", {"order_value_above": "1.00"})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    first, second, _ = inbox
    accepted = decide(area, first, {"action": "accept"}, by="ann").json()
    wish = {"action": "override", "quantity": 40, "reason_code": "PROMOTION"}
    overridden = decide(area, second, wish, by="ann").json()
    for one in (accepted, overridden):
        assert one["after"]["status"] == "awaiting_approval"
        assert [demand["code"] for demand in one["approval_for"]] == ["order_value"]
    return first, second


def test_what_awaits_approval_is_no_order_yet(area, waiting):
    assert area.ok("GET", "/orders")["items"] == []
    listed = area.ok("GET", "/recommendations?status=awaiting_approval")["items"]
    assert {one["id"] for one in listed} == {one["id"] for one in waiting}
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_an_approved_decision_is_the_deciders_order(area, waiting):
    for recommendation, status in zip(waiting, ("accepted", "overridden"), strict=True):
        answer = approve(area, recommendation, by="boss")
        assert (answer.status_code, answer.headers["etag"]) == (201, '"3"')
        assert (answer.json()["after"]["status"], answer.json()["actor"]) == (status, "boss")
    orders = area.ok("GET", "/orders")["items"]
    assert [(one["decided_by"], one["quantity"]) for one in orders] == [
        ("ann", waiting[0]["order"]["quantity"]),
        ("ann", 40.0),
    ]
    actions = [one["action"] for one in area.ok("GET", f"/recommendations/{waiting[1]['id']}")["decisions"]]
    assert actions == ["override", "approve"]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_nobody_approves_their_own_decision(area, waiting):
    for action in ({"action": "approve"}, {"action": "refuse", "note": "no"}):
        answer = approve(area, waiting[0], by="ann", **action)
        assert (answer.status_code, answer.json()["type"]) == (403, "/docs/errors#same-person")
    assert area.ok("GET", f"/recommendations/{waiting[0]['id']}")["status"] == "awaiting_approval"


def test_a_refused_decision_is_open_again(area, waiting):
    assert approve(area, waiting[0], "refuse").json()["errors"] == [{"pointer": "#/note", "detail": "is required here"}]
    refused = approve(area, waiting[0], "refuse", note="too much").json()
    assert refused["after"] == {"status": "proposed", "version": 3, "quantity": None, "due": None, "source": None}
    assert decide(area, waiting[0], {"action": "accept"}, version=3, by="bob").status_code == 201
    assert approve(area, waiting[0], version=4, by="ann").status_code == 201
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_the_decider_takes_it_back_and_there_is_nothing_to_approve(area, waiting):
    assert decide(area, waiting[0], {"action": "revert"}, version=2, by="ann").status_code == 201
    answer = approve(area, waiting[0], version=3)
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs/errors#illegal-move")
    assert approve(area, waiting[1], version=1).status_code == 412


def test_overrides_inside_the_fence_and_dear_ones_wait(area, inbox):
    put(area, "/approval-rules", {"cost_increase_above": "1.00", "frozen_fence": 2})
    first, second, third = inbox
    assert decide(area, first, {"action": "accept"}).json()["after"]["status"] == "accepted"
    early = {"action": "override", "due": "2026-03-09", "reason_code": "CUSTOMER_INFO"}
    assert [one["code"] for one in decide(area, second, early).json()["approval_for"]] == ["frozen_fence"]
    much = {"action": "override", "quantity": 500, "reason_code": "PROMOTION"}
    assert [one["code"] for one in decide(area, third, much).json()["approval_for"]] == ["cost_increase"]


@pytest.mark.parametrize(
    "body",
    [
        {"order_value_above": 5},
        {"order_value_above": "-1"},
        {"frozen_fence": 0},
        {"frozen_fence": 1.5},
        {"limit": "5"},
        [],
    ],
)
def test_bad_rules_are_refused(area, body):
    assert put(area, "/approval-rules", body).status_code == 422
    assert area.ok("GET", "/approval-rules")["version"] == 0


def test_rules_are_changed_by_one_at_a_time(area):
    assert area("PUT", "/approval-rules", json={}).status_code == 428
    assert put(area, "/approval-rules", {"frozen_fence": 1}).status_code == 200
    assert put(area, "/approval-rules", {"frozen_fence": 2}).status_code == 412
    [entry] = area.ok("GET", "/decisions")["items"]
    assert (entry["action"], entry["subject"], entry["body"]["version"]) == ("approval_rules", "approval-rules", 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE reference_data SET content = content || '{\"order_value_above\": null}' WHERE area = %s",
        "UPDATE reference_data SET version = 7 WHERE area = %s",
        "DELETE FROM reference_data WHERE area = %s",
        "INSERT INTO reference_data SELECT area, kind, 'x', version, content FROM reference_data WHERE area = %s",
    ],
)
def test_rules_that_were_changed_past_the_ledger_are_found(area, server, statement):
    put(area, "/approval-rules", {"order_value_above": "1.00"})
    with server.connect("planner", "owner") as owner:
        assert owner.execute(statement, (area.area.area,)).rowcount == 1
    assert not area.ok("POST", "/decisions:verify")["chains"][0]["intact"]
