"""Why a forecast is what it is, and why it differs from the one before: by driver family, in units.

The learned mean has a log link, so exact TreeSHAP adds up on the log scale and families multiply. Logarithmic-mean
weights turn log effects into units that sum to the forecast whatever the order of causes. Sources: Lundberg et al.
(2020) for TreeSHAP; Ang (2005), The LMDI approach to decomposition analysis; Ang and Liu (2007) for zeros.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Cells, Floats, Ints
from services.forecast.engine.cross_section import CrossSection
from services.forecast.engine.features import FeatureBuilder
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.segments import segments

STATISTICS, CALIBRATION = "statistics", "calibration"  # causes beside the families: the blend, the class's correction
DATA_REVISION, MODEL_VERSION = "data_revision", "model_version"  # and those of a change only
_LEVEL = "recent_demand"  # the family that a series' level belongs to
_SMALL = 1e-9  # stands for a forecast of 0, which has no logarithm


@dataclass(frozen=True)
class Explanation:
    """Of r forecasts `mean` [r] in units: `base` [r], the level alone, and the log effect `logs` [r, C] of `causes`.

    Series-major like the forecast. A series that never sold has base, mean and effects 0; one without history is
    forecast from its peers, which leaves nothing to explain: NaN.
    """

    causes: tuple[str, ...]
    base: Floats
    logs: Floats
    mean: Floats

    @classmethod
    def joined(cls, parts: Sequence["Explanation"]) -> "Explanation":
        """Of a whole panel from those of its parts, in order."""
        base, logs, mean = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("base", "logs", "mean")
        )
        return cls(parts[0].causes, base, logs, mean)

    @property
    def units(self) -> Floats:
        """What each cause adds to the base, [r, C]; base and causes sum to the mean."""
        return _in_units(self.base, self.mean, self.logs)


@dataclass(frozen=True)
class Change:
    """Of r forecasts, from `before` to `after` [r]: what each of `causes` added, `units` [r, C]."""

    causes: tuple[str, ...]
    before: Floats
    after: Floats
    units: Floats


def explain(model: Model, panel: Panel, chosen: Ints, whole: CrossSection | None = None) -> Explanation:
    """Explain what `model` forecasts for the `chosen` series (ascending indexes, [m]) of `panel`: r = m x H.

    `whole` is what all series tell together, where `panel` is a part of a larger one.
    """
    builder = FeatureBuilder(model.recipe.fit_to(panel), model.recipe.codes, whole)
    grid = Cells.grid(len(chosen), len(panel.periods) - 1, panel.horizon)
    rows = builder.build(Cells(np.asarray(chosen)[grid.series], grid.origin, grid.horizon))
    segment = segments(panel.demand[chosen])[grid.series]
    mean, _ = model.predict(rows, builder, segment)
    effects = model.mean.effects(builder.columns(model.feature_names, rows.matrix))
    families = tuple(dict.fromkeys(model.families.values()))
    member = np.array([families.index(family) for family in model.families.values()])
    logs = np.stack([effects[:, :-1][:, member == number].sum(axis=1) for number in range(len(families))], axis=1)
    base = rows.scale * np.exp(effects[:, -1])
    calibration = np.log(model.correction.factor)[segment]
    statistics = np.log(mean / base) - logs.sum(axis=1) - calibration
    logs = np.column_stack([logs, statistics, calibration])
    silent = np.isnan(rows.scale)
    nothing = np.where((~np.isnan(panel.demand)).any(axis=1), 0, np.nan)[rows.cells.series]
    return Explanation(
        (*families, STATISTICS, CALIBRATION),
        base=np.where(silent, nothing, base),
        logs=np.where(silent[:, None], nothing[:, None], logs),
        mean=np.where(silent, nothing, mean),
    )


def change(before: Explanation, restated: Explanation, now: Explanation, after: Floats) -> Change:
    """Explain why forecasts of the same r cells changed; causes sum to the difference.

    All by the model of `before`: `restated` from the same origin with history as it is known today, `now` from
    today's origin. `after` [r] is what today's model says.
    """
    steps = [np.maximum(mean, _SMALL) for mean in (before.mean, restated.mean, now.mean, after)]
    revision, news, version = (np.log(then / first) for first, then in itertools.pairwise(steps))
    logs = now.logs - restated.logs
    logs[:, before.causes.index(_LEVEL)] += news - logs.sum(axis=1)
    units = _in_units(before.mean, after, np.column_stack([logs, revision, version]))
    return Change((*before.causes, DATA_REVISION, MODEL_VERSION), before.mean, after, units)


def _in_units(start: Floats, end: Floats, logs: Floats) -> Floats:
    """Share out end - start [r] by `logs` [r, C], whose sum is the log of end / start."""
    total = np.log(np.maximum(end, _SMALL) / np.maximum(start, _SMALL))
    still = np.abs(total) < _SMALL
    weight = np.where(still, end, (end - start) / np.where(still, 1, total))
    units: Floats = logs * weight[:, None]
    return units
