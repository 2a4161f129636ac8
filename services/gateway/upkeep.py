"""What a gateway process does beside the calls that it takes."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

log = logging.getLogger(__name__)


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    """Do something each so many seconds, until cancelled. What fails is logged, and tried again."""
    while True:
        await asyncio.sleep(seconds * random.uniform(0.9, 1.1))  # noqa: S311  processes apart from each other
        try:
            await do()
        except Exception:
            log.exception("upkeep failed")


@asynccontextmanager
async def beside(work: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Carry all of it out as long as the block lasts."""
    tasks = [asyncio.create_task(one) for one in work]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
