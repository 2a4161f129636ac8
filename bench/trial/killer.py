"""A trial: clients at work, and processes that die at random moments."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.trial.history import History
from bench.trial.load import prepare, pressing
from bench.trial.system import APIS, WORKERS, System
from bench.trial.verdict import Verdict, judge

START_SECONDS = 60
PAUSES = (0.2, 1.2)  # seconds between a restart and the next kill
KINDS = ("everything", "postgres", "api", "gateway", "worker", "postgres")


@dataclass(frozen=True)
class Outcome:
    """restart_seconds: by what was killed, from each kill until the gateway called itself ready again."""

    restart_seconds: dict[str, list[float]]
    history: History
    verdict: Verdict
    seconds: float


def trial(place: Path, kills: int, seed: int) -> Outcome:
    """Run Accord in `place` under load, kill something `kills` times, then judge."""
    began = time.monotonic()
    with System(place) as system:
        return asyncio.run(_trial(system, kills, random.Random(seed), began))  # noqa: S311  no secret


async def _trial(system: System, kills: int, chance: random.Random, began: float) -> Outcome:
    history = History()
    await ready(system)
    writes, plans = await prepare(system, history)
    restarts: dict[str, list[float]] = {}
    async with pressing(writes, plans):
        for kind, victims in _victims(system, kills, chance):
            await asyncio.sleep(chance.uniform(*PAUSES))
            restarts.setdefault(kind, []).append(await _kill(system, victims))
    verdict = await judge(system, history)
    return Outcome(restarts, history, verdict, time.monotonic() - began)


async def _kill(system: System, victims: tuple[str, ...]) -> float:
    """Kill and start again what died, as an orchestrator would; seconds until all is ready."""
    began = time.monotonic()
    system.kill(victims)
    system.start(victims)
    await ready(system)
    return time.monotonic() - began


def _victims(system: System, kills: int, chance: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """Every kind as often as the others, in random order."""
    single = {"postgres": ("postgres",), "api": APIS[1:], "gateway": APIS[:1], "worker": WORKERS}
    kinds = [KINDS[number % len(KINDS)] for number in range(kills)]
    chance.shuffle(kinds)
    return [(kind, system.names if kind == "everything" else (chance.choice(single[kind]),)) for kind in kinds]


async def ready(system: System) -> None:
    """Wait until the gateway says that everything is there."""
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(base_url=system.url, timeout=5) as client:
        while time.monotonic() < deadline:
            try:
                if (await client.get("/v1/health/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise TimeoutError(f"not ready after {START_SECONDS} seconds")
