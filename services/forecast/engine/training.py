"""From a panel to a model: fit on all history, then learn from held-out blocks how far off that would be."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from services.forecast.engine.blend import Blend
from services.forecast.engine.boosting import Fit
from services.forecast.engine.calibration import HeldOut, try_heads
from services.forecast.engine.cells import QUANTILES, Cells, Floats, TooShort, Watch
from services.forecast.engine.correction import Correction
from services.forecast.engine.dependence import dependence
from services.forecast.engine.distribution import fit_head
from services.forecast.engine.features import FeatureBuilder, Rows
from services.forecast.engine.hierarchy import Hierarchy
from services.forecast.engine.hierarchy_learning import learn
from services.forecast.engine.levels import levels
from services.forecast.engine.mean import MeanModel
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.recipe import Recipe
from services.forecast.engine.rehearsal import Rehearsal
from services.forecast.engine.sampling import (
    BLOCK_BUDGET,
    TRAINING_BUDGET,
    Block,
    cut_blocks,
    held_out_cells,
    rehearsal_cells,
    training_cells,
)
from services.forecast.engine.segments import segments

_LEAST_CELLS = 12  # pairs of an origin and a later known period


def train(
    panel: Panel,
    *,
    seed: int = 7,
    threads: int = 2,
    progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Model:
    """Train both stages on all of `panel`'s history; the same inputs and seed give the same model.

    `threads` has no influence on the result. `progress` hears (done, total, what); `cancelled` is asked
    between steps and boosting rounds. Raises Cancelled, and TooShort where hardly a period follows a sale.
    """
    return _Training(panel, Fit(seed, threads, Watch(progress, cancelled))).run()


class _Training:
    def __init__(self, panel: Panel, how: Fit) -> None:
        self.panel, self.how = panel, how
        self.rng = np.random.default_rng(how.seed)
        self.recipe = Recipe.of(panel)
        self.builder = FeatureBuilder(panel, self.recipe.codes)
        self.segment = segments(panel.demand)

    def run(self) -> Model:
        history, horizon, last = self.builder.history, self.panel.horizon, len(self.panel.periods) - 1
        cells = training_cells(history, horizon, last, TRAINING_BUDGET, self.rng)
        if len(cells) < _LEAST_CELLS:
            raise TooShort(f"only {len(cells)} periods follow a first sale; {_LEAST_CELLS} are needed to learn from")
        cuts = cut_blocks(history, horizon)
        total = len(cuts) + 4
        self.how.watch.step(0, total, "features")
        rows, *blocks = self._rows(cells, cuts)
        self.how.watch.step(1, total, "mean")
        mean = MeanModel.fit(rows.matrix, rows.target, self.how)
        held_out = []
        for number, block in enumerate(cuts):
            self.how.watch.step(2 + number, total, "held-out block")
            held_out.append(self._hold_out(block, *blocks[3 * number : 3 * number + 3]))
        self.how.watch.step(total - 2, total, "distribution")
        # Two or three periods leave nothing to hold out: errors on the training cells are all there is.
        pairs = [pair for pair in held_out if pair]
        usable = [block for block, _ in pairs] or [self._judged(rows, mean, last)]
        model = self._finish(mean, usable, [grid for _, grid in pairs if len(grid.mean)])
        self.how.watch.step(total, total, "trained")
        return model

    def _rows(self, cells: Cells, cuts: list[Block]) -> list[Rows]:
        """Features of `cells`, then of each block's training, held-out and rehearsed cells: one pass over history."""
        history, horizon = self.builder.history, self.panel.horizon
        parts = [cells]
        for block in cuts:
            parts.append(training_cells(history, horizon, block.cut, BLOCK_BUDGET, self.rng))
            parts.append(held_out_cells(history, block, horizon, self.rng))
            parts.append(rehearsal_cells(history, block, horizon, len(cuts)))
        rows, ends = self.builder.build(Cells.joined(*parts)), np.cumsum([len(part) for part in parts])
        return [rows.take(slice(end - len(part), end)) for part, end in zip(parts, ends, strict=True)]

    def _hold_out(self, block: Block, before: Rows, tested: Rows, grid: Rows) -> tuple[HeldOut, HeldOut] | None:
        """Cells of one block, and its rehearsal, with the mean of a model that has seen nothing after its cut."""
        if not len(before) or not len(tested):
            return None
        mean_then = MeanModel.fit(before.matrix, before.target, self.how)
        return self._judged(tested, mean_then, block.cut), self._judged(grid, mean_then, block.cut)

    def _judged(self, rows: Rows, model: MeanModel, known_until: int) -> HeldOut:
        segment = segments(self.panel.demand[:, : known_until + 1])
        learned, spread = model.predict(rows.matrix), self.builder.spread_columns(rows.matrix)
        return HeldOut.of(rows, learned, spread, segment[rows.cells.series])

    def _finish(self, mean: MeanModel, blocks: list[HeldOut], grids: list[HeldOut]) -> Model:
        blend = Blend.learn(blocks)
        blocks = [block.with_mean(blend.mean(block.mean, block.members, block.segment)) for block in blocks]
        whole = HeldOut.joined(blocks)
        trial = try_heads(blocks, self.how)
        correction = Correction.learn(blocks, trial, self.panel.horizon)
        model = Model(
            recipe=self.recipe,
            families=self.builder.families,
            mean=mean,
            blend=blend,
            head=fit_head(trial.name, whole.features, whole.target, whole.mean, self.how),
            head_name=trial.name,
            correction=correction,
            dependence=self._dependence(whole, correction, trial.quantiles),
            hierarchy=Hierarchy.none(),
        )
        rehearsals = [self._rehearsed(model, grid) for grid in grids]
        found = levels(self.panel.series)
        return replace(model, hierarchy=learn(found, self.builder.history, self.panel.season, rehearsals))

    def _rehearsed(self, model: Model, grid: HeldOut) -> Rehearsal:
        """What the finished stages would have said at the origin of `grid`, whose means are the learned ones."""
        shape = (len(self.panel.series), -1)
        mean, quantiles = model.finish(grid)
        demand, told = (grid.target * grid.scale).reshape(shape), mean.reshape(shape)
        steps = grid.step.reshape(shape)[0]
        return Rehearsal.of(int(grid.origin[0]), steps, demand, told, quantiles.reshape(*told.shape, len(QUANTILES)))

    def _dependence(self, whole: HeldOut, correction: Correction, quantiles: Floats) -> Floats:
        """Correlation by demand class, from the longest stretches that were held out in one piece."""
        rows = whole.stretches(int(whole.step.max()))
        cells = rows.ravel()
        corrected = correction.quantiles(quantiles[cells], whole.step[cells], whole.segment[cells])
        return dependence(
            whole.target[rows],
            correction.mean(whole.mean, whole.segment)[rows],
            corrected.reshape(*rows.shape, len(QUANTILES)),
            whole.segment[rows[:, 0]],
            self.how.seed,
        )
