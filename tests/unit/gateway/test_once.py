"""The gateway's own POSTs, sent again with their key."""

from uuid import uuid4

import psycopg
import pytest

from tests.unit.gateway.conftest import caller, problem


def named():
    return f"somebody-{uuid4()}"


def keyed(key):
    return {"Idempotency-Key": key}


@pytest.fixture
def database(server):
    with psycopg.connect(server.url("gateway", "owner").replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.fixture
def somebody(admin):
    return admin.post("/v1/principals", json={"name": named(), "kind": "person"}).json()["id"]


def test_a_new_key_is_shown_again_and_is_nowhere_in_the_database(admin, database, somebody):
    key, body = str(uuid4()), {"principal": somebody, "label": "again"}
    first, again = (admin.post("/v1/api-keys", json=body, headers=keyed(key)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["cache-control"] == "no-store"
    assert len(admin.get("/v1/api-keys", params={"principal": somebody}).json()["items"]) == 1
    secret = first.json()["key"].encode()
    (kept,) = database.execute("SELECT body FROM idempotency_keys WHERE key = %s", [key]).fetchone()
    assert len(kept) == len(first.content) + 12 + 16
    assert secret not in kept
    assert secret[-43:] not in kept


def test_another_key_of_the_caller_does_not_open_the_answer(url, admin, key_of, somebody):
    new = admin.post(
        "/v1/principals", json={"name": named(), "kind": "person", "roles": [{"area": "*", "role": "admin"}]}
    )
    tokens = [admin.post("/v1/api-keys", json={"principal": new.json()["id"]}).json()["key"] for _ in range(2)]
    key, body = str(uuid4()), {"principal": somebody}
    with caller(url, tokens[0]) as before, caller(url, tokens[1]) as after:
        first = before.post("/v1/api-keys", json=body, headers=keyed(key))
        assert first.status_code == 201
        refused = after.post("/v1/api-keys", json=body, headers=keyed(key))
        assert problem(refused) == (409, "idempotency-token-changed")
        assert first.json()["key"] not in refused.text
        assert before.post("/v1/api-keys", json=body, headers=keyed(key)).json() == first.json()


def test_keys_of_other_callers_are_other_keys(url, admin, key_of):
    key = str(uuid4())
    with caller(url, key_of(("*", "admin"))) as other:
        made = [
            each.post("/v1/principals", json={"name": named(), "kind": "person"}, headers=keyed(key))
            for each in (admin, other)
        ]
    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json()["id"] != made[1].json()["id"]


def test_an_answer_is_kept_for_three_days(admin, database):
    body, key = {"name": named(), "kind": "person"}, str(uuid4())
    admin.post("/v1/principals", json=body, headers=keyed(key))
    age(database, key, "2 days 23 hours")
    assert admin.post("/v1/principals", json=body, headers=keyed(key)).headers["idempotency-replayed"] == "true"
    age(database, key, "3 days 1 hour")
    again = admin.post("/v1/principals", json=body, headers=keyed(key))
    assert problem(again) == (409, "principal-exists")
    assert database.execute("SELECT count(*) FROM idempotency_keys WHERE key = %s", [key]).fetchone() == (1,)
    admin.post("/v1/principals", json={"name": named(), "kind": "person"}, headers=keyed(str(uuid4())))
    assert database.execute("SELECT count(*) FROM idempotency_keys WHERE key = %s", [key]).fetchone() == (0,)


def age(database, key, interval):
    database.execute("UPDATE idempotency_keys SET created_at = now() - %s::interval WHERE key = %s", [interval, key])
