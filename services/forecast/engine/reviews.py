"""Which forecasts a person should look at: those that moved further, or missed more, than their own spread explains.

Shapes: n item-locations, h periods, K quantiles at QUANTILES; numbers in units.
"""

import math
from statistics import NormalDist

import numpy as np

from services.forecast.engine.cells import QUANTILES, Bools, Floats

JUMP = 3.0  # standard deviations
LEAST_SPREAD = 0.1  # of the larger of both sums
LEVEL = QUANTILES[-1] - QUANTILES[0]  # of the interval whose misses are counted
BLOCK = 8  # periods
FALSE_ALARM = 0.001  # at most, of a block

_LOW, _MEDIAN, _HIGH = (QUANTILES.index(level) for level in (0.1, 0.5, 0.9))
_SIGMAS = NormalDist().inv_cdf(0.9)


def jumps(before: Floats, quantiles: Floats, dependence: Floats, after: Floats) -> tuple[Floats, Floats, Floats]:
    """Change of the sum over the periods, its spread, and their quotient z, each [n]; 0 where nothing was or is.

    before and after: means [n, h] of two forecasts of the same periods. quantiles [n, h, K] and dependence [n], the
    correlation of two periods, are those of the one before.

    The mean of a forecast that uses what it knows moves, as more becomes known, no further than the demand itself may:
    Var E[Y | more] <= Var Y. So beyond `JUMP` standard deviations of the sum as it was told lie at most 0.27 % of the
    changes where sums are normal, and 1/9 whatever their distribution (Chebyshev). The standard deviation of a period
    is read from the side to which the forecast moved, from median to decile; a spread of less than `LEAST_SPREAD` of
    the larger sum counts as that, so that a move of less than 30 % of it is none.
    """
    change = (after - before).sum(axis=1)
    outer = np.where((change > 0)[:, None], quantiles[..., _HIGH], quantiles[..., _LOW])
    sigma = np.abs(outer - quantiles[..., _MEDIAN]) / _SIGMAS
    variance = (1 - dependence) * (sigma**2).sum(axis=1) + dependence * sigma.sum(axis=1) ** 2
    largest = np.maximum(before.sum(axis=1), after.sum(axis=1))
    spread = np.maximum(np.sqrt(variance), LEAST_SPREAD * largest)
    z: Floats = np.divide(change, spread, out=np.zeros(len(change)), where=spread > 0)
    return change, spread, z


def missed(demand: Floats, low: Floats, high: Floats) -> tuple[Bools, Bools]:
    """Which demand [n, h] lay above and which below its interval; unknown demand and what nobody told misses none."""
    return demand > high, demand < low


def chance_of(misses: int, cells: int = BLOCK) -> float:
    """The probability of so many misses or more among cells whose intervals hold: binomial.

    Exact for forecasts one period ahead, whose errors are independent where they are right (Diebold, Gunther and Tay,
    1998) and continuous; mass at zero makes it less, longer leads make misses come together.
    """
    share = 1 - LEVEL
    return sum(math.comb(cells, k) * share**k * LEVEL ** (cells - k) for k in range(misses, cells + 1))


def fewest_misses(cells: int = BLOCK) -> int:
    """The smallest number of misses in a block whose chance is `FALSE_ALARM` or less.

    Misses of a block only grow, so that looking at it again and again as demand comes in makes no further alarms.
    """
    return next(k for k in range(cells + 2) if chance_of(k, cells) <= FALSE_ALARM)
