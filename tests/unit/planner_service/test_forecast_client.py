"""What the planner makes of the forecast service's answers, good and bad, over real HTTP."""

import json
import time

import pytest

from services.planner import forecast_client
from services.planner.forecast_client import ForecastClient, Refused
from shared import observe
from shared.errors import Unavailable
from tests.unit.planner_service.upstream import ARROW, FORECAST, arrow, demand, items, values

VALUES = f"forecasts/{FORECAST}/values"


@pytest.fixture
def client(upstream):
    upstream.forecasts(values({("A", "L"): (1.0, 2.0, 3.0)}, 5000), demand({("A", "L"): 2.0}))
    return ForecastClient(upstream.url, "secret", 5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(forecast_client, "RETRIES", forecast_client.RETRIES.new(backoff_factor=0.01, backoff_jitter=0))
    monkeypatch.setattr(forecast_client, "READ_SECONDS", 0.5)


def get_values(client):
    return client.values("north", str(FORECAST), lambda: None)


def test_a_table_comes_as_it_was_sent(client, upstream):
    assert get_values(client).equals(values({("A", "L"): (1.0, 2.0, 3.0)}, 5000))
    assert client.forecast("north", "latest")["model_version"] == 3
    assert client.demand("north", "2026-01-01", lambda: None).num_rows == 13
    upstream.answers["items"] = (200, arrow(items(A={"uom": "kg", "shelf_life_days": 9})))
    [item] = client.items("north", lambda: None).to_pylist()
    assert item == {"item": "A", "category": None, "uom": "kg", "unit_price": None, "shelf_life_days": 9}
    assert [one["accept"] for one in upstream.headers] == [ARROW, "application/json", ARROW, ARROW]


def test_calls_carry_the_key_and_the_trace(client, upstream):
    observe.set_request_id("4" * 32)
    client.forecast("north", "latest")
    observe.set_request_id(None)
    headers = upstream.headers[0]
    assert headers["authorization"] == "Bearer secret"
    assert headers["traceparent"].startswith(f"00-{'4' * 32}-")


def test_a_problem_of_the_upstream_is_told_as_it_is(client, upstream):
    del upstream.answers["forecasts/latest"]
    with pytest.raises(Refused) as refused:
        client.forecast("north", "latest")
    assert refused.value.document("run") == {
        "type": "/docs/errors#no-forecast",
        "title": "No forecast",
        "status": 404,
        "detail": "The forecast service answered: POST forecasts makes one.",
        "instance": "run",
        "retryable": False,
    }
    assert upstream.calls["forecasts/latest"] == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_short_outage_is_overcome(client, upstream, status):
    meta = upstream.answers["forecasts/latest"]

    def recovering(handler):
        good = upstream.calls["forecasts/latest"] == 3
        handler.send_response(200 if good else status)
        handler.end_headers()
        handler.wfile.write(meta[1] if good else b"")

    upstream.answers["forecasts/latest"] = recovering
    assert client.forecast("north", "latest")["status"] == "succeeded"


@pytest.mark.parametrize(
    "answer",
    [(503, b""), (500, b"oops"), (404, b"<html>"), (404, b"[]"), (302, b""), (400, json.dumps({"type": "x"}).encode())],
)
def test_an_answer_that_says_nothing_is_an_outage(client, upstream, answer):
    upstream.answers["forecasts/latest"] = answer
    with pytest.raises(Unavailable, match="forecast service"):
        client.forecast("north", "latest")


def test_nobody_there_is_an_outage(client, upstream):
    upstream.close()
    with pytest.raises(Unavailable, match="cannot be reached"):
        client.forecast("north", "latest")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_stream_that_breaks_off_is_an_outage(client, upstream, share):
    body = upstream.answers[VALUES][1]

    def breaking(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: int(len(body) * share)])
        handler.wfile.flush()
        handler.connection.close()

    upstream.answers[VALUES] = breaking
    with pytest.raises(Unavailable, match="broke off"):
        get_values(client)


def test_a_silent_upstream_is_given_up(client, upstream):
    upstream.answers["forecasts/latest"] = lambda _: time.sleep(3)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        client.forecast("north", "latest")
    assert time.monotonic() - started < 2.5
    assert upstream.calls["forecasts/latest"] == 3


def test_a_slow_stream_is_given_up_at_the_deadline(upstream):
    upstream.forecasts(values({("A", "L"): (1.0, 2.0, 3.0)}, 5000), demand({("A", "L"): 2.0}))
    body = upstream.answers[VALUES][1]

    def dripping(handler):
        handler.send_response(200)
        handler.end_headers()
        for start in range(0, len(body), 1000):
            handler.wfile.write(body[start : start + 1000])
            time.sleep(0.05)

    upstream.answers[VALUES] = dripping
    started = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        ForecastClient(upstream.url, "secret", 0.4).values("north", str(FORECAST), lambda: None)
    assert time.monotonic() - started < 1.5


def test_whoever_waits_can_stop(client):
    def beat():
        raise LookupError

    with pytest.raises(LookupError):
        client.values("north", str(FORECAST), beat)
