"""A forecast or its explanation on a Dask cluster, block of series by block, with the numbers that one process gives.

Blocks are those of `Model.forecast`, and what all series tell together is added up in their order. Blocks stay with the
workers between the two passes. Workers run the same image; processors of the same kind give the same bits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from distributed import Client

from services.forecast.engine.cells import Ints
from services.forecast.engine.cross_section import CrossSection, Tally, blocks, rivals
from services.forecast.engine.explanation import Explanation, explain_part
from services.forecast.engine.model import Forecast, Model
from services.forecast.engine.panel import Panel
from services.forecast.models import artifacts
from shared.cluster import spread

MOST_MODELS = 4  # that a worker's process keeps


@dataclass(frozen=True)
class Packed:
    """A model's files, told from others by their digest."""

    digest: str
    files: Mapping[str, bytes] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Cluster:
    """The workers of a `scheduler` (tcp://host:port), which do what `model`, whose files are `files`, does alone."""

    scheduler: str
    model: Model
    files: Mapping[str, bytes]

    def forecast(self, panel: Panel) -> Forecast:
        """As `Model.forecast`."""
        return self.model.reconcile(panel, self.model.joined(panel, self._by_block(_forecast, panel)))

    def explain(self, panel: Panel) -> Explanation:
        """As the engine's `explain_all`."""
        return Explanation.joined(self._by_block(_explain, panel))

    def _by_block[R](self, task: Callable[[Packed, Panel, CrossSection], R], panel: Panel) -> list[R]:
        cuts, groups = list(blocks(*panel.demand.shape)), rivals(panel.series)
        with Client(self.scheduler, set_as_default=False) as client:
            model = client.scatter(Packed(artifacts.digest(self.files), self.files), broadcast=True)
            parts = list(zip(cuts, [client.scatter(panel.take(rows)) for rows in cuts], strict=True))
            whole = CrossSection.gathered(
                groups, spread(client, _tally, ((model, part, groups[at]) for at, part in parts))
            )
            return list(spread(client, task, ((model, part, whole.take(at)) for at, part in parts)))


@lru_cache(MOST_MODELS)
def _model(packed: Packed) -> Model:
    """Loaded once in each process of a worker."""
    return Model.from_files(packed.files, threads=1)


def _tally(packed: Packed, part: Panel, groups: Ints) -> Tally:
    return _model(packed).tally(part, groups)


def _forecast(packed: Packed, part: Panel, whole: CrossSection) -> Forecast:
    return _model(packed).part(part, whole)


def _explain(packed: Packed, part: Panel, whole: CrossSection) -> Explanation:
    return explain_part(_model(packed), part, whole)
