"""How fast a forecast leaves, and that the process which sends it does not grow with it.

A forecast of 30,000 item-locations, 28 periods and 11 quantiles lies in the database of a real stack. Its values are
read whole: straight from the forecast service, with an identity signed as the gateway signs it, and through the
gateway, in turns.
"""

import contextlib
import datetime
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import numpy as np

from bench.report import Goal, report
from bench.start import KIBIBYTES, await_ready, children, free_port
from services.embedded.directory import DataDirectory
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion, TrainingRun
from shared.db import Database, psycopg_connection
from shared.media import ARROW, CSV, NDJSON, PARQUET
from shared.principal import HEADER, Area, Principal, Signer

SERIES, PERIODS = 30_000, 28
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ROUNDS = 7
STOP_SECONDS = 30
MEGABYTE = 1e6
HOST = "127.0.0.1"
PROFILE = {"area": "bench", "frequency": "W", "currency": "USD", "time_zone": "UTC"}
AREA = Area("bench", "W", 52, 28, LEVELS, "USD", "UTC", 1, Decimal(1), Decimal(1))
FORMATS = {"arrow": ARROW, "csv": CSV, "ndjson": NDJSON, "parquet": PARQUET}
COPY = "COPY forecast_series (forecast_id, item, location, mean, quantiles, dependence) FROM STDIN (FORMAT binary)"

GOALS = (Goal("ratio_arrow", "at_least", 0.6), Goal("growth_mib", "at_most", 64))


@dataclass(frozen=True)
class Stack:
    """The processes of a running stack. ports, secret, database: of the forecast service; pid: of its API process."""

    gateway: int
    key: str
    service: int
    secret: str
    database: str
    pid: int

    def straight(self, run: UUID, media: str) -> float:
        path = _path(run)
        who = Principal("bench", "bench", frozenset({"admin"}), AREA)
        return _rate(self.service, path, {HEADER: Signer("forecast", self.secret).sign(who, "GET", path)}, media)

    def through(self, run: UUID, media: str) -> float:
        return _rate(self.gateway, _path(run), {"Authorization": f"Bearer {self.key}"}, media)

    def peak(self, run: UUID, media: str) -> float:
        """MiB that the API process held at most while it sent a forecast."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins anew: proc_pid_clear_refs(5)
        self.straight(run, media)
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / KIBIBYTES


def main() -> int:
    with tempfile.TemporaryDirectory() as place, _started(Path(place, "data")) as stack:
        _post(stack, "/v1/areas", PROFILE)
        whole, tenth = _stored(stack, SERIES), _stored(stack, SERIES // 10)
        stack.straight(whole, ARROW)  # the first is to warm up
        figures = {name: value for kind, media in FORMATS.items() for name, value in _speed(stack, whole, kind, media)}
        growth = {kind: _growth(stack, whole, tenth, media) for kind, media in FORMATS.items()}
    figures |= {f"growth_{kind}_mib": value for kind, value in growth.items()}
    return report(figures | {"growth_mib": max(growth.values())}, GOALS)


def _speed(stack: Stack, run: UUID, kind: str, media: str) -> Iterator[tuple[str, float]]:
    """Medians over rounds, straight and through one after the other, so that what else the machine does hits both."""
    rounds = [(stack.straight(run, media), stack.through(run, media)) for _ in range(ROUNDS if media == ARROW else 3)]
    yield f"service_{kind}_mb_per_second", round(statistics.median(straight for straight, _ in rounds), 1)
    yield f"gateway_{kind}_mb_per_second", round(statistics.median(through for _, through in rounds), 1)
    yield f"ratio_{kind}", round(statistics.median(through / straight for straight, through in rounds), 3)


def _growth(stack: Stack, whole: UUID, tenth: UUID, media: str) -> float:
    """How much more the process holds at its peak for the whole than for a tenth of it."""
    stack.peak(tenth, media)
    least = stack.peak(tenth, media)
    return round(stack.peak(whole, media) - least, 1)


def _path(run: UUID) -> str:
    return f"/v1/areas/{AREA.area}/forecasts/{run}/values"


def _rate(port: int, path: str, headers: Mapping[str, str], media: str) -> float:
    """Megabytes per second of one answer, read to its end."""
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    with contextlib.closing(connection):
        began = time.perf_counter()
        connection.request("GET", path, headers={**headers, "Accept": media})
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path} answered {answer.status}: {answer.read()!r}")
        size, buffer = 0, bytearray(1 << 20)
        while count := answer.readinto(buffer):
            size += count
        return size / MEGABYTE / (time.perf_counter() - began)


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Stack]:
    port = free_port()
    command = [sys.executable, "-m", "services", "--port", str(port), "--data-dir", str(place)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as stack:
        try:
            await_ready(stack, port)
            pid, words = next(found for found in map(_child, children(stack.pid)) if _serves_forecasts(found[1]))
            settings = dict(line.split("=", 1) for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line)
            yield Stack(
                gateway=port,
                key=DataDirectory(place).credentials.api_key("admin"),
                service=int(words[words.index("--port") + 1]),
                secret=settings["ACCORD_IDENTITY_SECRET"],
                database=settings["ACCORD_DATABASE_URL"],
                pid=pid,
            )
        finally:
            stack.terminate()
            stack.wait(STOP_SECONDS)


def _child(pid: int) -> tuple[int, list[str]]:
    return pid, Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def _serves_forecasts(words: list[str]) -> bool:
    return "services.forecast" in words and "serve" in words


def _stored(stack: Stack, series: int) -> UUID:
    """A forecast with numbers as a model makes them, put straight into the tables."""
    periods = [datetime.date(2026, 1, 5) + datetime.timedelta(weeks=week) for week in range(PERIODS)]
    numbers = np.random.default_rng(series)
    mean = numbers.gamma(2, 20, (series, PERIODS)).astype(np.float32).astype(float)
    quantiles = np.sort(numbers.gamma(2, 20, (series, PERIODS, len(LEVELS))).astype(np.float32), axis=2).astype(float)
    database = Database(stack.database)
    with database.write() as session:
        common = {"area": AREA.area, "requested_by": "bench", "status": "succeeded", "seed": 7}
        profile = {"frequency": "W", "season_length": 52, "horizon": PERIODS}
        training = TrainingRun(**common, **profile, reason="bench", origins=3)
        session.add(training)
        session.flush()
        told = {"dataset_digest": "d", "artifact_digest": "a", "code_version": "c", "mlflow_run": "r", "seed": 7}
        model = {"version": series, "last_period": periods[0], "features": [], "metrics": {}}
        session.add(ModelVersion(area=AREA.area, training_run=training.id, **profile, **told, **model))
        session.flush()
        shape = {"horizon": PERIODS, "periods": periods, "quantiles": list(LEVELS), "series_count": series}
        run = Forecast(**common, **shape, model_version=series, origin=periods[0])
        session.add(run)
        session.flush()
        with psycopg_connection(session).cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types(("uuid", "text", "text", "float8[]", "float8[]", "float8"))
            for number in range(series):
                levels = quantiles[number].ravel().tolist()
                codes = (f"item-{number // 30:05}", f"L{number % 30:02}")
                copy.write_row((run.id, *codes, mean[number].tolist(), levels, 0.5))
        stored: UUID = run.id
    database.dispose()
    return stored


def _post(stack: Stack, path: str, body: Mapping[str, str]) -> None:
    connection = http.client.HTTPConnection(HOST, stack.gateway, timeout=10)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {stack.key}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.CREATED:
            raise RuntimeError(f"POST {path} answered {answer.status}: {answer.read()!r}")


if __name__ == "__main__":
    sys.exit(main())
