"""The inbox, and decisions on what is in it, over HTTP."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.unit.inside import profile
from tests.unit.planner_service.upstream import week


def decide(area, recommendation, wish, *, version=1, **options):
    headers = {"If-Match": f'"{version}"'} if version is not None else {}
    return area("POST", f"/recommendations/{recommendation['id']}/decisions", json=wish, headers=headers, **options)


def test_accepting_takes_the_recommended_order(area, inbox):
    first = inbox[0]
    answer = decide(area, first, {"action": "accept"}, by="ann")
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    decision = answer.json()
    assert (decision["recommendation"], decision["action"], decision["actor"]) == (first["id"], "accept", "ann")
    assert decision["before"] == {"status": "proposed", "version": 1, "quantity": None, "due": None, "source": None}
    assert decision["after"] == {
        "status": "accepted",
        "version": 2,
        "quantity": first["order"]["quantity"],
        "due": first["order"]["receipt_date"],
        "source": None,
    }
    shown = area("GET", f"/recommendations/{first['id']}")
    assert shown.headers["etag"].startswith('"2-')
    assert shown.json()["status"] == "accepted"
    assert shown.json()["decided"] == {
        "quantity": first["order"]["quantity"],
        "due": first["order"]["receipt_date"],
        "reason_code": None,
        "source": None,
    }
    assert shown.json()["decisions"] == [decision]


def test_overriding_takes_the_planners_order_and_warns(area, inbox):
    first = inbox[0]
    due = week(1).isoformat()
    wish = {"action": "override", "quantity": 7, "due": due, "reason_code": "SUPPLIER_INFO", "note": "half a load"}
    decision = decide(area, first, wish).json()
    assert decision["after"] == {"status": "overridden", "version": 2, "quantity": 7.0, "due": due, "source": None}
    assert (decision["reason_code"], decision["note"]) == ("SUPPLIER_INFO", "half a load")
    codes = [warning["code"] for warning in decision["warnings"]]
    assert codes == ["off_multiple", "below_moq", "before_lead_time"]


def test_a_little_more_or_much_more_is_warned_of(area, inbox):
    first, second, _ = inbox
    little = {"action": "override", "quantity": first["order"]["quantity"] * 1.05, "reason_code": "PROMOTION"}
    much = {"action": "override", "quantity": second["order"]["quantity"] * 2, "reason_code": "PROMOTION"}
    assert "small_override" in [one["code"] for one in decide(area, first, little).json()["warnings"]]
    assert [one["code"] for one in decide(area, second, much).json()["warnings"]] == ["upward_override"]


def test_who_overrides_is_told_how_often_before(area, inbox):
    first, second, third = inbox
    much = {"action": "override", "quantity": 500, "reason_code": "PROMOTION", "note": "flyer"}

    def record(recommendation, wish, by, version=1):
        [warning] = decide(area, recommendation, wish, version=version, by=by).json()["warnings"]
        assert warning["code"] == "upward_override"
        return {name: count["overrides"] for name, count in warning["track_record"].items()}

    assert record(first, much, "ann") == {"person": 0, "reason_code": 0}
    assert record(second, much, "bob") == {"person": 0, "reason_code": 1}
    decide(area, first, {"action": "revert"}, version=2, by="ann")
    assert record(first, much | {"reason_code": "COMPETITOR"}, "ann", version=3) == {"person": 1, "reason_code": 0}
    assert record(third, much, "ann") == {"person": 2, "reason_code": 2}
    plain = decide(area, third, {"action": "revert"}, version=2).json()
    assert plain["warnings"] == []


def test_overriding_the_date_alone_keeps_the_quantity(area, inbox):
    due = week(4).isoformat()
    wish = {"action": "override", "due": due, "reason_code": "CAPACITY_INFO"}
    after = decide(area, inbox[0], wish).json()["after"]
    assert (after["quantity"], after["due"]) == (inbox[0]["order"]["quantity"], due)


def test_a_rejection_can_be_taken_back(area, inbox):
    first = inbox[0]
    rejected = decide(area, first, {"action": "reject", "reason_code": "BUDGET_CASH"}).json()
    assert rejected["after"]["status"] == "rejected"
    reverted = decide(area, first, {"action": "revert"}, version=2).json()
    assert reverted["after"] == {"status": "proposed", "version": 3, "quantity": None, "due": None, "source": None}
    assert decide(area, first, {"action": "accept"}, version=3).status_code == 201


def test_a_note_needs_no_version_and_changes_none(area, inbox):
    first = inbox[0]
    noted = decide(area, first, {"action": "annotate", "note": "ask sales"}, version=None)
    assert (noted.status_code, noted.headers["etag"]) == (201, '"1"')
    assert decide(area, first, {"action": "accept"}).status_code == 201
    assert decide(area, first, {"action": "annotate", "note": "done"}, version=None).json()["after"]["version"] == 2
    actions = [one["action"] for one in area.ok("GET", f"/recommendations/{first['id']}")["decisions"]]
    assert actions == ["annotate", "accept", "annotate"]


@pytest.mark.parametrize(
    ("wish", "pointers"),
    [
        ({"action": "override", "quantity": 5}, ["#/reason_code"]),
        ({"action": "override", "reason_code": "PROMOTION"}, ["#/quantity"]),
        ({"action": "override", "quantity": 5, "reason_code": "OTHER"}, ["#/note"]),
        ({"action": "reject"}, ["#/reason_code"]),
        ({"action": "reject", "reason_code": "PROMOTION", "quantity": 5}, ["#/quantity"]),
        ({"action": "annotate"}, ["#/note"]),
        ({"action": "accept", "quantity": 5}, ["#/quantity"]),
        ({"action": "accept", "reason_code": "PROMOTION"}, ["#/reason_code"]),
        ({"action": "revert", "due": "2026-03-02"}, ["#/due"]),
        ({"action": "release"}, ["#/action"]),
        ({"action": "accept", "version": 1}, ["#/version"]),
        ({"action": "override", "quantity": 0, "reason_code": "PROMOTION"}, ["#/quantity"]),
        ({"action": "override", "quantity": True, "reason_code": "PROMOTION"}, ["#/quantity"]),
        ({"action": "override", "quantity": 5, "reason_code": "BECAUSE"}, ["#/reason_code"]),
        ({"action": "annotate", "note": ""}, ["#/note"]),
        ({}, ["#/action"]),
    ],
)
def test_an_incomplete_decision_is_refused(area, inbox, wish, pointers):
    answer = decide(area, inbox[0], wish)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    shown = area.ok("GET", f"/recommendations/{inbox[0]['id']}")
    assert (shown["status"], shown["version"], shown["decisions"]) == ("proposed", 1, [])


def test_a_decision_needs_the_version_that_was_read(area, inbox):
    first = inbox[0]
    missing = decide(area, first, {"action": "accept"}, version=None)
    assert (missing.status_code, missing.json()["type"]) == (428, "/docs/errors#version-required")
    assert decide(area, first, {"action": "accept"}).status_code == 201
    stale = decide(area, first, {"action": "revert"})
    assert (stale.status_code, stale.json()["type"]) == (412, "/docs/errors#stale-version")
    illegal = decide(area, first, {"action": "accept"}, version=2)
    assert (illegal.status_code, illegal.json()["type"]) == (409, "/docs/errors#illegal-move")
    assert "accepted" in illegal.json()["detail"]
    assert len(area.ok("GET", f"/recommendations/{first['id']}")["decisions"]) == 1


def test_another_areas_recommendation_does_not_exist(area, inbox, client, database, upstream):
    elsewhere = type(area)(client, profile("elsewhere"), database, upstream)
    assert elsewhere("GET", f"/recommendations/{inbox[0]['id']}").status_code == 404
    assert decide(elsewhere, inbox[0], {"action": "accept"}).status_code == 404
    assert elsewhere.ok("GET", "/recommendations")["items"] == []
    assert area("GET", f"/recommendations/{uuid4()}").status_code == 404
    assert area("GET", "/recommendations/seven").status_code == 422


def test_of_fifty_that_decide_at_once_one_does(area, inbox):
    """More than a process has threads: whoever waits must not keep the one who is first from committing."""
    start = threading.Barrier(50)

    def accept(number):
        start.wait()
        return decide(area, inbox[0], {"action": "accept"}, by=f"person-{number}").status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(accept, range(50)))
    assert sorted(statuses) == [201] + [412] * 49
    assert len(area.ok("GET", f"/recommendations/{inbox[0]['id']}")["decisions"]) == 1


def test_the_inbox_is_filtered_and_sorted(area):
    area.supply("A", "B", "C")
    area.ok("PUT", "/supply/planning-policies", json={"item": "B", "shortage_cost": "60.00"})
    area.forecasts("A", "B", "C", "D")
    area.plan()

    def items(query):
        return [one["item"] for one in area.ok("GET", f"/recommendations?{query}")["items"]]

    assert items("")[0] == "B"
    assert items("")[-1] == "D"
    assert items("type=data_fix") == ["D"]
    assert items("item=C&location=L") == ["C"]
    assert items("location=M") == []
    impact = {
        one["item"]: float(one["order"]["cost_of_inaction"]["mean"])
        for one in area.ok("GET", "/recommendations?type=buy")["items"]
    }
    assert impact["B"] > 2 * max(impact["A"], impact["C"]) > 0
    assert items(f"min_impact={impact['B']:.2f}") == ["B"]
    assert sorted(items("sort=created_at&status=proposed")) == ["A", "B", "C", "D"]
    assert items("status=accepted") == []
    plan = area.ok("GET", "/plans/latest")["id"]
    assert len(items(f"plan={plan}")) == 4
    assert items(f"plan={uuid4()}") == []
    for wrong in ("status=open", "type=order", "min_impact=lots", "sort=quantity", "plan=latest"):
        assert area("GET", f"/recommendations?{wrong}").status_code == 422


def test_the_inbox_is_paged_in_its_order(area, inbox):
    seen, cursor = [], ""
    while cursor is not None:
        page = area.ok("GET", f"/recommendations?limit=1{cursor and f'&cursor={cursor}'}")
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [one["id"] for one in area.ok("GET", "/recommendations")["items"]]
    assert len(seen) == 3


def test_data_to_mend_cannot_be_overridden_and_is_no_order(area):
    area.supply("A")
    area.forecasts("A", "D")
    area.plan()
    [fix] = area.ok("GET", "/recommendations?type=data_fix")["items"]
    refused = decide(area, fix, {"action": "override", "quantity": 5, "reason_code": "PROMOTION"})
    assert refused.status_code == 422
    assert decide(area, fix, {"action": "accept"}).json()["after"]["quantity"] is None
    assert area.ok("GET", "/orders")["items"] == []


def test_an_override_may_name_another_source_of_the_same_mode(area, inbox):
    rule = {"item": inbox[0]["item"], "location": "L", "mode": "buy", "lead_time": 2, "unit_cost": "5.00"}
    area.ok("PUT", "/supply/sourcing-rules", json=[rule | {"source": "T"}, rule | {"mode": "transfer", "source": "M"}])
    wish = {"action": "override", "reason_code": "SUPPLIER_INFO", "note": "S is late"}
    for source in ("M", "unheard-of"):
        refused = decide(area, inbox[0], wish | {"source": source})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/source")
    made = decide(area, inbox[0], wish | {"source": "T"}).json()
    assert made["after"]["source"] == "T"
    assert made["after"]["quantity"] == inbox[0]["order"]["quantity"]
    [order] = area.ok("GET", "/orders?status=to_release")["items"]
    assert (order["source"], order["quantity"]) == ("T", inbox[0]["order"]["quantity"])
    assert area.ok("GET", f"/recommendations/{inbox[0]['id']}")["decided"]["source"] == "T"
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]
    back = decide(area, inbox[0], {"action": "revert"}, version=2).json()
    assert back["after"]["source"] is None
    assert decide(area, inbox[1], {"action": "accept", "source": "S"}).status_code == 422
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


@pytest.mark.parametrize(("quantity", "code"), [(23, "off_multiple"), (5, "below_moq"), (45, "above_maximum")])
def test_a_quantity_off_the_lots_is_refused_where_the_supplier_forbids_it(area, inbox, quantity, code):
    """Lots of five from ten on, of T up to forty; S supplies the first item, strictly or not."""
    first, second, _ = inbox
    rule = {"item": first["item"], "location": "L", "mode": "buy", "source": "S", "lead_time": 2, "unit_cost": "4.00"}
    rule |= {"moq": 10, "multiple": 5, "max_quantity": 40}
    wish = {"action": "override", "quantity": quantity, "reason_code": "SUPPLIER_INFO"}
    area.ok("PUT", "/supply/sourcing-rules", json=rule | {"strict_lots": True})
    refused = decide(area, first, wish)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/quantity")
    rows = [
        {"recommendation": one["id"], "version": 1, **wish, "quantity": quantity if one == first else 20}
        for one in (second, first)
    ]
    whole = area("POST", "/recommendations:decide", json={"decisions": rows})
    assert [error["pointer"] for error in whole.json()["errors"]] == ["#/decisions/1/quantity"]
    assert decide(area, first, {"action": "accept"}).status_code == 201
    assert decide(area, first, {"action": "revert"}, version=2).status_code == 201
    area.ok("PUT", "/supply/sourcing-rules", json=[rule, rule | {"source": "T", "item": second["item"]}])
    warned = decide(area, second, wish | {"source": "T"}).json()["warnings"]
    assert code in [one["code"] for one in warned]


def test_an_order_from_another_source_is_held_against_its_lots(area, inbox):
    """Ten at least from S, in fives; T takes any quantity."""
    rule = {"item": inbox[0]["item"], "location": "L", "mode": "buy", "source": "T", "lead_time": 2}
    area.ok("PUT", "/supply/sourcing-rules", json=rule | {"unit_cost": "4.00"})
    wish = {"action": "override", "quantity": 7, "reason_code": "SUPPLIER_INFO", "source": "T"}
    assert decide(area, inbox[0], wish).json()["warnings"] == []
