"""From a panel to a model: fit on all history, then learn from held-out blocks how far off that would be."""

from collections.abc import Callable

import numpy as np

from services.forecast.engine.blend import Blend
from services.forecast.engine.boosting import Fit
from services.forecast.engine.calibration import HeldOut, try_heads
from services.forecast.engine.cells import QUANTILES, Cells, Floats, TooShort, Watch
from services.forecast.engine.correction import Correction
from services.forecast.engine.dependence import dependence
from services.forecast.engine.distribution import fit_head
from services.forecast.engine.features import FeatureBuilder, Rows
from services.forecast.engine.mean import MeanModel
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.recipe import Recipe
from services.forecast.engine.sampling import (
    BLOCK_BUDGET,
    TRAINING_BUDGET,
    Block,
    cut_blocks,
    held_out_cells,
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
            held_out.append(self._hold_out(block, *blocks[2 * number : 2 * number + 2]))
        self.how.watch.step(total - 2, total, "distribution")
        # Two or three periods leave nothing to hold out: errors on the training cells are all there is.
        usable = [block for block in held_out if block] or [self._judged(rows, mean, last)]
        model = self._finish(mean, usable)
        self.how.watch.step(total, total, "trained")
        return model

    def _rows(self, cells: Cells, cuts: list[Block]) -> list[Rows]:
        """Features of `cells`, then of each block's training and its held-out cells: one pass through history."""
        history, horizon = self.builder.history, self.panel.horizon
        parts = [cells]
        for block in cuts:
            parts.append(training_cells(history, horizon, block.cut, BLOCK_BUDGET, self.rng))
            parts.append(held_out_cells(history, block, horizon, self.rng))
        rows, ends = self.builder.build(Cells.joined(*parts)), np.cumsum([len(part) for part in parts])
        return [rows.take(slice(end - len(part), end)) for part, end in zip(parts, ends, strict=True)]

    def _hold_out(self, block: Block, before: Rows, tested: Rows) -> HeldOut | None:
        """Cells of one block with the mean of a model that has seen nothing after its cut."""
        if not len(before) or not len(tested):
            return None
        mean_then = MeanModel.fit(before.matrix, before.target, self.how)
        return self._judged(tested, mean_then, block.cut)

    def _judged(self, rows: Rows, model: MeanModel, known_until: int) -> HeldOut:
        mean, cells = model.predict(rows.matrix), rows.cells
        segment = segments(self.panel.demand[:, : known_until + 1])
        return HeldOut(
            spread=self.builder.spread_columns(rows.matrix),
            target=rows.target,
            mean=mean,
            members=rows.members,
            scale=rows.scale,
            series=cells.series,
            origin=cells.origin,
            step=cells.horizon,
            segment=segment[cells.series],
        )

    def _finish(self, mean: MeanModel, blocks: list[HeldOut]) -> Model:
        blend = Blend.learn(blocks)
        blocks = [block.with_mean(blend.mean(block.mean, block.members, block.segment)) for block in blocks]
        whole = HeldOut.joined(blocks)
        trial = try_heads(blocks, self.how)
        correction = Correction.learn(blocks, trial, self.panel.horizon)
        return Model(
            recipe=self.recipe,
            families=self.builder.families,
            mean=mean,
            blend=blend,
            head=fit_head(trial.name, whole.features, whole.target, whole.mean, self.how),
            head_name=trial.name,
            correction=correction,
            dependence=self._dependence(whole, correction, trial.quantiles),
        )

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
