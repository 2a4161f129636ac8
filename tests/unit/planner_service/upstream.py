"""A forecast service over real HTTP, as far as the planner reads it: it answers what a test tells it to."""

import datetime
import io
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"
MONDAY = datetime.date(2026, 3, 2)
LEVELS = (0.1, 0.5, 0.9)
FORECAST = UUID("01900000-0000-7000-8000-000000000001")
NO_FORECAST = {
    "type": "/docs/errors#no-forecast",
    "title": "No forecast",
    "status": 404,
    "detail": "POST forecasts makes one.",
    "instance": "f" * 32,
    "retryable": False,
}


def week(number: int) -> datetime.date:
    return MONDAY + datetime.timedelta(weeks=number)


def values(series: dict[tuple[str, str], tuple[float, ...]], periods: int = 8) -> pa.Table:
    """For each item-location the three quantiles of every period; the mean is the middle one."""
    rows = [
        {"item": item, "location": location, "period": week(step), "mean": quantiles[1], "dependence": 0.3}
        | {f"q{level:g}": quantile for level, quantile in zip(LEVELS, quantiles, strict=True)}
        for (item, location), quantiles in series.items()
        for step in range(periods)
    ]
    names = ["item", "location", "period", "mean", *(f"q{level:g}" for level in LEVELS), "dependence"]
    return pa.Table.from_pylist(rows).select(names)


def demand(series: dict[tuple[str, str], float], periods: int = 13) -> pa.Table:
    rows = [
        {"item": item, "location": location, "period": week(-step), "quantity": quantity, "in_stock": True}
        for (item, location), quantity in series.items()
        for step in range(1, periods + 1)
    ]
    schema = {"item": pa.string(), "location": pa.string(), "period": pa.date32(), "quantity": pa.float64()}
    return pa.Table.from_pylist(rows, pa.schema(schema | {"in_stock": pa.bool_()}))


def items(**described: dict[str, object]) -> pa.Table:
    """Items by their codes; `uom` is unit where nothing else is told."""
    kinds = {"item": pa.string(), "category": pa.string(), "uom": pa.string()}
    kinds |= {"unit_price": pa.float64(), "shelf_life_days": pa.int64()}
    rows = [{"item": item, "uom": "unit"} | told for item, told in described.items()]
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


class Upstream:
    """answers: by the path's end, a status with a body, or a function of the handler that writes the answer itself."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes] | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, object]] = []  # of POST forecasts, which answers "what-if"
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def forecasts(self, table: pa.Table, history: pa.Table, **meta: object) -> None:
        """Serve one forecast under its id and as the latest."""
        usual = {"id": str(FORECAST), "status": "succeeded", "stage": "champion", "model_version": 3}
        described = json.dumps(usual | meta).encode()
        self.answers |= {
            "forecasts/latest": (200, described),
            f"forecasts/{FORECAST}": (200, described),
            f"forecasts/{FORECAST}/values": (200, arrow(table)),
            "demand": (200, arrow(history)),
        }
        self.answers.setdefault("items", (200, arrow(items())))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("/", 4)[4].partition("?")[0]
                upstream.calls[path] += 1
                upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = upstream.answers.get(path, (404, json.dumps(NO_FORECAST).encode()))
                if callable(answer):
                    answer(self)
                    return
                status, body = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                upstream.headers.append({name.lower(): value for name, value in self.headers.items()})
                upstream.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, body = upstream.answers["what-if"]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
