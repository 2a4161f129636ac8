"""Bodies as RELIABILITY asks for them: nothing lenient, nothing echoed, every error a problem document."""

import asyncio
import json

import pytest
from fastapi.testclient import TestClient

from shared import app as application
from shared.http import RequestId
from shared.schemas import Code, Date, Flag, Key, Money, Note, Number, Quantity, Schema, Whole

SECRET = "do-not-echo-me"


class Everything(Schema):
    number: Number | None = None
    quantity: Quantity | None = None
    whole: Whole | None = None
    flag: Flag | None = None
    money: Money | None = None
    date: Date | None = None
    code: Code | None = None
    key: Key | None = None
    note: Note | None = None


@pytest.fixture
def client():
    router = application.router()

    @router.post("/things")
    def store(body: Everything) -> Everything:
        return body

    @router.post("/perhaps")
    def perhaps(body: Everything | None = None) -> Everything | None:
        return body

    @router.get("/things/{number}")
    def read(number: int, limit: int = 1) -> dict[str, int]:
        return {"number": number, "limit": limit}

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError(SECRET)

    app = application.create("test", None)
    app.add_middleware(RequestId)
    app.include_router(router)
    return TestClient(app, raise_server_exceptions=False)


def post(client, text, media="application/json"):
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return client.post("/things", content=body, headers={"content-type": media})


def assert_problem(answer, status, slug):
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["type"] == f"/docs/errors#{slug}"
    assert body["instance"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text
    return body


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"number": 1e999}', "#/number"),
        ('{"number": "5"}', "#/number"),
        ('{"number": true}', "#/number"),
        ('{"number": 1e16}', "#/number"),
        ('{"number": [1]}', "#/number"),
        ('{"quantity": -0.001}', "#/quantity"),
        ('{"whole": 9223372036854775808}', "#/whole"),
        ('{"whole": 1.5}', "#/whole"),
        ('{"whole": ' + "9" * 400 + "}", "#/whole"),
        ('{"number": -' + "9" * 400 + "}", "#/number"),
        ('{"flag": 1}', "#/flag"),
        ('{"flag": "true"}', "#/flag"),
        ('{"money": 12.5}', "#/money"),
        ('{"money": "12,50"}', "#/money"),
        ('{"money": "NaN"}', "#/money"),
        ('{"date": 0}', "#/date"),
        ('{"date": "2026-02-30"}', "#/date"),
        ('{"date": "2026-2-3"}', "#/date"),
        ('{"date": "2026-02-03T00:00:00"}', "#/date"),
        ('{"code": "a\\u0000b"}', "#/code"),
        ('{"code": "\\ud800"}', "#/code"),
        ('{"code": ""}', "#/code"),
        ('{"code": " a"}', "#/code"),
        ('{"code": 7}', "#/code"),
        ('{"key": ".."}', "#/key"),
        ('{"key": "a/b"}', "#/key"),
        ('{"do-not-echo-me-not": 1, "numbr": 2}', "#/numbr"),
        ('{"a/b~c": 2}', "#/a~1b~0c"),
    ],
)
def test_a_field_that_does_not_hold_is_named(client, text, pointer):
    answer = post(client, text)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_refused(client, constant):
    assert_problem(post(client, f'{{"number": {constant}}}'), 422, "invalid")


def test_the_input_is_not_echoed(client):
    assert_problem(post(client, json.dumps({"number": SECRET, "key": SECRET + "!"})), 422, "invalid")


def test_a_key_given_twice_is_refused(client):
    assert_problem(post(client, '{"number": 1, "number": 2}'), 422, "invalid")


@pytest.mark.parametrize(
    "text",
    ["{", "", b'{"code": "\xff"}', "[" * 100_000, '{"whole": ' + "9" * 5000 + "}", b"\x1f\x8b\x08\x00"],
    ids=["cut", "empty", "not UTF-8", "deep", "5,000 digits", "gzip"],
)
def test_a_body_that_cannot_be_read_is_a_problem(client, text):
    answer = post(client, text)
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, {400: "bad-request", 422: "invalid"}[answer.status_code])


def test_a_body_of_two_megabytes_is_too_large(client):
    assert_problem(post(client, json.dumps({"note": "x" * (2 << 20)})), 413, "too-large")


def test_a_body_without_end_is_read_no_further_than_its_limit(client):
    sent = 0

    def pieces():
        nonlocal sent
        for _ in range(100):
            sent += 1 << 20
            yield b" " * (1 << 20)

    scope = {"type": "http", "method": "POST", "path": "/things", "raw_path": b"/things", "query_string": b""}
    scope |= {"headers": [(b"content-type", b"application/json")]}
    source, answer = pieces(), []

    async def receive():
        return {"type": "http.request", "body": next(source), "more_body": True}

    async def send(message):
        answer.append(message)

    asyncio.run(client.app(scope, receive, send))
    assert answer[0]["status"] == 413
    assert sent <= 3 << 20


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_media_types_are_refused(client, media):
    assert_problem(post(client, '{"number": 1}', media), 415, "unsupported-media")


def test_valid_values_come_back_as_they_went_in(client):
    body = {"number": -1.5, "quantity": 3.0, "whole": 7, "flag": True, "money": "12.50", "date": "2026-02-03"}
    answer = post(client, json.dumps(body | {"code": "00A/1 é", "key": "a.b-c_d", "note": "two\nlines"}))
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in body} == body
    assert answer.json()["code"] == "00A/1 é"


def test_codes_are_normalised_so_that_twins_are_one(client):
    assert post(client, json.dumps({"code": "e\u0301"})).json()["code"] == "\u00e9"


def test_framework_errors_are_problems_too(client):
    assert_problem(client.get("/nowhere"), 404, "not-found")
    refused = client.delete("/things")
    assert_problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "POST"


def test_an_unknown_query_parameter_is_refused(client):
    assert client.get("/things/4?limit=2").json() == {"number": 4, "limit": 2}
    body = assert_problem(client.get("/things/4?limt=2"), 422, "invalid")
    assert body["errors"] == [{"parameter": "limt", "detail": "is not a parameter of this call"}]
    twice = assert_problem(client.get("/things/4?limit=2&limit=3"), 422, "invalid")
    assert twice["errors"] == [{"parameter": "limit", "detail": "is given twice"}]


def test_an_unexpected_error_tells_nothing_but_its_id(client):
    assert_problem(client.get("/broken"), 500, "internal")


def test_the_request_id_is_the_trace_id(client):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = client.get("/things/1", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["x-request-id"] == trace
    for bad in ("00-" + "0" * 32 + "-1-1", "nonsense", "00-XYZ-1-1"):
        assert client.get("/things/1", headers={"traceparent": bad}).headers["x-request-id"] not in bad


def test_a_body_that_need_not_be_is_json_where_there_is_one(client):
    assert client.post("/perhaps").json() is None
    assert client.post("/perhaps", json={"whole": 3}).json()["whole"] == 3
    for headers in ({"content-type": "text/csv"}, {}):
        assert_problem(client.post("/perhaps", content=b"whole\n3", headers=headers), 415, "unsupported-media")
    assert_problem(client.post("/perhaps", json={"none": 3}), 422, "invalid")
    assert_problem(client.post("/things"), 415, "unsupported-media")
