"""Why a forecast is what it is, and why it differs from the one before: by driver family, in units.

The learned mean has a log link, so exact TreeSHAP adds up on the log scale and families multiply. Logarithmic-mean
weights turn log effects into units that sum to the forecast whatever the order of causes. Sources: Lundberg et al.
(2020) for TreeSHAP; Ang (2005), The LMDI approach to decomposition analysis; Ang and Liu (2007) for zeros.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.forecast.engine.cells import Bools, Cells, Floats, Ints
from services.forecast.engine.cross_section import CrossSection, blocks
from services.forecast.engine.features import FeatureBuilder
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.engine.segments import segments

STATISTICS, CALIBRATION = "statistics", "calibration"  # causes beside the families: the blend, the class's correction
SHOCK, RECONCILIATION = "shock", "reconciliation"  # what was done to the model's mean after it was told
DATA_REVISION, MODEL_VERSION = "data_revision", "model_version"  # and those of a change only
_LEVEL = "recent_demand"  # the family that a series' level belongs to
_SMALL = 1e-9  # stands for a forecast of 0, which has no logarithm
ROUNDING = 1e-6  # of a logarithm: features and trees count in single precision


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

    @property
    def explained(self) -> Bools:
        """Whether there is anything to tell of each forecast, [r]."""
        return ~np.isnan(self.base)

    def brought_to(self, mean: Floats, cause: str) -> "Explanation":
        """The same of `mean` [r], which `cause` made of the mean so far; what is only rounding is no cause."""
        effect, mean = _log(mean) - _log(self.mean), np.where(self.explained, mean, np.nan)
        if (np.abs(effect) < ROUNDING).all():
            logs = self.logs.copy()
            logs[:, self.causes.index(STATISTICS)] += effect
            return replace(self, logs=logs, mean=mean)
        return replace(self, causes=(*self.causes, cause), logs=np.column_stack([self.logs, effect]), mean=mean)

    def take(self, rows: Ints) -> "Explanation":
        return Explanation(self.causes, self.base[rows], self.logs[rows], self.mean[rows])

    def effect(self, cause: str) -> Floats:
        """Log effect [r] of one cause, 0 where it is none of the causes."""
        if cause not in self.causes:
            return np.zeros(len(self.mean))
        found: Floats = self.logs[:, self.causes.index(cause)]
        return found


@dataclass(frozen=True)
class Change:
    """Of r forecasts, from `before` to `after` [r]: what each of `causes` added, `units` [r, C]."""

    causes: tuple[str, ...]
    before: Floats
    after: Floats
    units: Floats


class Explainer:
    """Explains what `model` forecasts for series of `panel`, whose features are built once for all of them.

    whole: what all series tell together, where the panel is a part of a larger one.
    """

    def __init__(self, model: Model, panel: Panel, whole: CrossSection | None = None) -> None:
        self.model = model
        self.panel = panel
        self.builder = FeatureBuilder(model.recipe.fit_to(panel), model.recipe.codes, whole)
        self.rows = self.builder.build(Cells.grid(len(panel.series), len(panel.periods) - 1, panel.horizon))

    def explain(self, chosen: Ints) -> Explanation:
        """Explain the forecasts of the `chosen` series (indexes, [m]): r = m x H."""
        model, builder, panel = self.model, self.builder, self.panel
        rows = self.rows.take((chosen[:, None] * panel.horizon + np.arange(panel.horizon)).ravel())
        segment = np.repeat(segments(panel.demand[chosen]), panel.horizon)
        mean = model.mean_of(rows, builder, segment) * rows.scale
        effects = model.mean.effects(builder.columns(model.feature_names, rows.matrix))
        families = tuple(dict.fromkeys(model.families.values()))
        member = np.array([families.index(family) for family in model.families.values()])
        logs = np.stack([effects[:, :-1][:, member == number].sum(axis=1) for number in range(len(families))], axis=1)
        base = rows.scale * np.exp(effects[:, -1])
        calibration = np.log(model.correction.factor)[segment]
        statistics = np.log(mean / base) - logs.sum(axis=1) - calibration
        logs = np.column_stack([logs, statistics, calibration])
        silent = np.isnan(rows.scale)
        known = (~np.isnan(panel.demand[chosen])).any(axis=1)
        nothing = np.repeat(np.where(known, 0, np.nan), panel.horizon)
        return Explanation(
            (*families, STATISTICS, CALIBRATION),
            base=np.where(silent, nothing, base),
            logs=np.where(silent[:, None], nothing[:, None], logs),
            mean=np.where(silent, nothing, mean),
        )


def explain(model: Model, panel: Panel, chosen: Ints, whole: CrossSection | None = None) -> Explanation:
    """Explain what `model` forecasts for the `chosen` series (indexes, [m]) of `panel`: r = m x H."""
    return Explainer(model, panel, whole).explain(chosen)


def explain_all(model: Model, panel: Panel) -> Explanation:
    """Explain the forecast of every series of `panel`, block by block: r = n x H."""
    whole = CrossSection.of(model.recipe.fit_to(panel))
    cuts = blocks(*panel.demand.shape)
    return Explanation.joined([explain_part(model, panel.take(rows), whole.take(rows)) for rows in cuts])


def explain_part(model: Model, part: Panel, whole: CrossSection) -> Explanation:
    """Explain the forecast of every series of a part of a larger panel, given what the `whole` tells of them."""
    return explain(model, part, np.arange(len(part.series)), whole)


def change(before: Explanation, restated: Explanation, now: Explanation, after: Explanation) -> Change:
    """Explain why forecasts of the same r cells changed; causes sum to the difference.

    `before`: as it was told. `restated`: by the same model from the same origin, with history as it is known today.
    `now`: by the same model from today's origin. `after`: as today's model tells it. What was done to the means of
    `before` and `after` when they had been told (shocks, reconciliation) is no cause in the other two.
    """
    layers = {name: after.effect(name) - before.effect(name) for name in (SHOCK, RECONCILIATION)}
    told, today = (sum((found.effect(name) for name in layers), np.zeros(len(found.mean))) for found in (before, after))
    steps = [_log(before.mean) - told, _log(restated.mean), _log(now.mean), _log(after.mean) - today]
    revision, news, version = (then - first for first, then in itertools.pairwise(steps))
    logs = now.logs - restated.logs
    logs[:, now.causes.index(_LEVEL)] += news - logs.sum(axis=1)
    moved = {name: effect for name, effect in layers.items() if effect.any()}
    units = _in_units(before.mean, after.mean, np.column_stack([logs, *moved.values(), revision, version]))
    return Change((*now.causes, *moved, DATA_REVISION, MODEL_VERSION), before.mean, after.mean, units)


def _in_units(start: Floats, end: Floats, logs: Floats) -> Floats:
    """Share out end - start [r] by `logs` [r, C], whose sum is the log of end / start."""
    total = _log(end) - _log(start)
    still = np.abs(total) < _SMALL
    weight = np.where(still, end, (end - start) / np.where(still, 1, total))
    units: Floats = logs * weight[:, None]
    return units


def _log(mean: Floats) -> Floats:
    found: Floats = np.log(np.maximum(mean, _SMALL))
    return found
