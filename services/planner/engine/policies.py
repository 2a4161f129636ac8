"""The ordering policies that a plan and its benchmark are simulated with."""

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Floats, Supply
from services.planner.engine.levels import Levels
from services.planner.engine.rollout import Policy

AVERAGED = 13  # buckets of demand that the benchmark averages
COVERED = 4  # buckets of that average it orders up to, or one more than lead time + review if that is longer


def planned(supply: Supply, first: Floats, levels: Levels) -> Policy:
    """The first order as decided, then at each review up to the level in lots once the position is below it.

    first: [n] units. Source of the later rule: (R, s, S) with lots, Silver, Pyke and Thomas, chapter 7.
    """

    def release(t: int, position: Floats) -> Floats:
        missing = levels.order_up_to[:, t, None] - position
        low = levels.reorder_point[:, t, None] - position > lots.SLACK * np.abs(position)
        later = lots.round_up(np.where(low, missing, 0.0), supply)
        return np.where(supply.fence[:, None] == t, first[:, None], later)

    return release


def benchmark(supply: Supply, recent: Floats, paths: np.ndarray) -> Policy:
    """Order up to four buckets of the moving average of the last 13, as many firms do; no forecast, no safety stock.

    recent: [n, H] units before the as-of instant, oldest first; paths [n, S, T]: the average moves on along each path.
    """
    known = recent[:, -AVERAGED:]
    depth = known.shape[1]
    seen = np.cumsum(np.pad(known, ((0, 0), (1, 0))), axis=1)
    drawn = np.zeros((len(known), paths.shape[1]))
    cover = np.maximum(COVERED, supply.lead_time + supply.review + 1)[:, None]
    moved = 0

    def release(t: int, position: Floats) -> Floats:
        nonlocal moved
        while moved < t:
            drawn[:] += paths[:, :, moved]
            if moved >= depth:
                drawn[:] -= paths[:, :, moved - depth]
            moved += 1
        old = seen[:, -1] - seen[:, min(t, depth)]
        average = (drawn + old[:, None]) / depth
        return lots.round_up(cover * average - position, supply)

    return release
