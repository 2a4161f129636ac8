"""Calls on a Dask cluster, with results in their order. Its package is an extra: only who wants it imports this."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence

from distributed import Client, Future

AHEAD = 2  # calls on their way for each thread of the cluster: none waits, and they do not pile up


def spread[R](client: Client, task: Callable[..., R], calls: Iterable[Sequence[object]]) -> Generator[R]:
    """Results of `task` in the order of its `calls`."""
    most = AHEAD * max(sum(client.nthreads().values()), 1)
    waiting = deque[Future]()
    for call in calls:
        waiting.append(client.submit(task, *call, pure=False))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
