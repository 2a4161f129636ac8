"""What stands next to a recommended order: figures of acting and not acting, triggers and alternatives.

"Without" is no order before the next review's order can arrive. Purchased goods keep their value, sold or in stock,
so the purchase is shown but does not enter the net benefit.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from services.planner.engine import lots
from services.planner.engine.inputs import Floats, Ints, Supply
from services.planner.engine.levels import Levels
from services.planner.engine.order import stockouts
from services.planner.engine.window import Window, leftover, shortfall, summed, unserved

SMALLER, LARGER, WAIT = "smaller_lot", "larger_lot", "wait"


@dataclass(frozen=True, slots=True)
class Option:
    """One quantity to release now, against none; all [n], NaN where the option does not exist.

    Stock-outs, shortage and cost of inaction are those before the next review's order can arrive; extra holding and
    net benefit run over all the reviews that the order covers. Where it covers one review,
    net_benefit = cost_of_inaction - order_cost - extra_holding_cost, and where the price is about to rise or fall, what
    the quantity would then cost more or less. By cost it is positive for every recommended
    order; a service target may ask for one that does not pay. Where demand is certain it is what the cheapest plan
    that waits for the next review costs more than the cheapest one with this order, over the whole horizon.
    """

    quantity: Floats
    purchase_cost: Floats
    order_cost: Floats
    extra_holding_cost: Floats
    cost_of_acting: Floats  # purchase + order + extra holding
    cost_of_inaction: Floats  # shortage cost that the order saves
    cost_of_inaction_p90: Floats
    net_benefit: Floats
    stockout_probability: Floats
    expected_shortage: Floats  # units of demand not served in their bucket


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another quantity for the same release; kind is "" where there is none."""

    kind: NDArray[np.str_]
    option: Option


@dataclass(frozen=True, slots=True)
class Triggers:
    """The values that call for the order; all [n], units unless said otherwise."""

    on_hand: Floats
    on_order: Floats  # scheduled receipts due before the next review's order can arrive
    projected: Floats  # stock less backlog expected at the arrival, its scheduled receipts included, without the order
    safety_stock: Floats
    fractile: Floats  # probability that the safety stock stands for
    reorder_point: Floats
    order_up_to: Floats
    cover: Ints  # reviews that one order lasts


@dataclass(frozen=True, slots=True)
class Evidence:
    """The first order of each item-location, quantity 0 for none, and its evidence; all [n]. Buckets count from 0."""

    release: Ints
    release_by: Ints  # last release that arrives by the first bucket in which it lowers expected shortage
    receipt: Ints
    until: Ints  # bucket in which the next review's order can arrive
    option: Option
    stockout_probability_without: Floats
    expected_shortage_without: Floats
    triggers: Triggers
    alternatives: tuple[Alternative, Alternative, Alternative]  # by net benefit, best first


def evidence(
    supply: Supply, window: Window, levels: Levels, quantity: Floats, worth: Callable[[Floats], Floats] | None = None
) -> Evidence:
    """Explain the orders quantity [n] in the windows that they were decided in.

    worth: net benefit [n] of a quantity [n], where it is known over the whole horizon.
    """
    option = evaluate(supply, window, quantity, worth)
    without = evaluate(supply, window, np.zeros(len(quantity)), worth)
    return Evidence(
        release=supply.fence,
        release_by=supply.fence + _slip(window, quantity),
        receipt=supply.arrival,
        until=supply.arrival + supply.review,
        option=option,
        stockout_probability_without=without.stockout_probability,
        expected_shortage_without=without.expected_shortage,
        triggers=_triggers(supply, window, levels),
        alternatives=_ranked(_alternatives(supply, window, option, without, worth)),
    )


def evaluate(
    supply: Supply, window: Window, quantity: Floats, worth: Callable[[Floats], Floats] | None = None
) -> Option:
    """Figures of releasing quantity [n] in bucket `fence`."""
    none = np.zeros(len(quantity))
    over, under = window.holding(supply), window.penalty(supply, window.inside)
    left, idle = leftover(window, quantity), leftover(window, none)
    holding = summed(over * (left - idle))
    avoided = summed(under * (shortfall(window, none, idle) - shortfall(window, quantity, left)))
    ordering = supply.ordering * (quantity > 0)
    purchase = supply.price * quantity
    saved = _saved(window, window.penalty(supply, window.near), quantity)
    return Option(
        quantity=quantity,
        purchase_cost=purchase,
        order_cost=ordering,
        extra_holding_cost=holding,
        cost_of_acting=purchase + ordering + holding,
        cost_of_inaction=saved.mean(axis=1, dtype=np.float64),
        cost_of_inaction_p90=_p90(saved),
        net_benefit=_known(worth, quantity, avoided - ordering - holding + supply.rise * quantity),
        stockout_probability=stockouts(window, quantity).mean(axis=1),
        expected_shortage=unserved(supply, window, quantity).mean(axis=1, dtype=np.float64),
    )


def _known(worth: Callable[[Floats], Floats] | None, quantity: Floats, usual: Floats) -> Floats:
    """[n] what a quantity is worth, by the window's figures where that is NaN."""
    if worth is None:
        return usual
    found = worth(quantity)
    return np.where(np.isnan(found), usual, found)


def _saved(window: Window, under: Floats, quantity: Floats) -> np.ndarray:
    """[n, S] shortage cost that the order saves on each path before the next review's order can arrive."""
    kind = window.thresholds.dtype
    saved = np.zeros(window.projected.shape, dtype=kind)
    none, most = np.zeros_like(saved), quantity[:, None].astype(kind)
    for step in range(window.demand.shape[2]):
        served = np.minimum(np.maximum(window.thresholds[:, :, step], none), most)
        saved += under[:, step, None].astype(kind) * served
    return saved


def _p90(values: np.ndarray) -> Floats:
    """[n] quantile of [n, S], linear between the values."""
    ordered = np.sort(values, axis=1)
    place = 0.9 * (values.shape[1] - 1)
    low = int(place)
    high = min(low + 1, values.shape[1] - 1)
    return np.asarray(ordered[:, low] + (place - low) * (ordered[:, high] - ordered[:, low]), dtype=np.float64)


def _slip(window: Window, quantity: Floats) -> Ints:
    """[n] buckets by which the release can slip and still arrive by the first bucket in which it lowers shortage."""
    helps = np.any(window.thresholds > 0, axis=1) & window.near & (quantity[:, None] > 0)
    last = window.near.sum(axis=1) - 1
    return np.where(np.any(helps, axis=1), np.argmax(helps, axis=1), last)


def _triggers(supply: Supply, window: Window, levels: Levels) -> Triggers:
    rows = np.arange(len(supply.on_hand))
    due = np.arange(supply.receipts.shape[1]) < (supply.arrival + supply.review)[:, None]
    return Triggers(
        on_hand=supply.on_hand,
        on_order=np.sum(supply.receipts * due, axis=1),
        projected=window.projected.mean(axis=1, dtype=np.float64) + supply.receipts[rows, supply.arrival],
        safety_stock=levels.safety_stock[rows, supply.fence],
        fractile=supply.fractile,
        reorder_point=levels.reorder_point[rows, supply.fence],
        order_up_to=levels.order_up_to[rows, supply.fence],
        cover=window.inside.sum(axis=1) // supply.review,
    )


def _alternatives(
    supply: Supply, window: Window, option: Option, without: Option, worth: Callable[[Floats], Floats] | None
) -> dict[str, Option]:
    """The next smaller and larger lot and waiting for the next review, where there is an order to compare with."""
    quantity = option.quantity
    smaller, larger = quantity - supply.multiple, quantity + supply.multiple
    ordered = quantity > 0
    has_smaller = ordered & (smaller >= supply.first_lot * supply.multiple * (1 - lots.SLACK))
    has_larger = ordered & (larger <= supply.last_lot * supply.multiple * (1 + lots.SLACK))
    return {
        SMALLER: _where(has_smaller, evaluate(supply, window, np.where(has_smaller, smaller, 0.0), worth)),
        LARGER: _where(has_larger, evaluate(supply, window, np.where(has_larger, larger, 0.0), worth)),
        WAIT: _where(ordered, without),
    }


def _where(exists: NDArray[np.bool_], option: Option) -> Option:
    return Option(*(np.where(exists, getattr(option, field.name), np.nan) for field in fields(Option)))


def _ranked(options: dict[str, Option]) -> tuple[Alternative, Alternative, Alternative]:
    """Sort each row's options by net benefit; those that do not exist come last."""
    benefit = np.stack([option.net_benefit for option in options.values()])
    order = np.argsort(np.where(np.isnan(benefit), np.inf, -benefit), axis=0, kind="stable")
    exists = np.take_along_axis(~np.isnan(benefit), order, axis=0)
    kinds = np.where(exists, np.array(list(options))[order], "")
    stacked = {
        field.name: np.take_along_axis(np.stack([getattr(o, field.name) for o in options.values()]), order, axis=0)
        for field in fields(Option)
    }
    first, second, third = (
        Alternative(kinds[rank], Option(**{name: values[rank] for name, values in stacked.items()}))
        for rank in range(len(options))
    )
    return first, second, third
