"""The forecast service as plan runs see it: through the gateway, with the planner's own key.

Reads are repeated a few times with back-off and jitter. What stays away becomes `Unavailable`, so that the job comes
back later; what the forecast service refuses becomes the plan's own error, word for word.
"""

import io
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import urllib3

from shared import errors, observe
from shared.media import ARROW, JSON

CONNECT_SECONDS = 3
READ_SECONDS = 5
MOST_PROBLEM_BYTES = 100_000
PIECE_BYTES = 1 << 20
POLL_SECONDS = 0.5
OVER = {"succeeded", "failed", "cancelled"}
RETRIES = urllib3.Retry(
    total=2,
    allowed_methods={"GET"},
    status_forcelist={429, 502, 503, 504},
    backoff_factor=0.5,
    backoff_jitter=0.5,
    backoff_max=5,
    raise_on_status=False,
    respect_retry_after_header=False,
    redirect=0,
)


class Refused(errors.Problem):
    """The forecast service's own problem, told as the plan's."""

    def __init__(self, upstream: Mapping[str, Any]) -> None:
        super().__init__(f"The forecast service answered: {upstream['detail']}")
        self.upstream = upstream

    def document(self, instance: str | None) -> dict[str, Any]:
        """The upstream's problem, with this run's request id."""
        return {**self.upstream, "detail": self.detail, "instance": instance}


class ForecastClient:
    """seconds: for one answer, its body included. `beat` is called while a body comes in; what it raises ends it."""

    def __init__(self, gateway_url: str, key: str, seconds: float) -> None:
        self._areas = f"{gateway_url}/v1/areas"
        self._key = key
        self._seconds = seconds
        self._pool = urllib3.PoolManager(retries=RETRIES)

    def forecast(self, area: str, name: str) -> dict[str, Any]:
        """A forecast run by its id or `latest`."""
        with self._ask("GET", area, f"forecasts/{name}", JSON) as answer:
            body: dict[str, Any] = json.loads(self._read(answer))
            return body

    def what_if(
        self, area: str, base: str, overlays: list[dict[str, Any]], key: str, beat: Callable[[], None]
    ) -> dict[str, Any]:
        """The forecast `base` with overlays, once it is made; with the same `key` it is the same one again."""
        body = {"base": base, "overlays": overlays}
        with self._ask("POST", area, "forecasts", JSON, json=body, headers={"Idempotency-Key": key}) as answer:
            made: dict[str, Any] = json.loads(self._read(answer))
        deadline = time.monotonic() + self._seconds
        while made["status"] not in OVER:
            if time.monotonic() > deadline:
                raise errors.Unavailable("The forecast service did not make the what-if in time.")
            beat()
            time.sleep(POLL_SECONDS)
            made = self.forecast(area, made["id"])
        if made["status"] != "succeeded":
            raise Refused(made["error"]) if made["error"] else errors.Conflict(f"The what-if was {made['status']}.")
        return made

    def values(self, area: str, forecast: str, beat: Callable[[], None]) -> pa.Table:
        """item, location, period, mean, one column per quantile (`q0.1`), dependence."""
        return self._table(area, f"forecasts/{forecast}/values", beat)

    def demand(self, area: str, first: str, beat: Callable[[], None]) -> pa.Table:
        """item, location, period, quantity, in_stock, from the period `first` on."""
        return self._table(area, f"demand?from={first}", beat)

    def items(self, area: str, beat: Callable[[], None]) -> pa.Table:
        """item, category, uom, unit_price and shelf_life_days, beside what else is known of items."""
        return self._table(area, "items", beat)

    def _table(self, area: str, path: str, beat: Callable[[], None]) -> pa.Table:
        deadline = time.monotonic() + self._seconds
        with self._ask("GET", area, path, ARROW) as answer:
            try:
                with pa.ipc.open_stream(_Body(answer, deadline, beat)) as reader:
                    return reader.read_all()
            except (urllib3.exceptions.HTTPError, pa.ArrowInvalid, OSError) as error:
                raise errors.Unavailable("The forecast service's answer broke off.") from error

    def _ask(
        self, method: str, area: str, path: str, accept: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> urllib3.BaseHTTPResponse:
        usual = {"Authorization": f"Bearer {self._key}", "Accept": accept}
        try:
            answer = self._pool.request(
                method,
                f"{self._areas}/{area}/{path}",
                headers={**usual, **_trace(), **(headers or {})},
                **more,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=min(READ_SECONDS, self._seconds)),
            )
        except urllib3.exceptions.HTTPError as error:
            raise errors.Unavailable("The forecast service cannot be reached through the gateway.") from error
        if answer.status not in {200, 202}:
            with answer:
                raise self._problem(answer)
        return answer

    def _problem(self, answer: urllib3.BaseHTTPResponse) -> errors.Problem:
        if answer.status in RETRIES.status_forcelist or answer.status >= 500:  # noqa: PLR2004
            return errors.Unavailable(f"The forecast service answers {answer.status}.")
        try:
            upstream = json.loads(self._read(answer))
            return Refused({name: upstream[name] for name in ("type", "title", "status", "detail", "retryable")})
        except (ValueError, KeyError, TypeError):
            return errors.Unavailable(f"The forecast service answers {answer.status} and does not say why.")

    def _read(self, answer: urllib3.BaseHTTPResponse, most: int = MOST_PROBLEM_BYTES) -> bytes:
        try:
            return answer.read(most)
        except urllib3.exceptions.HTTPError as error:
            raise errors.Unavailable("The forecast service's answer broke off.") from error


class _Body(io.RawIOBase):
    """An answer's body as it comes in, until the deadline."""

    def __init__(self, answer: urllib3.BaseHTTPResponse, deadline: float, beat: Callable[[], None]) -> None:
        self._answer = answer
        self._deadline = deadline
        self._beat = beat

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end."""
        body = bytearray()
        while size < 0 or len(body) < size:
            if time.monotonic() > self._deadline:
                raise errors.Unavailable("The forecast service did not finish its answer in time.")
            self._beat()
            piece = self._answer.read1(PIECE_BYTES if size < 0 else min(size - len(body), PIECE_BYTES))
            if not piece:
                break
            body += piece
        return bytes(body)


def _trace() -> dict[str, str]:
    """The plan request's trace id, so that one search finds both services' logs."""
    request_id = observe.request_id()
    return {"traceparent": f"00-{request_id}-{secrets.token_hex(8)}-01"} if request_id else {}
