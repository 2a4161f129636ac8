"""The near-term order: the only quantity of a plan that is decided now."""

import numpy as np

from services.planner.engine import lots
from services.planner.engine.inputs import Bools, Floats, Supply
from services.planner.engine.renewal import Renewal
from services.planner.engine.window import Window, cheapest_lots, leftover, shortfall, summed, unserved


def order_quantity(supply: Supply, window: Window, renewal: Renewal | None = None) -> Floats:
    """[n] units to release in bucket `fence`, 0 for none: by the target where one is given, else by cost.

    renewal: what to order by where orders cost money.
    """
    quantity = _cheapest(supply, window)
    if renewal is not None:
        quantity[renewal.rows] = renewal.quantity
    for target, smallest in ((supply.service_target, _smallest_for_target), (supply.fill_target, _smallest_to_fill)):
        rows = np.flatnonzero(np.isfinite(target))
        if len(rows):
            quantity[rows] = smallest(supply.rows(rows), window.rows(rows))
    return quantity


def _cheapest(supply: Supply, window: Window) -> Floats:
    """The feasible lot with the least expected cost on the paths, ordered only if it pays and cannot wait.

    It pays: over the buckets that it covers it saves more shortage than it costs to order and hold. It cannot wait:
    some lot saves more shortage before the next review's order can arrive than that review's share of its cost. Where
    an order covers one review period the two are the same rule, the newsvendor on lots. Searching the paths needs no
    factor for lost sales: the stock that lost sales leave at the arrival is in the thresholds.
    """
    over, under = window.holding(supply), window.penalty(supply, window.inside)
    quantity, saved = _best_lot(supply, window, over, under)
    rise = supply.rise * quantity
    pays = saved + rise > supply.ordering
    reviews = window.inside.sum(axis=1) / supply.review
    waits = np.zeros(len(quantity), dtype=bool)
    if np.any(reviews > 1):
        soon = window.penalty(supply, window.near)
        _, urgent = _best_lot(supply, window, over / reviews[:, None], soon)
        waits = (reviews > 1) & (urgent + rise <= supply.ordering / reviews)
    return np.where(pays & ~waits, quantity, 0.0)


def _best_lot(supply: Supply, window: Window, over: Floats, under: Floats) -> tuple[Floats, Floats]:
    """The cheapest feasible lot above 0 and what it saves against none; exact, because the cost is convex.

    over, under: [n, W] money per unit left and per unit lacking.
    """
    wanted = cheapest_lots(window, over, under, supply.multiple)
    first, last = supply.first_lot, supply.last_lot
    smaller, larger = (np.clip(lots, first, last) * supply.multiple for lots in (wanted - 1, wanted))
    costs = []
    for quantity in (np.zeros(len(wanted)), smaller, larger):
        left = leftover(window, quantity)
        costs.append(summed(over * left + under * shortfall(window, quantity, left)))
    nothing, cost_smaller, cost_larger = costs
    saved = nothing - np.minimum(cost_smaller, cost_larger)
    return np.where(cost_larger < cost_smaller, larger, smaller), _clear(saved, nothing)


def _smallest_for_target(supply: Supply, window: Window) -> Floats:
    """The smallest feasible lot with P(no stock-out until the next review's order can arrive) >= the target.

    The largest feasible lot where none reaches it. Ordering cost does not enlarge it: that is what an MOQ, or a
    shortage cost in place of the target, is for.
    """
    needed = np.sort(_needed(window), axis=1)
    count = needed.shape[1]
    rank = np.ceil(supply.service_target * count - 1e-9)
    index = np.clip(np.nan_to_num(rank, nan=1).astype(np.int64) - 1, 0, count - 1)
    need = np.take_along_axis(needed, index[:, None], axis=1)[:, 0].astype(np.float64)
    return lots.round_up(_clear(need, window.scale), supply)


def _smallest_to_fill(supply: Supply, window: Window) -> Floats:
    """The smallest feasible lot with which the target's share of demand is served in its bucket, on average over paths.

    Counted until the next review's order can arrive; the largest feasible lot where none reaches the target. Source:
    fill rate (type 2 service), e.g. Silver, Pyke and Thomas, chapter 7.
    """
    near = window.near[:, : window.demand.shape[2]]
    wanted = summed(window.demand.mean(axis=1, dtype=np.float64) * near)
    allowed = (1 - supply.fill_target) * wanted + lots.SLACK * window.scale
    most = np.maximum(window.thresholds.max(axis=(1, 2)), 0).astype(np.float64)
    low, high = np.full(len(wanted), -1), np.ceil(most / supply.multiple).astype(np.int64)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        missing = unserved(supply, window, middle * supply.multiple).mean(axis=1, dtype=np.float64)
        low, high = np.where(missing <= allowed, low, middle), np.where(missing <= allowed, middle, high)
    return lots.round_up(high * supply.multiple, supply)


def stockouts(window: Window, quantity: Floats) -> Bools:
    """[n, S] whether a path runs out, with an order of `quantity`, before the next review's order can arrive."""
    needed = _needed(window)
    return np.asarray(needed > (quantity + lots.SLACK * window.scale)[:, None].astype(needed.dtype))


def _needed(window: Window) -> np.ndarray:
    """[n, S] quantity with which no bucket ends short before the next review's order can arrive."""
    needed = window.thresholds[:, :, 0]
    for step in range(1, window.demand.shape[2]):
        higher = np.maximum(needed, window.thresholds[:, :, step])
        near = window.near[:, step]
        needed = higher if np.all(near) else np.where(near[:, None], higher, needed)
    return needed


def _clear(values: Floats, scale: Floats) -> Floats:
    """Set to 0 what is within rounding error of it."""
    return np.where(np.abs(values) > lots.SLACK * np.abs(scale), values, 0.0)
