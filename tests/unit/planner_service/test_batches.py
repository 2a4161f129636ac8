"""Many decisions at once: all or none, one block of the ledger."""

import json
from uuid import uuid4

import pytest

from tests.unit.planner_service.test_recommendations import decide


def rows(inbox, action="accept", version=1, **fields):
    return [{"recommendation": one["id"], "version": version, "action": action} | fields for one in inbox]


def decide_many(area, decisions, **options):
    return area("POST", "/recommendations:decide", json={"decisions": decisions}, **options)


def statuses(area, inbox):
    return [area.ok("GET", f"/recommendations/{one['id']}")["status"] for one in inbox]


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


def test_decisions_are_recorded_together_in_one_block(area, inbox):
    wishes = rows(inbox[:1]) + rows(inbox[1:2], "override", quantity=40, reason_code="PROMOTION")
    wishes += rows(inbox[2:], "annotate", version=None, note="ask sales")
    answer = decide_many(area, wishes, by="ann")
    assert answer.status_code == 201
    made = answer.json()["items"]
    assert [one["recommendation"] for one in made] == [one["id"] for one in inbox]
    assert [one["sequence"] for one in made] == [2, 3, 4]
    assert statuses(area, inbox) == ["accepted", "overridden", "proposed"]
    entries = area.ok("GET", "/decisions?after=1")["items"]
    assert [json.loads(entry["content"])["block"] for entry in entries] == [{"first": 2, "size": 3}] * 3
    assert area.ok("GET", f"/recommendations/{inbox[1]['id']}")["decisions"] == [made[1]]
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_stale_rows_are_all_named_and_nothing_is_recorded(area, inbox):
    decide(area, inbox[0], {"action": "accept"})
    decide(area, inbox[2], {"action": "accept"})
    answer = decide_many(area, rows(inbox))
    assert (answer.status_code, answer.json()["type"]) == (412, "/docs/errors#stale-version")
    assert pointers(answer) == ["#/decisions/0", "#/decisions/2"]
    assert statuses(area, inbox) == ["accepted", "proposed", "accepted"]
    assert len(area.ok("GET", "/decisions")["items"]) == 3


@pytest.mark.parametrize(
    ("change", "status", "slug", "pointer"),
    [
        ({"action": "reject"}, 422, "invalid", "#/decisions/1/reason_code"),
        ({"action": "reject", "reason_code": "NEVER_HEARD"}, 422, "invalid", "#/decisions/1/reason_code"),
        ({"version": None}, 422, "invalid", "#/decisions/1/version"),
        ({"version": 0}, 422, "invalid", "#/decisions/1/version"),
        ({"unknown": 1}, 422, "invalid", "#/decisions/1/unknown"),
        ({"recommendation": str(uuid4())}, 404, "not-found", "#/decisions/1"),
        ({"action": "revert"}, 409, "illegal-move", "#/decisions/1"),
    ],
)
def test_one_row_that_cannot_be_refuses_them_all(area, inbox, change, status, slug, pointer):
    wishes = rows(inbox)
    wishes[1] |= change
    answer = decide_many(area, wishes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/docs/errors#{slug}")
    assert pointers(answer) == [pointer]
    assert statuses(area, inbox) == ["proposed"] * 3
    assert len(area.ok("GET", "/decisions")["items"]) == 1


def test_a_recommendation_is_decided_on_once(area, inbox):
    answer = decide_many(area, rows(inbox) + rows(inbox[:1], "reject", reason_code="PROMOTION"))
    assert answer.status_code == 422
    assert pointers(answer) == ["#/decisions/0", "#/decisions/3"]


def test_five_hundred_are_the_most(area):
    strangers = [{"id": str(uuid4())} for _ in range(501)]
    assert decide_many(area, rows(strangers)).status_code == 422
    assert decide_many(area, []).status_code == 422
    unknown = decide_many(area, rows(strangers[:500]))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/docs/errors#not-found")
    assert area.ok("GET", "/decisions")["items"] == []


def test_more_stale_rows_than_other_errors_are_named(area):
    codes = [f"I{number}" for number in range(120)]
    area.supply(*codes)
    area.forecasts(*codes)
    area.plan()
    found = area.ok("GET", "/recommendations?limit=1000")["items"]
    assert decide_many(area, rows(found)).status_code == 201
    assert len(pointers(decide_many(area, rows(found, "revert")))) == 120


def test_a_batch_that_is_sent_again_has_its_effect_once(area, inbox):
    key = {"Idempotency-Key": str(uuid4())}
    first, again = (decide_many(area, rows(inbox), headers=key) for _ in range(2))
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(area.ok("GET", "/decisions")["items"]) == 4
