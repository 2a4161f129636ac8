"""A forecast or its explanation on a Dask cluster, block of series by block, with the numbers that one process gives.

Blocks are those of `Model.forecast`, and what all series tell together is added up in their order. Blocks stay with the
workers between the two passes. Workers run the same image; processors of the same kind give the same bits.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from distributed import Client, Future

from services.forecast.engine.cells import Ints
from services.forecast.engine.cross_section import CrossSection, Tally, blocks, rivals
from services.forecast.engine.explanation import Explanation
from services.forecast.engine.explanation import explain as explain_part
from services.forecast.engine.model import Forecast, Model
from services.forecast.engine.panel import Panel

AHEAD = 2  # blocks on their way for each thread of the cluster: none waits, and they do not pile up

type Files = Mapping[str, bytes]


def forecast(files: Files, panel: Panel, scheduler: str) -> Forecast:
    """Forecast `panel` with the model of `files` on the workers of the `scheduler` (tcp://host:port)."""
    model = Model.from_files(files)
    return model.reconcile(panel, model.joined(panel, _by_block(_forecast, files, panel, scheduler)))


def explain(files: Files, panel: Panel, scheduler: str) -> Explanation:
    """Explain the forecast of every series of `panel`, likewise."""
    return Explanation.joined(_by_block(_explain, files, panel, scheduler))


def _by_block[R](
    task: Callable[[Files, Panel, CrossSection], R], files: Files, panel: Panel, scheduler: str
) -> list[R]:
    cuts, groups = list(blocks(*panel.demand.shape)), rivals(panel.series)
    with Client(scheduler, set_as_default=False) as client:
        model = client.scatter(dict(files), broadcast=True)
        parts = list(zip(cuts, [client.scatter(panel.take(rows)) for rows in cuts], strict=True))
        whole = CrossSection.gathered(
            groups, _spread(client, _tally, ((model, part, groups[at]) for at, part in parts))
        )
        return list(_spread(client, task, ((model, part, whole.take(at)) for at, part in parts)))


def _spread(client: Client, task: Callable[..., Any], calls: Iterable[Sequence[Any]]) -> Iterator[Any]:
    """Results of `task` in the order of its `calls`."""
    most = AHEAD * max(sum(client.nthreads().values()), 1)
    waiting = deque[Future]()
    for call in calls:
        waiting.append(client.submit(task, *call, pure=False))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _tally(files: Files, part: Panel, groups: Ints) -> Tally:
    return Model.from_files(files, threads=1).tally(part, groups)


def _forecast(files: Files, part: Panel, whole: CrossSection) -> Forecast:
    return Model.from_files(files, threads=1).part(part, whole)


def _explain(files: Files, part: Panel, whole: CrossSection) -> Explanation:
    return explain_part(Model.from_files(files, threads=1), part, np.arange(len(part.series)), whole)
