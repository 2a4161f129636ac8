"""A small client of the API, as an integrator would write it."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import urllib3

PARQUET = "application/vnd.apache.parquet"
SHOWN_EVERY = {"Prefer": "wait=1"}
QUIET_SECONDS = 5


class Client:
    """Calls below one area with one key; exits with the problem's own words where a call is refused."""

    def __init__(self, url: str, key: str, area: str | None = None) -> None:
        self.url = url
        self.key = key
        self.prefix = f"/v1/areas/{area}" if area else "/v1"
        self._http = urllib3.PoolManager(retries=urllib3.Retry(connect=3, read=0, backoff_factor=0.2))

    def request(
        self, method: str, path: str, *, body: Any = None, parquet: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> urllib3.BaseHTTPResponse:
        content = json.dumps(body).encode() if parquet is None and body is not None else parquet
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        if content is not None:
            sent["Content-Type"] = "application/json" if parquet is None else PARQUET
        return self._http.request(method, self.url + self.prefix + path, body=content, headers=sent, timeout=120)

    def call(self, method: str, path: str, **how: Any) -> Any:
        """The answer's JSON; a problem ends the demo with its title and detail."""
        answer = self._granted(method, path, **how)
        return answer.json() if answer.data else None

    def get(self, path: str, **how: Any) -> Any:
        return self.call("GET", path, **how)

    def version(self, path: str) -> dict[str, str]:
        """The `If-Match` header for a change of what is at `path`."""
        return {"If-Match": self.request("GET", path).headers["ETag"]}

    def table(self, method: str, path: str, title: str, **rows: Any) -> int:
        """Send a table; returns how many rows were new or changed. A large one is an import, whose end is awaited."""
        answer = self._granted(method, path, **rows)
        counts = self._end(answer, title) if answer.status == 202 else answer.json()
        return int(counts["created"] + counts["updated"])

    def run(self, path: str, body: Any, title: str) -> Any:
        """Start a run and show its progress until it is over."""
        return self._end(self._granted("POST", path, body=body), title)

    def _granted(self, method: str, path: str, **how: Any) -> urllib3.BaseHTTPResponse:
        answer = self.request(method, path, **how)
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {_problem(answer)}")
        return answer

    def _end(self, answer: urllib3.BaseHTTPResponse, title: str) -> Any:
        """What was started, once it is over."""
        progress = Progress()
        where = answer.headers["Location"].removeprefix(self.prefix)
        while (run := self.get(where, headers=SHOWN_EVERY))["status"] in {"queued", "running"}:
            now = run["progress"]
            progress.show(
                f"{title}: {now['done']}/{now['total']} {now['unit']}" if now["total"] else f"{title}: queued"
            )
        if run["status"] != "succeeded":
            raise SystemExit(f"\n{title} {run['status']}: {run['error'] and run['error']['detail']}")
        progress.end(f"{title}: done in {progress.seconds:.0f} s")
        return run


class Progress:
    """One line that tells how far a step is: rewritten on a terminal, elsewhere printed now and then."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._printed = -float(QUIET_SECONDS)
        self._last = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def show(self, line: str) -> None:
        if sys.stdout.isatty():
            print(f"\r\033[K  {line}", end="", flush=True)
        elif line != self._last and self.seconds - self._printed >= QUIET_SECONDS:
            print(f"  {line}", flush=True)
            self._printed = self.seconds
        self._last = line

    def end(self, line: str) -> None:
        print(f"\r\033[K  {line}" if sys.stdout.isatty() else f"  {line}", flush=True)


def _problem(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        problem = answer.json()
        return f"{problem['title']}: {problem['detail']} {problem.get('errors', '')}"
    except (ValueError, KeyError):
        return answer.data.decode(errors="replace")[:500]
