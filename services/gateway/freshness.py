"""What was read lately need not be read again: the cache under every forwarded call."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Fresh[K, V]:
    """Values no older than `seconds`. Concurrent callers of one key share one read; what is absent is not remembered.

    Holds at most `most` values; when full it starts anew, which costs one read a key.
    """

    def __init__(self, read: Callable[[K], Awaitable[V | None]], seconds: float, *, most: int = 10_000) -> None:
        self._read = read
        self._seconds = seconds
        self._most = most
        self._values: dict[K, tuple[float, V]] = {}
        self._reads: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K) -> V | None:
        """The value, read where none is fresh; None where there is none. Errors of the read are the caller's."""
        held = self._values.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = asyncio.create_task(self._refresh(key))
        return await asyncio.shield(reading)

    def forget(self) -> None:
        """Read everything anew; a read that is under way is not kept, for it may have seen the state before."""
        self._values.clear()
        self._reads.clear()

    async def _refresh(self, key: K) -> V | None:
        until = time.monotonic() + self._seconds
        me = asyncio.current_task()
        self._values.pop(key, None)
        try:
            value = await self._read(key)
            if value is not None and self._reads.get(key) is me:
                self._keep(key, until, value)
            return value
        finally:
            if self._reads.get(key) is me:
                del self._reads[key]

    def _keep(self, key: K, until: float, value: V) -> None:
        if len(self._values) >= self._most:
            self._values.clear()
        self._values[key] = (until, value)
