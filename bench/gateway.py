"""What passing the gateway costs: requests per second through it over straight to the service, and added latency.

The services are stand-ins that answer 1 KB from one process: a bare ASGI application in the place of the forecast
service, the same as a FastAPI route in the place of the planner service. The gateway is the real one, with its
database, and every call is authenticated. Load comes from wrk, whose own ceiling is measured against a server that
sends a fixed answer to whatever arrives.
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
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from starlette.types import Receive, Scope, Send

from bench.report import Goal, report
from bench.stack import await_answer, call
from services.embedded import postgres
from services.embedded.directory import DataDirectory
from services.embedded.environment import HOST, Surroundings, free_ports

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 32
FEW_CONNECTIONS = 4
ANSWER = b"x" * 1024
FIXED = b"HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n" + ANSWER
PATHS = {"bare": "/v1/areas/bench/items", "route": "/v1/areas/bench/inventory"}
AREA = {"area": "bench", "frequency": "W", "currency": "USD", "time_zone": "UTC"}
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}

GOALS = (
    Goal("ratio_bare", "at_least", 0.10),
    Goal("ratio_route", "at_least", 0.33),
    Goal("added_p50_ms", "at_most", 2),
)


def bare() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """A service as an ASGI application and nothing else."""

    async def answer(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # noqa: S101
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"1024")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})

    return answer


def route() -> FastAPI:
    """A service as a FastAPI route."""
    app = FastAPI()

    @app.get("/v1/areas/{area}/inventory")
    async def inventory(area: str) -> Response:  # noqa: ARG001
        return Response(ANSWER, media_type="application/octet-stream")

    return app


class Fixed(asyncio.Protocol):
    """A server that reads nothing: as fast as wrk can be shown to be."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        self._transport.write(FIXED)


async def serve_fixed(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Fixed, HOST, port)
    await server.serve_forever()


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    per_second: float
    p50_ms: float


@dataclass(frozen=True)
class Bench:
    """The servers by name, and the key to the gateway."""

    ports: Mapping[str, int]
    key: str

    def load(self, server: str, path: str, connections: int) -> Load:
        """Let wrk press on one server. Raises where an answer is not 2xx: speed is not measured on errors."""
        url = f"http://{HOST}:{self.ports[server]}{path}"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
        header = ["-H", f"Authorization: Bearer {self.key}"]
        told = subprocess.run([*command, *header, url], check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in told or "Socket errors" in told:
            raise RuntimeError(f"{server} did not answer well:\n{told}")
        rate, median = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"50%\s+([\d.]+)(us|ms|s)", told)
        assert rate and median  # noqa: S101, PT018
        return Load(float(rate[1]), float(median[1]) * MILLISECONDS[median[2]])

    def round(self) -> dict[str, float]:
        """Straight and through, one after the other, so that whatever else the machine does hits both."""
        figures: dict[str, float] = {}
        for name, path in PATHS.items():
            straight, through = self.load(name, path, CONNECTIONS), self.load("gateway", path, CONNECTIONS)
            figures[f"{name}_per_second"] = straight.per_second
            figures[f"gateway_to_{name}_per_second"] = through.per_second
            figures[f"ratio_{name}"] = through.per_second / straight.per_second
        straight, through = (self.load(name, PATHS["bare"], FEW_CONNECTIONS) for name in ("bare", "gateway"))
        return figures | {"added_p50_ms": through.p50_ms - straight.p50_ms}


def main() -> int:
    if shutil.which("wrk") is None:
        print("This bench needs wrk: apt-get install wrk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place, _started(Path(place)) as bench:
        ceiling = bench.load("fixed", "/", CONNECTIONS).per_second
        bench.round()  # the first is to warm up
        rounds = [bench.round() for _ in range(ROUNDS)]
    figures = {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}
    return report(figures | {"wrk_ceiling_per_second": ceiling}, GOALS)


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Bench]:
    directory = DataDirectory(place)
    ports = dict(zip(("gateway", "bare", "route", "fixed"), free_ports(4), strict=True))
    with postgres.running(place) as server, contextlib.ExitStack() as processes:
        here = Surroundings(directory, server, ports | {"forecast": ports["bare"], "planner": ports["route"]})
        service = [sys.executable, "-m", "services.gateway"]
        subprocess.run([*service, "migrate"], check=True, env=here.of_migration("gateway"))
        commands = {name: _upstream(name, ports[name]) for name in PATHS}
        commands["gateway"] = [*service, "serve", "--port", str(ports["gateway"])]
        commands["fixed"] = [sys.executable, "-m", "bench.gateway", str(ports["fixed"])]
        for command in commands.values():
            process = processes.enter_context(subprocess.Popen(command, env=here.of("gateway")))
            processes.callback(process.terminate)
        key = directory.credentials.api_key("admin")
        for port in ports.values():
            await_answer(port)
        call(ports["gateway"], key, "POST", "/v1/areas", json.dumps(AREA).encode())
        yield Bench(ports, key)


def _upstream(name: str, port: int) -> list[str]:
    options = ["--factory", "--port", str(port), "--no-access-log", "--log-level", "warning", "--lifespan", "off"]
    return [sys.executable, "-m", "uvicorn", f"bench.gateway:{name}", *options]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve_fixed(int(sys.argv[1])))
    sys.exit(main())
