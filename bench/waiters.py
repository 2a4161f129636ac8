"""What two hundred waiting callers cost everybody else: p99 of a GET through the gateway with and without them.

The gateway and the forecast service are the real ones, on their databases; no worker runs, so that the training run
that all wait for stays queued. A hundred callers hold `Prefer: wait`, sent again whenever it comes back, a hundred
follow the run's events. Load comes from wrk, on few connections: what is measured is time, not capacity.
"""

import asyncio
import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.gateway import AREA, MILLISECONDS
from bench.report import Goal, report
from bench.stack import await_answer, call
from services.embedded import postgres
from services.embedded.directory import DataDirectory
from services.embedded.environment import HOST, Surroundings, free_ports

ROUNDS = 7
SECONDS = 4
CONNECTIONS = 4
WAITERS = 100
PATIENCE_SECONDS = 60
RUNS = "/v1/areas/bench/training-runs"
READ = "/v1/areas/bench/items"

GOALS = (Goal("ratio_p99", "at_most", 1.25),)


@dataclass(frozen=True)
class Bench:
    """The gateway's port, the key to it, and the run that stays queued."""

    port: int
    key: str
    run: str

    def p99_ms(self) -> float:
        """Of GETs of a short list. Raises where an answer is not 2xx."""
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency"]
        header = ["-H", f"Authorization: Bearer {self.key}"]
        url = f"http://{HOST}:{self.port}{READ}"
        told = subprocess.run([*command, *header, url], check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in told or "Socket errors" in told:
            raise RuntimeError(f"the gateway did not answer well:\n{told}")
        slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
        assert slow  # noqa: S101
        return float(slow[1]) * MILLISECONDS[slow[2]]

    def round(self) -> dict[str, float]:
        """Without and with, one after the other, so that whatever else the machine does hits both."""
        without = self.p99_ms()
        with waiting(self):
            among = self.p99_ms()
        return {"p99_ms": without, "p99_ms_among_waiters": among, "ratio_p99": among / without}


@contextlib.contextmanager
def waiting(bench: Bench) -> Iterator[None]:
    """All waiters wait as long as the block lasts."""
    loop = asyncio.new_event_loop()
    crowd = Crowd(bench)
    thread = threading.Thread(target=loop.run_until_complete, args=(crowd.wait(),))
    thread.start()
    if not crowd.complete.wait(PATIENCE_SECONDS):
        raise RuntimeError("the waiters did not come together")
    yield
    loop.call_soon_threadsafe(crowd.leave.set)
    thread.join()
    loop.close()


class Crowd:
    """Callers that wait for one run. complete: all of them do. leave: set it to let them go."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.complete = threading.Event()
        self.leave = asyncio.Event()

    async def wait(self) -> None:
        authorization = {"Authorization": f"Bearer {self._bench.key}"}
        connector = aiohttp.TCPConnector(limit=0)
        url = f"http://{HOST}:{self._bench.port}"
        async with aiohttp.ClientSession(url, headers=authorization, connector=connector) as session:
            tasks = [asyncio.create_task(self._hold(session)) for _ in range(WAITERS)]
            async with contextlib.AsyncExitStack() as streams:
                tasks += [await self._follow(session, streams) for _ in range(WAITERS)]
                self.complete.set()
                await self.leave.wait()
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in ended if not isinstance(each, asyncio.CancelledError)]
        if faults:
            raise RuntimeError(f"{len(faults)} waiters did not wait: {faults[0]!r}")

    async def _hold(self, session: aiohttp.ClientSession) -> None:
        while True:
            async with session.get(self._bench.run, headers={"Prefer": "wait=25"}) as answer:
                answer.raise_for_status()
                await answer.read()

    async def _follow(self, session: aiohttp.ClientSession, streams: contextlib.AsyncExitStack) -> asyncio.Task[None]:
        stream = await streams.enter_async_context(session.get(f"{self._bench.run}/events"))
        stream.raise_for_status()
        while not (await stream.content.readline()).startswith(b"data: "):
            pass
        return asyncio.create_task(self._read(stream))

    async def _read(self, stream: aiohttp.ClientResponse) -> None:
        async for _ in stream.content:
            pass


def main() -> int:
    if shutil.which("wrk") is None:
        print("This bench needs wrk: apt-get install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place, _started(Path(place)) as bench:
        bench.round()  # the first is to warm up
        rounds = [bench.round() for _ in range(ROUNDS)]
    figures: dict[str, Any] = {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}
    return report(figures | {"waiters": 2 * WAITERS}, GOALS)


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Bench]:
    directory = DataDirectory(place)
    ports = dict(zip(("gateway", "forecast", "planner"), free_ports(3), strict=True))
    with postgres.running(place) as server, contextlib.ExitStack() as processes:
        here = Surroundings(directory, server, ports)
        for service in ("forecast", "gateway"):
            command = [sys.executable, "-m", f"services.{service}"]
            subprocess.run([*command, "migrate"], check=True, env=here.of_migration(service))
            serve = [*command, "serve", "--port", str(ports[service])]
            process = processes.enter_context(subprocess.Popen(serve, env=here.of(service)))
            processes.callback(process.terminate)
            await_answer(ports[service])
        key = directory.credentials.api_key("admin")
        call(ports["gateway"], key, "POST", "/v1/areas", json.dumps(AREA).encode())
        yield Bench(ports["gateway"], key, _queued(ports["gateway"], key))


def _queued(port: int, key: str) -> str:
    """The path of a training run that nobody carries out."""
    run = call(port, key, "POST", RUNS, json.dumps({"reason": "bench"}).encode())
    return f"{RUNS}/{run['id']}"


if __name__ == "__main__":
    sys.exit(main())
