"""Blocks and groups of a plan on a Dask cluster, with the numbers that one process gives.

Workers run the same image; processors of the same kind give the same bits.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, Future

from services.planner.engine.plan import Spread

AHEAD = 2  # calls on their way for each thread of the cluster: none waits, and they do not pile up


@contextmanager
def cluster(scheduler: str) -> Iterator[Spread]:
    """What carries out calls on the workers of a `scheduler` (tcp://host:port), results in their order."""
    with Client(scheduler, set_as_default=False) as client:

        def spread[R](task: Callable[..., R], calls: Iterable[tuple[Any, ...]]) -> Generator[R]:
            most = AHEAD * max(sum(client.nthreads().values()), 1)
            waiting = deque[Future]()
            for call in calls:
                waiting.append(client.submit(task, *call, pure=False))
                if len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        yield spread
