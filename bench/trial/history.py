"""What clients sent and what they were told."""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx2

PATIENCE_SECONDS = 90.0
AGAIN_SECONDS = 0.1
RUNS = ("plans", "forecasts", "training-runs", "imports")
REPLAYED = "idempotency-replayed"


class Over(Exception):  # noqa: N818
    """The clients have worked long enough."""


@dataclass
class History:
    """What was acknowledged, by kind. A call counts once it has an answer that is no 5xx.

    demand: quantity by (item, period). notes: whether the decision that carries it was taken. items: the last unit
    cost of each. runs: the ids of each kind. surprises: answers that nobody should get. over: clients stop after the
    call that they are at.
    """

    demand: dict[tuple[str, str], float] = field(default_factory=dict)
    notes: dict[str, bool] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    runs: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in RUNS})
    surprises: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    over: bool = False

    @property
    def acknowledged(self) -> int:
        """Writes that were acknowledged, those of the same item's costs together."""
        runs = sum(map(len, self.runs.values()))
        return len(self.demand) + sum(self.notes.values()) + len(self.items) + runs


class Client:
    """Calls below one area, each until it is answered: where an answer stays out, again with the same key."""

    def __init__(self, url: str, key: str, area: str, history: History) -> None:
        self.area = area
        self.history = history
        self._http = httpx2.AsyncClient(
            base_url=f"{url}/v1/areas/{area}", headers={"Authorization": f"Bearer {key}"}, timeout=20
        )

    async def call(
        self, method: str, path: str, *, expected: Iterable[int] = (200,), **request: Any
    ) -> httpx2.Response:
        """The answer. One with a status that is not expected is noted as a surprise."""
        if method == "POST":
            request["headers"] = {"Idempotency-Key": uuid.uuid4().hex} | request.get("headers", {})
        answer = await self._answered(method, path, request)
        self.history.counts["replayed"] += REPLAYED in answer.headers
        if answer.status_code not in set(expected):
            self.history.surprises.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer

    async def rest(self, seconds: float) -> None:
        """Think about the next call. Raises Over where there is to be none."""
        if self.history.over:
            raise Over
        await asyncio.sleep(seconds)

    async def _answered(self, method: str, path: str, request: dict[str, Any]) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await self._http.request(method, path, **request)
                if answer.status_code < 500 and not _in_progress(answer):
                    return answer
                told = answer.text
            except httpx2.TransportError as error:
                told = repr(error)
            self.history.counts["sent_again"] += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} got no answer in {PATIENCE_SECONDS:.0f} s; last: {told}")
            await asyncio.sleep(AGAIN_SECONDS * (0.5 + random.random()))  # noqa: S311  no secret


def _in_progress(answer: httpx2.Response) -> bool:
    return answer.status_code == 409 and answer.json()["type"].endswith("#in-progress")
