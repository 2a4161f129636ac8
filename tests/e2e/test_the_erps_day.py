"""An ERP's day: load, train, forecast, plan, decide, restart in between, fetch what is to be released."""

import csv
import io
import time

import pyarrow as pa
import pytest

from tests.conftest import Stack
from tests.factories import load_history, load_supply, put, train_and_promote, week

ITEMS = ("A", "B", "C")


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path / "data")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.stop()


def test_the_day(stack):
    accord = stack.start()
    area = accord.area()
    load_history(area)
    load_supply(area)
    planner, erp = area.as_("planner"), area.as_("integrator")

    version = train_and_promote(area)
    forecast = area.succeed(planner.post("/forecasts", json={}))
    assert (forecast["model_version"], forecast["horizon"], forecast["origin"]) == (version, 8, week(119))

    assert stack.stop() == 0
    again = stack.start()
    assert again.admin.headers["authorization"] == accord.admin.headers["authorization"]
    assert planner.get(f"/forecasts/{forecast['id']}").json() == forecast

    table = values(planner, forecast["id"])
    assert table.num_rows == len(ITEMS) * 8
    assert table.column("period").unique().to_pylist()[0].isoformat() == week(120)

    plan = area.succeed(planner.post("/plans", json={}))
    assert plan["forecast"] == forecast["id"]
    inbox = planner.get("/recommendations", params={"status": "proposed", "sort": "-net_benefit"}).json()["items"]
    assert {one["item"] for one in inbox} == set(ITEMS)
    assert all(quantity(one) >= 20 and quantity(one) % 10 == 0 for one in inbox)

    first, second, third = inbox
    decide(planner, first, {"action": "accept"})
    wish = {"action": "override", "quantity": quantity(second) + 10, "reason_code": "PROMOTION"}
    decide(planner, second, wish)
    noted = planner.post(f"/recommendations/{third['id']}/decisions", json={"action": "annotate", "note": "ask sales"})
    assert noted.status_code == 201, noted.text

    orders = erp.get("/orders", params={"status": "to_release"}).json()["items"]
    assert {order["recommendation"]: order["quantity"] for order in orders} == {
        first["id"]: quantity(first),
        second["id"]: quantity(second) + 10,
    }
    listed = erp.get("/orders", params={"status": "to_release"}, headers={"accept": "text/csv"})
    assert [row["item"] for row in csv.DictReader(io.StringIO(listed.text))] == [order["item"] for order in orders]

    receipt = {"reference": "PO-1", "item": first["item"], "location": "L1", "due": week(122)}
    receipt |= {"quantity": quantity(first), "recommendation_id": first["id"]}
    put(erp, "POST", "/scheduled-receipts", [receipt])
    left = erp.get("/orders", params={"status": "to_release"}).json()["items"]
    assert [order["recommendation"] for order in left] == [second["id"]]
    assert planner.get(f"/recommendations/{first['id']}").json()["status"] == "released"

    verified = area.as_("auditor").post("/decisions:verify").json()
    assert {chain["service"]: chain["intact"] for chain in verified["chains"]} == {"forecast": True, "planner": True}
    assert {chain["service"]: chain["entries"] > 0 for chain in verified["chains"]} == {
        "forecast": True,
        "planner": True,
    }
    wanted = {"forecasts.succeeded", "plans.succeeded", "decision.promote", "decision.accept", "decision.release"}
    assert wanted <= happened(erp, wanted)
    assert stack.stop() == 0


def happened(client, wanted):
    """The types of all events, once those that are wanted have arrived."""
    told = set()
    for _ in range(300):
        told = {event["type"] for event in client.get("/events", params={"limit": 1000}).json()["items"]}
        if wanted <= told:
            break
        time.sleep(0.1)
    return told


def values(client, forecast):
    path = f"/forecasts/{forecast}/values"
    answer = client.get(path, headers={"accept": "application/vnd.apache.arrow.stream"})
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all()


def decide(client, recommendation, wish):
    path = f"/recommendations/{recommendation['id']}"
    etag = client.get(path).headers["etag"]
    made = client.post(f"{path}/decisions", json=wish, headers={"If-Match": etag})
    assert made.status_code == 201, made.text
    return made.json()


def quantity(recommendation):
    return recommendation["order"]["quantity"]
