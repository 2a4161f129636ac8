"""Which cells of a panel the model learns from, and on which later ones it is put to the test."""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Cells, Ints
from services.forecast.engine.history import History

TRAINING_BUDGET = 120_000
CALIBRATION_BUDGET = 40_000  # cells per block
_EARLY_SHARE = 0.1  # the panel begins to teach soon after this share of its series has started
_BLOCKS = 4
_LEAST_FIRST = 0.1  # of all training cells must lie before the newest block, else it is a shorter one
_LEAST_SHARE = 0.25  # and before each older block, at least
_LEAST_CELLS = 3_000  # of them
_STRETCH_CELLS = 8_000  # of those, cells that form whole horizons of single series


@dataclass(frozen=True)
class Block:
    """A stretch of history held out: trained on targets up to `cut`, tested on origins from there.

    Test cells have origins in [cut, stop) and targets up to `end`.
    """

    cut: int
    stop: int
    end: int


def training_cells(history: History, horizon: int, rng: np.random.Generator) -> Cells:
    """Up to TRAINING_BUDGET known cells, drawn evenly from all (series, origin, horizon) that can teach.

    Origins reach back as far as the frequency's memory tells, targets up to the end of history.
    """
    last = history.length - 1
    settled = int(np.quantile(history.first, _EARLY_SHARE)) + history.memory.youth
    earliest = max(min(settled, history.length // 4), last - history.memory.origins)
    origins = last - np.maximum(_first_sale(history), earliest)
    cells = _drawn(np.maximum(origins, 0), last, horizon, TRAINING_BUDGET, rng)
    return _known(history, cells)


def cut_blocks(history: History, cells: Cells, horizon: int) -> list[Block]:
    """Cut up to four blocks, newest first, each a horizon before the other.

    A history too short for whole horizons gives one shorter block; always one if there are cells.
    """
    found: list[Block] = []
    end = history.length - 1
    reach = horizon + max(horizon // 2, 3)
    for number in range(_BLOCKS):
        cut = end - reach
        before = int((cells.target <= cut).sum())
        if before < (max(_LEAST_SHARE * len(cells), _LEAST_CELLS) if found else _LEAST_FIRST * len(cells)):
            break
        found.append(Block(cut, end if number == 0 else cut + max(horizon // 2, 3), end))
        end -= horizon
    return found or [_short_block(history, cells)]


def _short_block(history: History, cells: Cells) -> Block:
    end = history.length - 1
    cut = int(np.quantile(cells.target, 0.5, method="lower"))
    return Block(min(cut, end - 1), end, end)


def held_out_cells(history: History, block: Block, horizon: int, rng: np.random.Generator) -> Cells:
    """Up to CALIBRATION_BUDGET known cells of a block; some form whole horizons from its first origin."""
    taught = np.flatnonzero(_first_sale(history) <= block.cut)
    chosen = rng.permutation(taught)[: max(_STRETCH_CELLS // horizon, 1)]
    stretches = Cells.grid(history.n, block.cut, horizon)
    stretches = stretches.take(np.isin(stretches.series, chosen))
    shape = (history.n, block.stop - block.cut, horizon)
    numbers = _choice(int(np.prod(shape)), CALIBRATION_BUDGET, rng)
    series, origin, step = np.unravel_index(numbers, shape)
    drawn = Cells(series, origin + block.cut, step + 1)
    drawn = drawn.take(~((drawn.origin == block.cut) & np.isin(drawn.series, chosen)))
    cells = stretches.joined(drawn)
    cells = cells.take((cells.target <= block.end) & (_first_sale(history)[cells.series] <= cells.origin))
    return _known(history, cells)


def _drawn(origins: Ints, last: int, horizon: int, budget: int, rng: np.random.Generator) -> Cells:
    """Draw cells without replacement; series i offers its `origins[i]` newest origins.

    The a-th newest origin offers min(a, horizon) steps up to `last`, so a cell has a plain number and
    no list of all cells is ever made.
    """
    steps = np.minimum(np.arange(1, origins.max(initial=0) + 1), horizon)
    upto = np.concatenate([[0], np.cumsum(steps)])
    offered = np.concatenate([[0], np.cumsum(upto[origins])])
    total = int(offered[-1])
    numbers = _choice(total, budget, rng)
    series = np.searchsorted(offered, numbers, side="right") - 1
    rest = numbers - offered[series]
    back = np.searchsorted(upto, rest, side="right")
    return Cells(series, last - back, rest - upto[back - 1] + 1)


def _choice(total: int, count: int, rng: np.random.Generator) -> Ints:
    """Draw `count` of the numbers below `total` without replacement, ascending; all of them if fewer."""
    if total <= count:
        return np.arange(total)
    return np.sort(rng.choice(total, count, replace=False, shuffle=False))


def _known(history: History, cells: Cells) -> Cells:
    return cells.take(~np.isnan(history.demand[cells.target, cells.series]))


def _first_sale(history: History) -> Ints:
    """Index of the first sale of each series, the length of history where there is none."""
    sold = history.demand > 0
    found: Ints = np.where(sold.any(axis=0), sold.argmax(axis=0), history.length)
    return found
