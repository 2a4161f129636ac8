"""What a model version must show before it may become champion: pure rules on the folds of its backtest.

Sources: Diebold and Mariano (1995), "Comparing predictive accuracy", JBES 13; Harvey, Leybourne and Newbold (1997),
"Testing the equality of prediction mean squared errors", IJF 13, for the small-sample factor and Student's t; the
Bartlett window, under which the variance is never negative, as Harvey, Leybourne and Whitehouse (2017) recommend. Item-
locations of one period are not independent: each period counts once, with the mean over them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from services.forecast.engine.cells import Floats
from services.forecast.engine.folds import ALL, Fold

LEVEL = 0.9
NOMINAL_COVERAGE = 0.8
BEATS_CHAMPION = "beats_champion"
_LEAST_PERIODS = 2

type Losses = Sequence[Mapping[str, Floats]]


@dataclass(frozen=True)
class Interval:
    """A mean over periods with its 90 % interval."""

    estimate: float
    low: float
    high: float

    def scaled(self, by: float) -> "Interval":
        """by: positive."""
        return Interval(self.estimate * by, self.low * by, self.high * by)


@dataclass(frozen=True)
class Gate:
    """One condition: what was measured, with its interval where it has one, beside the bound; `detail` says it."""

    gate: str
    passed: bool
    detail: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def mean_over_periods(values: Floats, horizon: int) -> Interval | None:
    """The mean of `values` [T], in the order of time, NaN left out; None of fewer than two.

    Errors of forecasts up to `horizon` periods ahead go on for that long: so long a window, a third of the periods at
    most, enters the variance.
    """
    known = values[~np.isnan(values)]
    count = len(known)
    if count < _LEAST_PERIODS:
        return None
    estimate, window = float(known.mean()), max(1, min(horizon, count // 3))
    errors = known - estimate
    lags = np.array([errors[lag:] @ errors[: count - lag] for lag in range(window)]) / count
    variance = lags[0] + 2 * float(lags[1:] @ (1 - np.arange(1, window) / window))
    factor = (count + 1 - 2 * window + window * (window - 1) / count) / count
    half = float(stdtrit(count - 1, (1 + LEVEL) / 2) * np.sqrt(max(variance, 0) / count / factor))
    return Interval(estimate, estimate - half, estimate + half)


def improvement(folds: Sequence[Fold], rival: Losses, segment: str = ALL) -> Interval | None:
    """Share of the rival's loss that is saved, on the periods where both are known; None of fewer than two."""
    ours = np.concatenate([fold.loss[segment] for fold in folds])
    theirs = np.concatenate([fold[segment] for fold in rival])
    return saved(ours, theirs, len(folds[0].periods))


def saved(ours: Floats, theirs: Floats, horizon: int) -> Interval | None:
    """Share of their losses [T] that ours save, by period, where both are known (not NaN); None of fewer than two."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    found = mean_over_periods((theirs - ours)[both], horizon)
    level = float(theirs[both].mean()) if both.any() else 0.0
    return found.scaled(1 / level) if found is not None and level > 0 else None


def better(folds: Sequence[Fold], rival: Losses, against: str, bound: float) -> Gate:
    """Whether the interval of the improvement over the rival lies above the bound."""
    found = improvement(folds, rival)
    if found is None:
        detail = f"No periods of the backtest tell it from {against}, which has learned from them: load newer demand."
        return Gate(BEATS_CHAMPION, passed=False, detail=detail, bound=bound)
    detail = f"It saves {found.estimate:.1%} of the loss of {against}, [{found.low:.1%}, {found.high:.1%}]."
    return Gate(BEATS_CHAMPION, found.low > bound, detail, found.estimate, found.low, found.high, bound)


def segments(folds: Sequence[Fold], rival: Losses, against: str, worse_by: float, share: float) -> Gate:
    """Whether no class with at least a `share` of demand loses more than `worse_by` of the rival's loss."""
    bound, worst = -worse_by, None
    counted = [name for name in folds[-1].loss if name != ALL and folds[-1].volume[name] >= share]
    for name in counted:
        found = improvement(folds, rival, name)
        if found is not None and (worst is None or found.estimate < worst[1].estimate):
            worst = name, found
    if worst is None:
        return Gate("segments", passed=True, detail=f"No demand class can be compared with {against}.", bound=bound)
    name, found = worst
    detail = f"Among {name} item-locations it saves {found.estimate:.1%} of the loss of {against}: the least of all."
    return Gate("segments", found.estimate >= bound, detail, found.estimate, found.low, found.high, bound)


def bias(folds: Sequence[Fold], bound: float, before: float) -> Gate:
    """Whether the interval of the bias reaches what is allowed: a bias that chance explains is none.

    before: the bias of what it replaces, which it need not be better than; infinite where it replaces nothing.
    """
    found = mean_over_periods(np.concatenate([fold.bias for fold in folds]), len(folds[0].periods))
    return _within("bias", found, 0, bound, before, "of demand too high or low")


def coverage(folds: Sequence[Fold], bound: float, before: float) -> Gate:
    """Whether the interval of the 80 % intervals' coverage reaches what is allowed; `before` as for the bias."""
    found = mean_over_periods(np.concatenate([fold.coverage for fold in folds]), len(folds[0].periods))
    return _within("coverage", found, NOMINAL_COVERAGE, bound, before, "of demand inside the 80 % intervals")


def _within(gate: str, found: Interval | None, nominal: float, bound: float, before: float, what: str) -> Gate:
    if found is None:
        detail = "The backtest has too few periods to tell."
        return Gate(gate, passed=bool(np.isinf(before)), detail=detail, bound=bound)
    inside = found.low <= nominal + bound and found.high >= nominal - bound
    no_worse = abs(found.estimate - nominal) <= abs(before - nominal)
    detail = f"{found.estimate:.1%} {what}, [{found.low:.1%}, {found.high:.1%}]."
    if not inside and no_worse:
        detail += " That is outside, but there is nothing better to replace."
    return Gate(gate, inside or no_worse, detail, found.estimate, found.low, found.high, bound)


def at_most(gate: str, value: float, bound: float, unit: str) -> Gate:
    return Gate(gate, value <= bound, f"{value:.3g} {unit}; {bound:g} are allowed.", value, bound=bound)


def signature(features: Sequence[str], before: Sequence[str]) -> Gate:
    """Whether it reads the features that the champion reads, in their order."""
    changed = sorted(set(features) ^ set(before))
    same = list(features) == list(before)
    detail = "It reads what the champion reads." if same else f"Not in both, or in another order: {', '.join(changed)}."
    return Gate("signature", same, detail)


def freshness(last: np.datetime64, before: np.datetime64 | None, today: np.datetime64, most: int | None) -> Gate:
    """Whether its demand reaches as far as the champion's, and is not older than `most` days, where that is said."""
    days = int((today - last) / np.timedelta64(1, "D"))
    detail = f"Its demand ends with {last}" + ("." if before is None else f", the champion's with {before}.")
    passed = (before is None or bool(last >= before)) and (most is None or days <= most)
    return Gate("freshness", passed, detail, value=days, bound=most)
