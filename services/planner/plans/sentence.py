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
    """Which order under way is to come later or not at all, and what that saves."""
    proposed, currency = facts["change"], facts["currency"]
    chance, until = proposed["stockout_probability"], proposed["new_due"]
    what = f"order {proposed['reference']} ({plain(proposed['quantity'])} of {facts['item']} for {facts['location']})"
    todo = f"Defer {what} from {proposed['due']} to {until}" if until else f"Cancel {what}, due {proposed['due']}"
    return (
        f"{todo}: stock lasts without it. It saves {proposed['holding_saved']} {currency} of holding cost, "
        f"{proposed['net_benefit']} {currency} in all; the stock-out probability of the worst period goes from "
        f"{percent(chance['without'])} to {percent(chance['with'])}."
    )


def plain(number: float) -> str:
    """All digits of a number, without exponent or trailing zeros."""
    return f"{Decimal(repr(number)).normalize():f}"


def percent(share: float) -> str:
    return f"{plain(float(Decimal(repr(share)) * 100))} %"
