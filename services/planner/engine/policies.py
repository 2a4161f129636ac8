"""The ordering policies that a plan and its benchmark are simulated with."""

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Bools, Floats, Supply
from services.planner.engine.levels import Levels
from services.planner.engine.rollout import Policy

AVERAGED = 13  # buckets of demand that the benchmark averages
COVERED = 4  # buckets of that average it orders up to, or one more than lead time + review if that is longer


def planned(supply: Supply, first: Floats, levels: Levels, later: Bools | None = None) -> Policy:
    """The first order as decided, then at each review up to the level in lots once the position is below it.

    first [n] units; later [n]: rows whose later releases pay, all by default. Source of the later rule: (R, s, S) with
    lots, Silver, Pyke and Thomas, chapter 7.
    """
    slack = lots.SLACK * np.abs(levels.reorder_point)
    below = levels.reorder_point - slack
    if later is not None:
        below = np.where(later[:, None], below, -np.inf)

    def release(t: int, position: np.ndarray) -> np.ndarray:
        chosen = supply.fence == t
        decided = first[:, None].astype(position.dtype)
        if np.all(chosen):
            return np.broadcast_to(decided, position.shape)
        level = levels.order_up_to[:, t, None]
        low = position < below[:, t, None].astype(position.dtype)
        filled = lots.fill_up(supply, position, level, np.abs(level)) * low
        return np.where(chosen[:, None], decided, filled) if np.any(chosen) else filled

    return release


def scheduled(releases: Floats) -> Policy:
    """What is fixed for each bucket, whatever the position: releases [n, T]."""
    return lambda t, position: np.broadcast_to(releases[:, t, None].astype(position.dtype), position.shape)


def benchmark(supply: Supply, recent: Floats, paths: np.ndarray) -> Policy:
    """Order up to four buckets of the moving average of the last 13, as many firms do; no forecast, no safety stock.

    recent: [n, H] units before the as-of instant, oldest first; paths [n, S, T]: the average moves on along each path.
    """
    known = recent[:, -AVERAGED:]
    depth = known.shape[1]
    kind = np.result_type(paths, np.float32)
    seen = np.cumsum(np.pad(known, ((0, 0), (1, 0))), axis=1)
    drawn = np.zeros((len(known), paths.shape[1]), dtype=kind)
    cover = np.maximum(COVERED, supply.lead_time + supply.review + 1)[:, None] / depth
    moved = 0

    def release(t: int, position: np.ndarray) -> np.ndarray:
        nonlocal moved
        while moved < t:
            np.add(drawn, paths[:, :, moved], out=drawn)
            if moved >= depth:
                np.subtract(drawn, paths[:, :, moved - depth], out=drawn)
            moved += 1
        old = (seen[:, -1] - seen[:, min(t, depth)])[:, None]
        level = (drawn + old.astype(kind)) * cover.astype(kind)
        return lots.fill_up(supply, position, level, np.max(np.abs(level), axis=1, keepdims=True))

    return release
