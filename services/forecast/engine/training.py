"""From a panel to a model: fit on all history, then learn from held-out blocks how far off that would be."""

from collections.abc import Callable

import numpy as np

from services.forecast.engine.boosting import Fit
from services.forecast.engine.calibration import Correction, HeldOut, learn_correction, try_heads
from services.forecast.engine.cells import Floats, TooShort, Watch
from services.forecast.engine.dependence import dependence
from services.forecast.engine.distribution import fit_head, head_features
from services.forecast.engine.features import FeatureBuilder, Rows
from services.forecast.engine.mean import MeanModel
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.recipe import Recipe
from services.forecast.engine.sampling import Block, cut_blocks, held_out_cells, training_cells
from services.forecast.engine.segments import segments


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
    between steps and boosting rounds. Raises Cancelled, and TooShort where no period follows a sale.
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
        cells = training_cells(self.builder.history, self.panel.horizon, self.rng)
        if not len(cells):
            raise TooShort("no series has a known period after its first sale")
        cuts = cut_blocks(self.builder.history, cells, self.panel.horizon)
        total = len(cuts) + 4
        self.how.watch.step(0, total, "features")
        rows = self.builder.build(cells)
        self.how.watch.step(1, total, "mean")
        mean = MeanModel.fit(rows.matrix, rows.target, self.how)
        held_out = []
        for number, block in enumerate(cuts):
            self.how.watch.step(2 + number, total, "held-out block")
            held_out.append(self._hold_out(rows, block))
        self.how.watch.step(total - 2, total, "distribution")
        model = self._finish(mean, held_out)
        self.how.watch.step(total, total, "trained")
        return model

    def _hold_out(self, rows: Rows, block: Block) -> HeldOut:
        """Cells of one block with the mean of a model that has seen nothing after its cut."""
        before = rows.take(rows.cells.target <= block.cut)
        mean_then = MeanModel.fit(before.matrix, before.target, self.how)
        cells = held_out_cells(self.builder.history, block, self.panel.horizon, self.rng)
        test = self.builder.build(cells)
        mean = mean_then.predict(test.matrix)
        segment_then = segments(self.panel.demand[:, : block.cut + 1])
        return HeldOut(
            features=head_features(self.builder.spread_columns(test.matrix), mean, test.scale),
            target=test.target,
            mean=mean,
            scale=test.scale,
            series=cells.series,
            origin=cells.origin,
            step=cells.horizon,
            segment=segment_then[cells.series],
        )

    def _finish(self, mean: MeanModel, blocks: list[HeldOut]) -> Model:
        whole = HeldOut.joined(blocks)
        trial = try_heads(blocks, self.how)
        correction = learn_correction(blocks, trial, self.panel.horizon)
        return Model(
            recipe=self.recipe,
            families=self.builder.families,
            mean=mean,
            head=fit_head(trial.name, whole.features, whole.target, whole.mean, self.how),
            head_name=trial.name,
            correction=correction,
            dependence=self._dependence(whole, correction, trial.quantiles),
        )

    def _dependence(self, whole: HeldOut, correction: Correction, quantiles: Floats) -> Floats:
        """Correlation by demand class, from the stretches that were held out in one piece."""
        rows = whole.stretches(self.panel.horizon)
        corrected = correction.quantiles(quantiles[rows.ravel()], whole.step[rows.ravel()], whole.segment[rows.ravel()])
        mean = correction.mean(whole.mean, whole.segment)
        return dependence(
            whole.target[rows],
            mean[rows],
            corrected.reshape(*rows.shape, -1),
            whole.segment[rows[:, 0]],
            self.how.seed,
        )
