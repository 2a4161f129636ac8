"""A recommendation in words. Every number in them is a field's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

VERBS = {"buy": "Buy", "produce": "Produce", "transfer": "Transfer", "expedite": "Expedite"}


def order(facts: Mapping[str, Any]) -> str:
    """What to do by when, and what it spares."""
    proposed = facts["order"]
    probability, inaction = proposed["stockout_probability"], proposed["cost_of_inaction"]
    return (
        f"{VERBS[facts['type']]} {plain(proposed['quantity'])} of {facts['item']} for {facts['location']} "
        f"from {proposed['source']}: release by {proposed['release_by']}, "
        f"to be received on {proposed['receipt_date']}. "
        f"It lowers the stock-out probability from {percent(probability['without'])} to "
        f"{percent(probability['with'])} and saves {inaction['mean']} {facts['currency']} of expected shortage cost."
    )


def capacity(facts: Mapping[str, Any]) -> str:
    """How much overtime, when, and what it spares."""
    proposed = facts["capacity"]
    periods = ", ".join(f"{plain(one['hours'])} from {one['period']}" for one in proposed["periods"])
    return (
        f"Add {plain(proposed['hours'])} hours of overtime to {facts['resource']}: {periods}. It costs "
        f"{proposed['cost']} {facts['currency']}; without it the plan would cost {proposed['net_benefit']} "
        f"{facts['currency']} more."
    )


def change(facts: Mapping[str, Any]) -> str:
    """How an order under way is to change, and what that saves."""
    proposed, currency = facts["change"], facts["currency"]
    chance = proposed["stockout_probability"]
    return (
        f"{_todo(facts)} It saves {proposed['holding_saved']} {currency} of holding cost and "
        f"{proposed['shortage_saved']} {currency} of shortage cost, {proposed['net_benefit']} {currency} in all; the "
        f"stock-out probability of the worst period goes from {percent(chance['without'])} to "
        f"{percent(chance['with'])}."
    )


def _todo(facts: Mapping[str, Any]) -> str:
    proposed = facts["change"]
    quantity, new, due = plain(proposed["quantity"]), plain(proposed["new_quantity"]), proposed["due"]
    order = f"order {proposed['reference']} ({quantity} of {facts['item']} for {facts['location']})"
    match facts["type"]:
        case "cancel":
            return f"Cancel {order}, due {due}: stock lasts without it."
        case "defer":
            return f"Defer {order} from {due} to {proposed['new_due']}: stock lasts without it."
        case "expedite":
            return f"Expedite {order} from {due} to {proposed['new_due']} if that can be: stock runs short before."
        case "decrease":
            return f"Decrease {order}, due {due}, to {new}: stock lasts with less."
        case _:
            return f"Increase {order}, due {due}, to {new}: no other order is needed then."


def disposal(facts: Mapping[str, Any]) -> str:
    """How much stock to part with, and why."""
    proposed = facts["disposal"]
    return (
        f"Sell off or dispose of {plain(proposed['quantity'])} of {plain(proposed['on_hand'])} of {facts['item']} "
        f"in {facts['location']}: at {plain(proposed['demand_per_period'])} a period a unit is worth keeping for "
        f"{plain(proposed['worth_keeping_periods'])} periods. Holding them over the plan costs "
        f"{proposed['net_benefit']} {facts['currency']}."
    )


def parameter(facts: Mapping[str, Any]) -> str:
    """Which value to correct, and what disproves it."""
    proposed = facts["parameter"]
    source, late = proposed["record"]["key"]["source"], proposed["mean_late"]
    return (
        f"Change the lead time of {facts['item']} for {facts['location']} from {source}: {plain(proposed['proposed'])} "
        f"in place of {plain(proposed['current'])} periods, with a spread of {plain(proposed['proposed_spread'])}. "
        f"{proposed['deliveries']} deliveries came {plain(abs(late))} periods {'late' if late > 0 else 'early'} on "
        f"average, with a standard error of {plain(proposed['standard_error'])}."
    )


def bias(facts: Mapping[str, Any]) -> str:
    """What people change again and again, and what that was worth."""
    told = facts["bias"]
    whom = f"of {facts['item']} for {facts['location']}" if facts["item"] else f"for the reason {told['reason_code']}"
    way = "up" if told["mean_change"] > 0 else "down"
    return (
        f"Look at the forecast and the policy: {told['overrides']} overrides {whom} went {way} by "
        f"{percent(abs(told['mean_change']))} on average and were better than the recommendations by "
        f"{told['value_added']} {facts['currency']} each ({told['low']} to {told['high']})."
    )


def plain(number: float) -> str:
    """All digits of a number, without exponent or trailing zeros."""
    return f"{Decimal(repr(number)).normalize():f}"


def percent(share: float) -> str:
    return f"{plain(float(Decimal(repr(share)) * 100))} %"
