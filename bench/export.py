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
from bench.stack import Process, Stack, started
from services.embedded.environment import HOST
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion, TrainingRun
from shared.db import Database, psycopg_connection
from shared.media import ARROW, CSV, NDJSON, PARQUET
from shared.principal import HEADER, Area, Principal, Signer

SERIES, PERIODS = 30_000, 28
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ROUNDS = 7
MEGABYTE = 1e6
PROFILE = {"area": "bench", "frequency": "W", "currency": "USD", "time_zone": "UTC"}
AREA = Area("bench", "W", 52, 28, LEVELS, "USD", "UTC", 1, Decimal(1), Decimal(1))
FORMATS = {"arrow": ARROW, "csv": CSV, "ndjson": NDJSON, "parquet": PARQUET}
COPY = "COPY forecast_series (forecast_id, item, location, mean, quantiles, dependence) FROM STDIN (FORMAT binary)"

GOALS = (Goal("ratio_arrow", "at_least", 0.6), Goal("growth_mib", "at_most", 64))


@dataclass(frozen=True)
class Bench:
    """A stack and the API process of its forecast service."""

    stack: Stack
    api: Process

    def straight(self, run: UUID, media: str) -> float:
        path = _path(run)
        who = Principal("bench", "bench", frozenset({"admin"}), AREA)
        signer = Signer("forecast", self.api.environment["ACCORD_IDENTITY_SECRET"])
        return _rate(self.api.port, path, {HEADER: signer.sign(who, "GET", path)}, media)

    def through(self, run: UUID, media: str) -> float:
        return _rate(self.stack.port, _path(run), {"Authorization": f"Bearer {self.stack.key}"}, media)

    def peak(self, run: UUID, media: str) -> float:
        """MiB that the API process held at most while it sent a forecast."""
        self.api.forget_peak()
        self.straight(run, media)
        return self.api.peak_mib()


def main() -> int:
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
        bench = Bench(stack, stack.process("forecast", "serve"))
        database = Database(bench.api.environment["ACCORD_DATABASE_URL"])
        whole, tenth = _stored(database, SERIES), _stored(database, SERIES // 10)
        database.dispose()
        bench.straight(whole, ARROW)  # the first is to warm up
        figures = {name: value for kind, media in FORMATS.items() for name, value in _speed(bench, whole, kind, media)}
        growth = {kind: _growth(bench, whole, tenth, media) for kind, media in FORMATS.items()}
    figures |= {f"growth_{kind}_mib": value for kind, value in growth.items()}
    return report(figures | {"growth_mib": max(growth.values())}, GOALS)


def _speed(bench: Bench, run: UUID, kind: str, media: str) -> Iterator[tuple[str, float]]:
    """Medians over rounds, straight and through one after the other, so that what else the machine does hits both."""
    rounds = [(bench.straight(run, media), bench.through(run, media)) for _ in range(ROUNDS if media == ARROW else 3)]
    yield f"service_{kind}_mb_per_second", round(statistics.median(straight for straight, _ in rounds), 1)
    yield f"gateway_{kind}_mb_per_second", round(statistics.median(through for _, through in rounds), 1)
    yield f"ratio_{kind}", round(statistics.median(through / straight for straight, through in rounds), 3)


def _growth(bench: Bench, whole: UUID, tenth: UUID, media: str) -> float:
    """How much more the process holds at its peak for the whole than for a tenth of it: medians over rounds."""
    bench.peak(tenth, media)
    least, most = (statistics.median(bench.peak(run, media) for _ in range(3)) for run in (tenth, whole))
    return round(most - least, 1)


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


def _stored(database: Database, series: int) -> UUID:
    """A forecast with numbers as a model makes them, put straight into the tables."""
    periods = [datetime.date(2026, 1, 5) + datetime.timedelta(weeks=week) for week in range(PERIODS)]
    numbers = np.random.default_rng(series)
    mean = numbers.gamma(2, 20, (series, PERIODS)).astype(np.float32).astype(float)
    quantiles = np.sort(numbers.gamma(2, 20, (series, PERIODS, len(LEVELS))).astype(np.float32), axis=2).astype(float)
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
    return stored


if __name__ == "__main__":
    sys.exit(main())
