"""The clients: each writes what nobody else writes, one call after the other, and pauses to think."""

import asyncio
import contextlib
import datetime
import itertools
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bench.trial.history import Client, History, Over
from bench.trial.system import System

WRITES: dict[str, Any] = {"area": "writes", "frequency": "D", "currency": "USD", "time_zone": "UTC"}
PLANS: dict[str, Any] = {"area": "plans", "frequency": "W", "currency": "USD", "time_zone": "UTC", "horizon": 8}
MONDAY = datetime.date(2021, 1, 4)
WEEKS = 120
ITEMS = ("A", "B", "C")
DAYS = 1000  # of demand that a writer gives one item
WRITERS, ITEMS_OF_WRITER = 3, 50
ROWS_OF_IMPORT = 3
THINK_SECONDS = 0.06


async def prepare(system: System, history: History) -> tuple[Client, Client]:
    """Two areas: one to write to, one with a champion and a forecast, whose plans have something to recommend."""
    root = Client(system.url, system.key, "", history)
    for area in (WRITES, PLANS):
        await root.call("POST", f"{system.url}/v1/areas", json=area, expected=(201,))
    writes, plans = (Client(system.url, system.key, area["area"], history) for area in (WRITES, PLANS))
    items = [f"W{writer}-{number}" for writer in range(WRITERS + 1) for number in range(ITEMS_OF_WRITER)]
    for client, names in ((writes, items), (plans, ITEMS)):
        await client.call("PUT", "/items", json=[{"item": name} for name in names])
        await client.call("PUT", "/locations", json=[{"location": "L"}])
    await _supply(plans)
    await plans.call("POST", "/demand", json=_demand())
    trained = await finished(plans, "training-runs", await start(plans, "training-runs", {"reason": "first"}))
    etag = (await plans.call("GET", "/models/promotions")).headers["etag"]
    promotion = {"version": trained["model_version"], "reason": "first"}
    await plans.call("POST", "/models/promotions", json=promotion, headers={"If-Match": etag}, expected=(201,))
    for kind in ("forecasts", "plans"):
        await finished(plans, kind, await start(plans, kind, {}))
    return writes, plans


async def _supply(client: Client) -> None:
    place = {"location": "L"}
    stock = [{"item": item, "as_of": _week(WEEKS), "on_hand": 60} | place for item in ITEMS]
    rule = {"mode": "buy", "source": "S", "lead_time": 2, "moq": 20, "unit_cost": "10.00", "order_cost": "25.00"}
    await client.call("POST", "/inventory", json=stock)
    await client.call("PUT", "/supply/sourcing-rules", json=[{"item": item} | place | rule for item in ITEMS])
    await client.call("PUT", "/supply/planning-policies", json=[{"shortage_cost": "4.00", "review_period": 1}])


def _demand() -> list[dict[str, Any]]:
    return [
        {"item": item, "location": "L", "period": _week(week), "quantity": 40 + 10 * math.sin(week / 8 + number)}
        for number, item in enumerate(ITEMS)
        for week in range(WEEKS)
    ]


def _week(number: int) -> str:
    return (MONDAY + datetime.timedelta(weeks=number)).isoformat()


async def start(client: Client, kind: str, wish: dict[str, Any]) -> str:
    """The id of a new run."""
    answer = await client.call("POST", f"/{kind}", json=wish, expected=(202,))
    run = str(answer.json()["id"])
    client.history.runs[kind].add(run)
    return run


async def finished(client: Client, kind: str, run: str) -> dict[str, Any]:
    while True:
        body: dict[str, Any] = (await client.call("GET", f"/{kind}/{run}")).json()
        if body["status"] in {"succeeded", "failed", "cancelled"}:
            return body
        await asyncio.sleep(0.1)


async def write_demand(client: Client, writer: int) -> None:
    """A new row a call, each with a quantity of its own."""
    for number in itertools.count():
        item, period = _cell(writer, number)
        row = {"item": item, "location": "L", "period": period, "quantity": float(number)}
        await client.call("POST", "/demand", json=[row])
        client.history.demand[item, period] = float(number)
        await client.rest(THINK_SECONDS)


async def bring_in(client: Client, writer: int) -> None:
    """Rows that an import takes in, beside one that it leaves out: what it says in the end is what is there."""
    for number in itertools.count():
        cells = [_cell(writer, ROWS_OF_IMPORT * number + place) for place in range(ROWS_OF_IMPORT)]
        rows = [{"item": item, "period": period, "quantity": 1.0 + number} for item, period in cells]
        table = [row | {"location": "L"} for row in (*rows, rows[0] | {"item": "unknown"})]
        answer = await client.call("POST", "/demand", params={"on_error": "skip"}, json=table, expected=(202,))
        run = str(answer.json()["id"])
        client.history.runs["imports"].add(run)
        end = await finished(client, "imports", run)
        if end["status"] == "succeeded":
            client.history.demand |= dict.fromkeys(cells, 1.0 + number)
            if (end["created"], end["rejected"]) != (ROWS_OF_IMPORT, 1):
                client.history.surprises.append(f"import {run}: {end}")
        await client.rest(THINK_SECONDS)


def _cell(writer: int, number: int) -> tuple[str, str]:
    """Item and period of a writer's row of this number."""
    return f"W{writer}-{number // DAYS}", (MONDAY + datetime.timedelta(days=number % DAYS)).isoformat()


async def write_master_data(client: Client) -> None:
    """One item whose unit cost rises by one a call."""
    for number in itertools.count(1):
        await client.call("PUT", "/items", json=[{"item": "master", "unit_cost": f"{number}.00"}])
        client.history.items["master"] = number
        await client.rest(THINK_SECONDS)


async def annotate(client: Client, writer: int) -> None:
    """A ledger entry a call: were one written twice, two would carry the note."""
    found = await client.call("GET", "/recommendations", params={"limit": 3})
    subjects = itertools.cycle(one["id"] for one in found.json()["items"])
    for number, subject in enumerate(subjects):
        note = f"note {writer} {number}"
        await _decide(client, subject, {"action": "annotate", "note": note}, {}, expected=(201,))
        await client.rest(THINK_SECONDS)


async def decide(client: Client) -> None:
    """Accept and revert with what was read before: newer plans get between, and are told by 409 and 412."""
    for number in itertools.count():
        found = await client.call("GET", "/recommendations", params={"status": "proposed", "limit": 1})
        for one in found.json()["items"]:
            for action in ("accept", "revert"):
                read = await client.call("GET", f"/recommendations/{one['id']}")
                wish = {"action": action, "note": f"decision {number} {action}"}
                await _decide(client, one["id"], wish, {"If-Match": read.headers["etag"]}, expected=(201, 409, 412))
        await client.rest(THINK_SECONDS)


async def _decide(
    client: Client, subject: str, wish: dict[str, str], headers: dict[str, str], *, expected: tuple[int, ...]
) -> None:
    path = f"/recommendations/{subject}/decisions"
    answer = await client.call("POST", path, json=wish, headers=headers, expected=expected)
    client.history.notes[wish["note"]] = answer.status_code == 201


async def run(client: Client, kind: str, wish: dict[str, Any], *, pause: float, cancelled: int) -> None:
    """A run a call, every so many of them cancelled at once."""
    for number in itertools.count(1):
        begun = await start(client, kind, wish)
        if number % cancelled == 0:
            await client.call("POST", f"/{kind}/{begun}/cancel")
        await client.rest(pause)


@asynccontextmanager
async def pressing(writes: Client, plans: Client) -> AsyncIterator[None]:
    """All clients at work for the length of the block; each then finishes the call that it is at."""
    clients: list[Coroutine[Any, Any, None]] = [
        *(write_demand(writes, writer) for writer in range(WRITERS)),
        bring_in(writes, WRITERS),
        write_master_data(writes),
        *(annotate(plans, writer) for writer in range(2)),
        decide(plans),
        run(plans, "plans", {}, pause=1.5, cancelled=3),
        run(plans, "forecasts", {}, pause=3, cancelled=3),
        run(plans, "training-runs", {"reason": "cancelled at once"}, pause=3, cancelled=1),
    ]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(_until_over(client))
        yield
        writes.history.over = True


async def _until_over(client: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(Over):
        await client
