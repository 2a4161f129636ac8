"""How fast people decide, one by one and many at once, and how fast what they decided is proven.

The recommendations of one plan lie in the database of a real stack. They are decided on through the gateway: by one
client after the other's answer, in blocks of 500, and by 50 users at once. Then 100,000 entries are proven: their chain
alone, their export by `audit`, chain and history, and all of it with the stored states by `decisions:verify`.
"""

import contextlib
import datetime
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.report import Goal, report
from bench.stack import Process, Stack, call, started
from services.embedded.environment import HOST
from services.planner.automation.grounding import Noticed
from services.planner.ledger import audit
from services.planner.ledger.tables import TABLES
from services.planner.plans import filing
from services.planner.plans.tables import Plan
from services.planner.recommendations.content_schemas import Content
from shared import ledger
from shared.db import Database
from shared.ids import uuid7
from shared.ledger import Finding
from shared.media import NDJSON
from shared.principal import HEADER, Area, Principal, Signer

PROFILE = {"area": "bench", "frequency": "W", "currency": "USD", "time_zone": "UTC"}
AREA = Area("bench", "W", 52, 8, (0.1, 0.5, 0.9), "USD", "UTC", 1, Decimal(1), Decimal(1))
WHO = Principal("bench", "bench", frozenset({"planner"}), AREA)
SINGLE, BLOCKS, BLOCK, USERS, EACH = 200, 6, 500, 50, 10
ENTRIES = 100_000
ROUNDS = 3
BASE = "/v1/areas/bench"
GOALS = (Goal("chain_rows_per_cpu_second", "at_least", 100_000),)


def main() -> int:
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
        database = Database(stack.process("planner", "serve").environment["ACCORD_DATABASE_URL"])
        ids = _filed(database, SINGLE + BLOCKS * BLOCK + USERS * EACH)
        single, block, concurrent = ids[:SINGLE], ids[SINGLE : -USERS * EACH], ids[-USERS * EACH :]
        figures = _single(stack, single) | _blocks(stack, block) | _together(stack, concurrent)
        _noted(database, ids[0], ENTRIES)
        database.dispose()
        figures |= _proven(stack, Path(place, "decisions.ndjson"))
    return report(figures, GOALS)


def _filed(database: Database, count: int) -> list[UUID]:
    """A plan's recommendations to buy, alike but for their items."""
    plan = uuid7()
    contents = [_content(plan, number) for number in range(count)]
    with database.write() as session:
        common = {"status": "succeeded", "requested_by": "bench", "caller": {}, "forecast_asked": "latest", "seed": 1}
        common |= {"periods": [datetime.date(2026, 1, 5)]}
        run = Plan(id=plan, area=AREA.area, forecast_id=uuid7(), **common)
        session.add(run)
        session.flush()
        filing.file(session, run, WHO, contents, set(), Noticed({}, {}))
    return [content.id for content in contents]


def _content(plan: UUID, number: int) -> Content:
    acting = {"total": "85.00", "purchase": "80.00", "ordering": "1.00", "extra_holding": "4.00"}
    figures = {"cost_of_acting": acting, "cost_of_inaction": {"mean": "99.00", "p90": "150.00", "units": 11.0}}
    triggers = dict.fromkeys(("on_hand", "on_order", "projected", "safety_stock", "reorder_point", "order_up_to"), 1.0)
    triggers |= {"fractile": 0.9, "moq": 10.0, "multiple": 5.0}
    terms = {"reviews_covered": 1, "lead_time": 2, "review_period": 1, "max_quantity": None, "shortage_mode": "lost"}
    terms |= {"service_level": None, "shortage_cost": "6.00", "holding_cost": "0.04"}
    other = {"quantity": 15.0, "net_benefit": "85.00", "stockout_probability": 0.2, "expected_shortage": 2.0}
    order = figures | {"source": "S", "quantity": 20.0, "net_benefit": "94.00", "triggers": triggers | terms}
    order |= {"release_date": "2026-03-02", "release_by": "2026-03-02", "receipt_date": "2026-03-16"}
    order |= {name: {"without": 0.9, "with": 0.1} for name in ("stockout_probability", "expected_shortage")}
    alternatives = [figures | other | {"kind": kind} for kind in ("smaller_lot", "larger_lot", "wait")]
    named = {"id": uuid7(), "plan": plan, "forecast": plan, "model_version": 1, "type": "buy", "route": "review"}
    named |= {"item": f"I{number}", "location": "L", "currency": "USD", "text": "Buy 20.", "faults": []}
    return Content.model_validate(named | {"order": order | {"alternatives": alternatives}})


def _single(stack: Stack, ids: list[UUID]) -> dict[str, float]:
    """One client, one decision after the other, on one connection."""
    with _connected(stack) as connection:
        took = [_accept(stack, connection, identifier) for identifier in ids]
    return {"single_per_second": len(ids) / sum(took), "single_median_ms": statistics.median(took) * 1e3}


def _blocks(stack: Stack, ids: list[UUID]) -> dict[str, float]:
    begun = time.perf_counter()
    for start in range(0, len(ids), BLOCK):
        rows = [{"recommendation": str(one), "version": 1, "action": "accept"} for one in ids[start : start + BLOCK]]
        stack.call("POST", f"{BASE}/recommendations:decide", json.dumps({"decisions": rows}).encode())
    return {"in_blocks_per_second": len(ids) / (time.perf_counter() - begun)}


def _together(stack: Stack, ids: list[UUID]) -> dict[str, float]:
    """50 users at once, each on a connection and on recommendations of its own."""

    def user(mine: list[UUID]) -> list[float]:
        with _connected(stack) as connection:
            return [_accept(stack, connection, identifier) for identifier in mine]

    begun = time.perf_counter()
    with ThreadPoolExecutor(USERS) as pool:
        took = sorted(one for times in pool.map(user, [ids[at::USERS] for at in range(USERS)]) for one in times)
    elapsed = time.perf_counter() - begun
    figures = {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100]}
    together = {f"of_{USERS}_users_{name}_ms": value * 1e3 for name, value in figures.items()}
    return together | {f"of_{USERS}_users_per_second": len(took) / elapsed}


def _connected(stack: Stack) -> contextlib.closing[http.client.HTTPConnection]:
    return contextlib.closing(http.client.HTTPConnection(HOST, stack.port, timeout=120))


def _accept(stack: Stack, connection: http.client.HTTPConnection, identifier: UUID) -> float:
    """Seconds until one acceptance was recorded; whoever is told to come back (503) does at once."""
    headers = {"Authorization": f"Bearer {stack.key}", "Content-Type": "application/json", "If-Match": '"1"'}
    begun, status = time.perf_counter(), int(http.HTTPStatus.SERVICE_UNAVAILABLE)
    while status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        connection.request("POST", f"{BASE}/recommendations/{identifier}/decisions", b'{"action": "accept"}', headers)
        answer = connection.getresponse()
        content, status = answer.read(), answer.status
    if status != http.HTTPStatus.CREATED:
        raise RuntimeError(f"a decision was answered {status}: {content[:500]!r}")
    return time.perf_counter() - begun


def _noted(database: Database, subject: UUID, until: int) -> None:
    """Notes on one recommendation, until the ledger has so many entries."""
    after = {"status": "accepted", "version": 2, "quantity": 20.0, "due": "2026-03-16"}
    body = {"before": after, "after": after, "reason_code": None, "note": "as long as notes are, now and then"}
    event = ledger.Event("annotate", str(subject), body | {"plan": str(subject), "forecast": str(subject)})
    block = range(0)
    while block.stop <= until:
        with database.write() as session:
            block = ledger.append_all(session, TABLES, WHO, [event] * 5000)


def _proven(stack: Stack, file: Path) -> dict[str, float]:
    connection = http.client.HTTPConnection(HOST, stack.port, timeout=300)
    with contextlib.closing(connection):
        connection.request("GET", f"{BASE}/decisions", None, {"Authorization": f"Bearer {stack.key}", "Accept": NDJSON})
        file.write_bytes(connection.getresponse().read())
    entries = list(audit.read(file))
    chain = _cpu(lambda: ledger.check(entries)[2])
    history = _cpu(lambda: audit.check(list(audit.read(file)), {}))
    begun = time.perf_counter()
    found = _verified(stack.process("planner", "serve"))
    verify = time.perf_counter() - begun
    if not all(one["intact"] for one in found["chains"]):
        raise RuntimeError(f"the ledger does not hold: {found}")
    return {
        "entries": len(entries),
        "chain_rows_per_cpu_second": len(entries) / chain,
        "export_read_and_proven_rows_per_cpu_second": len(entries) / history,
        "decisions_verify_rows_per_second": len(entries) / verify,
    }


def _verified(api: Process) -> Any:
    """The planner's own answer, asked as the gateway asks it."""
    path = f"{BASE}/decisions:verify"
    signer = Signer("planner", api.environment["ACCORD_IDENTITY_SECRET"])
    return call(api.port, "", "POST", path, b"", **{HEADER: signer.sign(WHO, "POST", path)})


def _cpu(prove: Callable[[], Finding | None]) -> float:
    """Least processor seconds of some rounds: others may be at work here."""
    took = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        if prove() is not None:
            raise RuntimeError("the export does not hold")
        took.append(time.process_time() - begun)
    return min(took)


if __name__ == "__main__":
    sys.exit(main())
