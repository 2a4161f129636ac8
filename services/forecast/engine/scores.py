"""What came, as its own forecast's distribution sees it: a normal score that knows no units.

Source: Dawid (1984), Statistical theory: the prequential approach, JRSS A 147, for judging forecasts by where outcomes
fall in their predictive distributions; where a distribution has a mass, such as at zero demand, the score is that of
its middle.
"""

import numpy as np
from scipy.special import ndtri

from services.forecast.engine.cells import QUANTILES, WEIGHTS, Floats, Ints
from services.forecast.engine.metrics import decile_loss

MOST = 4.0  # no outcome counts as farther out
_LEVELS = np.array(QUANTILES)
_SCORES = ndtri(_LEVELS)
_LAST = len(QUANTILES) - 1
_MIDDLE = QUANTILES.index(0.5)


def normal_scores(demand: Floats, quantiles: Floats) -> Floats:
    """Standard normal scores [...] of `demand` [...] in the forecast `quantiles` [..., K], at most MOST either way.

    Standard normal where the forecast's distribution is right; NaN where demand or forecast is unknown. Between two
    quantiles scores are interpolated, beyond the outermost they grow as the distance from the median does.
    """
    below, upto = (quantiles < demand[..., None]).sum(axis=-1), (quantiles <= demand[..., None]).sum(axis=-1)
    between = _between(demand, quantiles, np.clip(upto - 1, 0, _LAST - 1))
    outside = (below > _LAST) | (upto == 0)
    found = np.where(outside, _beyond(demand, quantiles), between)
    found = np.where(upto > below, _massed(below, upto), found)
    unknown = np.isnan(demand) | np.isnan(quantiles).any(axis=-1)
    return np.where(unknown, np.nan, np.clip(found, -MOST, MOST))


def _between(demand: Floats, quantiles: Floats, place: Ints) -> Floats:
    low, high = _at(quantiles, place), _at(quantiles, place + 1)
    part = np.divide(demand - low, high - low, out=np.zeros_like(demand, dtype=np.float64), where=high > low)
    found: Floats = _SCORES[place] + part * (_SCORES[place + 1] - _SCORES[place])
    return found


def _at(quantiles: Floats, place: Ints) -> Floats:
    found: Floats = np.take_along_axis(quantiles, place[..., None], axis=-1)[..., 0]
    return found


def _beyond(demand: Floats, quantiles: Floats) -> Floats:
    distance = demand - quantiles[..., _MIDDLE]
    reach = np.abs(np.where(distance > 0, quantiles[..., -1], quantiles[..., 0]) - quantiles[..., _MIDDLE])
    far: Floats = np.sign(distance).astype(np.float64) * MOST
    np.divide(distance * _SCORES[-1], reach, out=far, where=reach > 0)
    return far


def _massed(below: Ints, upto: Ints) -> Floats:
    """The score in the middle of the probabilities that all stand for this very demand."""
    low = np.where(below == 0, 0.0, _LEVELS[np.minimum(below, _LAST)])
    high = np.where(upto > _LAST, 1.0, _LEVELS[np.maximum(upto - 1, 0)])
    found: Floats = ndtri((low + high) / 2)
    return found


def extra_loss(demand: Floats, quantiles: Floats) -> Floats:
    """Decile loss [...] in units beyond that which the forecast itself expects; NaN where unknown."""
    expected = sum(
        weight * decile_loss(quantiles[..., level], quantiles) for level, weight in enumerate(WEIGHTS.tolist())
    )
    found: Floats = decile_loss(demand, quantiles) - expected
    return found
