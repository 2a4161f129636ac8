"""Blocks and groups of a plan on a Dask cluster, with the numbers that one process gives.

Workers run the same image; processors of the same kind give the same bits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from distributed import Client

from services.planner.engine.plan import Spread
from shared.cluster import spread


@contextmanager
def cluster(scheduler: str) -> Iterator[Spread]:
    """What carries out calls on the workers of a `scheduler` (tcp://host:port), results in their order."""
    with Client(scheduler, set_as_default=False) as client:
        yield partial(spread, client)
