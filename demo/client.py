"""A small client of the API, as an integrator would write it."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import urllib3

POLL_SECONDS = 0.5


class Client:
    """Calls below one area with one key; exits with the problem's own words where a call is refused."""

    def __init__(self, url: str, key: str, area: str | None = None) -> None:
        self.url = url
        self.key = key
        self.prefix = f"/v1/areas/{area}" if area else "/v1"
        self._http = urllib3.PoolManager(retries=urllib3.Retry(connect=3, read=0, backoff_factor=0.2))

    def request(
        self, method: str, path: str, *, body: Any = None, csv: str | None = None, headers: Mapping[str, str] = {}
    ) -> urllib3.BaseHTTPResponse:
        content = csv.encode() if csv is not None else json.dumps(body).encode() if body is not None else None
        media = "text/csv" if csv is not None else "application/json"
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        if content is not None:
            sent["Content-Type"] = media
        return self._http.request(method, self.url + self.prefix + path, body=content, headers=sent, timeout=120)

    def call(self, method: str, path: str, **how: Any) -> Any:
        """The answer's JSON; a problem ends the demo with its title and detail."""
        answer = self.request(method, path, **how)
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {_problem(answer)}")
        return answer.json() if answer.data else None

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def version(self, path: str) -> dict[str, str]:
        """The `If-Match` header for a change of what is at `path`."""
        return {"If-Match": self.request("GET", path).headers["ETag"]}

    def table(self, method: str, path: str, texts: Iterable[str]) -> int:
        """Send CSV texts; returns how many rows were new or changed."""
        counts = [self.call(method, path, csv=text) for text in texts]
        return sum(count["created"] + count["updated"] for count in counts)

    def run(self, path: str, body: Any, title: str) -> Any:
        """Start a run and show its progress until it is over."""
        started = time.monotonic()
        answer = self.request("POST", path, body=body)
        if answer.status != 202:
            raise SystemExit(f"POST {path}: {answer.status} {_problem(answer)}")
        where = answer.headers["Location"].removeprefix(self.prefix)
        shown = ""
        while (run := self.get(where))["status"] in {"queued", "running"}:
            progress = run["progress"]
            shown = show(f"  {title}: {progress['done']}/{progress['total']} {progress['unit']}", shown)
            time.sleep(POLL_SECONDS)
        if run["status"] != "succeeded":
            raise SystemExit(f"\n{title} {run['status']}: {run['error'] and run['error']['detail']}")
        show(f"  {title}: done in {time.monotonic() - started:.0f} s\n", shown)
        return run


def show(line: str, shown: str) -> str:
    """Print a progress line over the last one on a terminal, or, elsewhere, once per change."""
    if sys.stdout.isatty():
        print("\r\033[K" + line, end="", flush=True)
    elif line != shown:
        print(line.rstrip("\n"), flush=True)
    return line


def _problem(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        problem = answer.json()
        return f"{problem['title']}: {problem['detail']} {problem.get('errors', '')}"
    except (ValueError, KeyError):
        return answer.data.decode(errors="replace")[:500]
