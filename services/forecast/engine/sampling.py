"""Which cells of a panel the model learns from, and on which later ones it is put to the test."""

from dataclasses import dataclass

import numpy as np

from services.forecast.engine.cells import Cells, Ints
from services.forecast.engine.history import History

TRAINING_BUDGET = 120_000
BLOCK_BUDGET = 60_000  # training cells before a block
CALIBRATION_BUDGET = 40_000  # cells per block
REHEARSAL_BUDGET = 400_000  # cells of all blocks that are summed to aggregates
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


def training_cells(history: History, horizon: int, until: int, budget: int, rng: np.random.Generator) -> Cells:
    """Up to `budget` known cells, drawn evenly from all (series, origin, horizon) that can teach.

    Origins reach back as far as the frequency's memory tells, targets up to the period `until`.
    """
    return _known(history, _drawn(_origins(history, until), until, horizon, budget, rng))


def cut_blocks(history: History, horizon: int) -> list[Block]:
    """Cut up to four blocks, newest first, each a horizon before the other.

    A history too short for whole horizons gives one shorter block.
    """
    found: list[Block] = []
    end = history.length - 1
    offered = _offered(_origins(history, end), horizon)
    reach = horizon + max(horizon // 2, 3)
    for number in range(_BLOCKS):
        cut = end - reach
        before = _offered(_origins(history, cut), horizon) if cut > 0 else 0
        if before < (max(_LEAST_SHARE * offered, _LEAST_CELLS) if found else max(_LEAST_FIRST * offered, 1)):
            break
        found.append(Block(cut, end if number == 0 else cut + max(horizon // 2, 3), end))
        end -= horizon
    return found or [_short_block(history, horizon)]


def _short_block(history: History, horizon: int) -> Block:
    """The later half of what the history offers."""
    end = history.length - 1
    half = _offered(_origins(history, end), horizon) / 2
    cut = next((cut for cut in range(1, end) if _offered(_origins(history, cut), horizon) >= half), end - 1)
    return Block(min(cut, end - 1), end, end)


def held_out_cells(history: History, block: Block, horizon: int, rng: np.random.Generator) -> Cells:
    """Up to CALIBRATION_BUDGET known cells of a block; some form whole horizons from its first origin."""
    taught = np.flatnonzero(history.first_sale <= block.cut)
    chosen = rng.permutation(taught)[: max(_STRETCH_CELLS // horizon, 1)]
    stretches = Cells.grid(history.n, block.cut, horizon)
    stretches = stretches.take(np.isin(stretches.series, chosen))
    shape = (history.n, block.stop - block.cut, horizon)
    numbers = _choice(int(np.prod(shape)), CALIBRATION_BUDGET, rng)
    series, origin, step = np.unravel_index(numbers, shape)
    drawn = Cells(series, origin + block.cut, step + 1)
    drawn = drawn.take(~((drawn.origin == block.cut) & np.isin(drawn.series, chosen)))
    cells = Cells.joined(stretches, drawn)
    cells = cells.take((cells.target <= block.end) & (history.first_sale[cells.series] <= cells.origin))
    return _known(history, cells)


def rehearsal_cells(history: History, block: Block, horizon: int, blocks: int) -> Cells:
    """Every series at the block's first origin, at all steps of the horizon or at as many as the budget allows."""
    reach = min(horizon, block.end - block.cut)
    count = min(reach, REHEARSAL_BUDGET // (history.n * blocks))
    steps = np.unique(np.linspace(1, reach, count).round().astype(np.intp))
    cells = Cells.grid(history.n, block.cut, reach)
    return cells.take(np.isin(cells.horizon, steps))


def _origins(history: History, until: int) -> Ints:
    """How many origins before `until` each series offers, [n]."""
    settled = int(np.quantile(history.first, _EARLY_SHARE)) + history.memory.youth
    earliest = max(min(settled, (until + 1) // 4), until - history.memory.origins)
    found: Ints = np.maximum(until - np.maximum(history.first_sale, earliest), 0)
    return found


def _steps(origins: Ints, horizon: int) -> Ints:
    """Cells that the newest 0, 1, ... origins of a series offer: the a-th newest has min(a, horizon) steps."""
    steps = np.minimum(np.arange(1, origins.max(initial=0) + 1), horizon)
    return np.concatenate([[0], np.cumsum(steps)])


def _offered(origins: Ints, horizon: int) -> int:
    return int(_steps(origins, horizon)[origins].sum())


def _drawn(origins: Ints, last: int, horizon: int, budget: int, rng: np.random.Generator) -> Cells:
    """Draw cells without replacement; series i offers its `origins[i]` newest origins before `last`.

    A cell has a plain number, so that no list of all cells is ever made.
    """
    upto = _steps(origins, horizon)
    offered = np.concatenate([[0], np.cumsum(upto[origins])])
    numbers = _choice(int(offered[-1]), budget, rng)
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
    return cells.take(~np.isnan(history.recorded[cells.series, cells.target]))
