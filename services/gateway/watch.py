"""Ends a call that nobody waits for any more, or that stands still."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

GRACE = 0.05


class Gone(Exception):  # noqa: N818
    """The caller has closed the connection."""


class Watch:
    """A block that ends with Gone when the caller leaves, with TimeoutError when nothing moved for `patience` seconds.

    abandoned: returns when the caller has left. The watch begins after `GRACE` seconds: most calls are over by then
    and cost one timer.
    """

    def __init__(self, abandoned: Callable[[], Awaitable[None]], patience: float) -> None:
        self._abandoned = abandoned
        self._patience = patience
        self._watcher: asyncio.Task[None] | None = None
        self._fault: Gone | TimeoutError | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._block = asyncio.current_task()
        self._begin = self._loop.call_later(GRACE, self._start)
        self.moved()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: object) -> None:
        self._begin.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if kind is asyncio.CancelledError and self._fault is not None and self._block is not None:
            self._block.uncancel()
            raise self._fault from None

    def moved(self) -> None:
        """Something went up or came down: patience begins anew."""
        self._last = self._loop.time()

    def _start(self) -> None:
        self._watcher = asyncio.create_task(self._run())

    async def _run(self) -> None:
        leaving = asyncio.ensure_future(self._abandoned())
        try:
            while not leaving.done() and (left := self._last + self._patience - self._loop.time()) > 0:
                await asyncio.wait({leaving}, timeout=left)
            self._fault = Gone() if leaving.done() else TimeoutError()
        finally:
            leaving.cancel()
        if self._block is not None:
            self._block.cancel()
