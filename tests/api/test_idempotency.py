"""A POST sent again with its key has its effect once, whatever the interleaving."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.factories import load_history, week


@pytest.fixture(scope="module")
def loaded(accord):
    area = accord.area()
    load_history(area, 4, ("A",))
    return area


def body(quantity=5, number=100):
    return [{"item": "A", "location": "L1", "period": week(number), "quantity": quantity}]


def send(area, key, rows, role="integrator"):
    return area.as_(role).post("/demand", json=rows, headers={"Idempotency-Key": key})


def test_the_first_answer_comes_again(loaded):
    key = str(uuid4())
    first, again = send(loaded, key, body()), send(loaded, key, body())
    assert first.json() == {"received": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]


def test_a_run_is_started_once_and_found_again(loaded):
    mlops, key = loaded.as_("mlops"), {"Idempotency-Key": str(uuid4())}
    first, again = (mlops.post("/training-runs", json={"reason": "once"}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["location"] == first.headers["location"]
    assert len(mlops.get("/training-runs").json()["items"]) == 1


def test_another_request_with_the_key_is_refused(loaded):
    key = str(uuid4())
    send(loaded, key, body(number=101))
    for other in (send(loaded, key, body(quantity=6, number=101)), send(loaded, key, body(number=102))):
        assert (other.status_code, other.json()["type"]) == (422, "/docs/errors#idempotency-key-reused")


def test_keys_of_other_callers_and_areas_are_other_keys(accord, loaded):
    key = str(uuid4())
    send(loaded, key, body(number=103))
    assert "idempotency-replayed" not in send(loaded, key, body(quantity=7, number=103), "admin").headers
    other = accord.area()
    load_history(other, 4, ("A",))
    assert send(other, key, body(quantity=8)).json()["created"] == 1


def test_persons_behind_one_key_are_callers_of_their_own(loaded):
    system, key = loaded.as_("mlops", delegate=True), str(uuid4())
    locations = {
        system.post(
            "/training-runs", json={"reason": "mine"}, headers={"Idempotency-Key": key, "On-Behalf-Of": person}
        ).headers["location"]
        for person in ("ann", "bob", "ann")
    }
    assert len(locations) == 2


def test_a_failed_call_keeps_nothing(loaded):
    key = str(uuid4())
    wrong = [{"item": "ghost", "location": "L1", "period": week(104), "quantity": 1}]
    assert send(loaded, key, wrong).status_code == 422
    assert send(loaded, key, body(number=104)).json()["created"] == 1


@pytest.mark.parametrize("key", ["two words", "x" * 256])
def test_a_key_that_is_none_is_refused(loaded, key):
    assert send(loaded, key, body()).status_code == 400


def area_body():
    return {"area": f"once-{uuid4().hex[:20]}", "frequency": "W", "currency": "EUR", "time_zone": "UTC"}


def principal_body():
    return {"name": f"once-{uuid4()}", "kind": "person"}


def test_areas_and_principals_are_made_once(accord):
    for path, body in (("/v1/areas", area_body()), ("/v1/principals", principal_body())):
        key = {"Idempotency-Key": str(uuid4())}
        first, again = (accord.admin.post(path, json=body, headers=key) for _ in range(2))
        assert first.status_code == 201
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers.get("etag") == first.headers.get("etag")
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        other = accord.admin.post(path, json=body | {"name": "other"}, headers=key)
        assert (other.status_code, other.json()["type"]) == (422, "/docs/errors#idempotency-key-reused")
        assert accord.admin.post(path, json=body).status_code == 409


def test_a_failed_call_to_the_gateway_keeps_nothing(accord):
    key, body = {"Idempotency-Key": str(uuid4())}, principal_body()
    nowhere = body | {"roles": [{"area": "nowhere", "role": "viewer"}]}
    assert accord.admin.post("/v1/principals", json=nowhere, headers=key).status_code == 422
    made = accord.admin.post("/v1/principals", json=body, headers=key)
    assert made.status_code == 201
    assert "idempotency-replayed" not in made.headers


def test_a_new_api_key_that_was_not_received_can_be_fetched(accord):
    principal = accord.admin.post("/v1/principals", json=principal_body()).json()["id"]
    key, body = {"Idempotency-Key": str(uuid4())}, {"principal": principal}
    first, again = (accord.admin.post("/v1/api-keys", json=body, headers=key) for _ in range(2))
    assert again.json()["key"] == first.json()["key"]
    assert len(accord.admin.get("/v1/api-keys", params={"principal": principal}).json()["items"]) == 1


def test_fifty_at_once_at_the_gateway_have_one_effect(accord):
    principal = accord.admin.post("/v1/principals", json=principal_body()).json()["id"]
    key, body = {"Idempotency-Key": str(uuid4())}, {"principal": principal}
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: accord.admin.post("/v1/api-keys", json=body, headers=key), range(50)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert len([answer for answer in made if "idempotency-replayed" not in answer.headers]) == 1
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {"/docs/errors#in-progress"}
    assert len(accord.admin.get("/v1/api-keys", params={"principal": principal}).json()["items"]) == 1


def test_fifty_at_once_have_one_effect(loaded):
    key, client = str(uuid4()), loaded.as_("mlops")
    before = len(client.get("/training-runs").json()["items"])

    def go(_):
        return client.post("/training-runs", json={"reason": "together"}, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(go, range(50)))
    started = [answer for answer in answers if answer.status_code == 202]
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.content for answer in started}) == 1
    assert [answer for answer in started if "idempotency-replayed" not in answer.headers] != []
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} <= {"/docs/errors#in-progress"}
    assert len(client.get("/training-runs").json()["items"]) == before + 1
