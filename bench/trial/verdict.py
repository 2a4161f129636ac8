"""The history held against the API and the databases."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bench.trial.history import Client, History
from bench.trial.load import PLANS, WRITES
from bench.trial.system import System

END_SECONDS = 180
PLACES = {
    "plans": ("planner", "plans"),
    "forecasts": ("forecast", "forecasts"),
    "training-runs": ("forecast", "training_runs"),
    "imports": ("forecast", "imports"),
}
DECISIONS = {"accept", "override", "reject", "revert"}
TOLERATED = {"/docs/errors#worker-lost", "/docs/errors#unavailable"}  # five attempts, and each of them was killed
ORPHANS: dict[str, tuple[LiteralString, ...]] = {
    "planner": (
        "SELECT count(*) FROM plan_lines JOIN plans ON id = plan_id WHERE status <> 'succeeded'",
        "SELECT count(*) FROM recommendations r JOIN plans p ON p.id = plan_id WHERE status <> 'succeeded'",
        "SELECT count(*) FROM recommendations WHERE id NOT IN (SELECT recommendation_id FROM recommendation_state)",
        "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'default'",
    ),
    "forecast": (
        "SELECT count(*) FROM forecast_series JOIN forecasts ON id = forecast_id WHERE status <> 'succeeded'",
        "SELECT count(*) FROM model_versions JOIN training_runs ON id = training_run WHERE status <> 'succeeded'",
        "SELECT count(*) FROM import_pieces JOIN imports ON id = import_id WHERE status = 'succeeded'",
        "SELECT count(*) FROM procrastinate_jobs WHERE queue_name IN ('default', 'imports')",
    ),
}


@dataclass
class Verdict:
    """What does not agree, in words; nothing where all is well.

    lost: acknowledged and not there. doubled: there twice, or there although it was refused. unfinished: runs that did
    not end. astray: failed without being lost again and again, rows and jobs without a run, a chain that is broken.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)


async def judge(system: System, history: History) -> Verdict:
    """Wait until all runs are over, then compare."""
    verdict = Verdict()
    writes, plans = (Client(system.url, system.key, area["area"], history) for area in (WRITES, PLANS))
    with system.server.connect("planner") as planner, system.server.connect("forecast") as forecast:
        databases = {"planner": planner, "forecast": forecast}
        for kind, (database, table) in PLACES.items():
            await _ended(verdict, databases[database], kind, table)
            _runs(verdict, databases[database], table, history.runs[kind])
        for database, queries in ORPHANS.items():
            await _no_orphans(verdict, databases[database], queries)
        _effects(verdict, planner, forecast)
        _decisions(verdict, planner, history)
    await _demand(verdict, writes)
    await _master_data(verdict, writes)
    chains = (await plans.call("POST", "/decisions:verify")).json()["chains"]
    verdict.astray += [f"chain {chain}" for chain in chains if not chain["intact"]]
    return verdict


async def _ended(verdict: Verdict, database: psycopg.Connection, kind: str, table: str) -> None:
    deadline = time.monotonic() + END_SECONDS
    query = sql.SQL("SELECT id::text, status FROM {} WHERE status NOT IN ('succeeded', 'failed', 'cancelled')")
    asked = query.format(sql.Identifier(table))
    while (left := database.execute(asked).fetchall()) and time.monotonic() < deadline:  # noqa: ASYNC110  polls
        await asyncio.sleep(0.2)
    verdict.unfinished += [f"{kind} {run} is {status}" for run, status in left]


def _runs(verdict: Verdict, database: psycopg.Connection, table: str, told: set[str]) -> None:
    query = sql.SQL("SELECT id::text, status, error->>'type', error->>'detail' FROM {}")
    rows = database.execute(query.format(sql.Identifier(table))).fetchall()
    stored = {run for run, *_ in rows}
    verdict.lost += [f"{table} {run}" for run in told - stored]
    verdict.doubled += [f"{table} {run}, which nobody was told of" for run in stored - told]
    verdict.ended.update(f"{table} {status}" for _, status, *_ in rows)
    verdict.astray += [
        f"{table} {run} failed: {slug} {detail}"
        for run, status, slug, detail in rows
        if status == "failed" and slug not in TOLERATED
    ]


async def _no_orphans(verdict: Verdict, database: psycopg.Connection, queries: tuple[LiteralString, ...]) -> None:
    """A job is put away a moment after its run has ended; every other count is zero at once."""
    deadline = time.monotonic() + END_SECONDS / 6
    for query in queries:
        while (count := _one(database, query)) and time.monotonic() < deadline:  # noqa: ASYNC110  polls
            await asyncio.sleep(0.2)
        verdict.astray += [f"{count} of: {query}"] * bool(count)


def _effects(verdict: Verdict, planner: psycopg.Connection, forecast: psycopg.Connection) -> None:
    """A run that succeeded has its effect once."""
    _once(
        verdict,
        "ledger entry of plan",
        planner.execute("SELECT id::text FROM plans WHERE status = 'succeeded'").fetchall(),
        planner.execute("SELECT subject FROM ledger_entries WHERE action = 'plan'").fetchall(),
    )
    _once(
        verdict,
        "model version of training",
        forecast.execute("SELECT id::text FROM training_runs WHERE status = 'succeeded'").fetchall(),
        forecast.execute("SELECT training_run::text FROM model_versions").fetchall(),
    )


def _once(verdict: Verdict, what: str, wanted: list[Any], found: list[Any]) -> None:
    counts = Counter(row[0] for row in found)
    verdict.lost += [f"{what} {run}" for (run,) in wanted if not counts[run]]
    verdict.doubled += [f"{what} {run}: {count} times" for run, count in counts.items() if count > 1]


def _decisions(verdict: Verdict, planner: psycopg.Connection, history: History) -> None:
    """Each note that was acknowledged is in the ledger once, none that was refused, one decision a version."""
    entries = [
        (action, subject, json.loads(content)["body"])
        for action, subject, content in planner.execute("SELECT action, subject, content FROM ledger_entries")
    ]
    notes = Counter(body["note"] for *_, body in entries if body.get("note"))
    verdict.lost += [note for note, taken in history.notes.items() if taken and not notes[note]]
    verdict.doubled += [note for note, count in notes.items() if count > history.notes.get(note, False)]
    made = Counter((subject, body["before"]["version"]) for action, subject, body in entries if action in DECISIONS)
    verdict.doubled += [f"decisions on {place}" for place, count in made.items() if count > 1]


async def _demand(verdict: Verdict, client: Client) -> None:
    stored: dict[tuple[str, str], float] = {}
    cursor: dict[str, str] = {}
    while True:
        page = (await client.call("GET", "/demand", params={"limit": 1000} | cursor)).json()
        stored |= {(row["item"], row["period"]): row["quantity"] for row in page["items"]}
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    told = client.history.demand
    verdict.lost += [f"demand {place}" for place, quantity in told.items() if stored.get(place) != quantity]
    verdict.doubled += [f"demand {place}, which nobody was told of" for place in stored.keys() - told.keys()]


async def _master_data(verdict: Verdict, client: Client) -> None:
    for item, cost in client.history.items.items():
        [stored] = (await client.call("GET", "/items", params={"item": item})).json()["items"]
        verdict.lost += [f"{item} at {cost}"] * (float(stored["unit_cost"]) != cost)


def _one(database: psycopg.Connection, query: LiteralString) -> int:
    row = database.execute(query).fetchone()
    return int(row[0]) if row else 0
