"""Amounts of the area's currency out of the engine's floating-point numbers."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

CENT = Decimal("0.01")
RATE = Decimal("0.000001")
WIDE = Context(prec=100, rounding=ROUND_HALF_EVEN)  # no amount loses a cent, however large


def money(amount: float) -> Decimal:
    """Rounded to two digits; nothing is shown as 0.00, never as -0.00."""
    return WIDE.plus(WIDE.quantize(Decimal(amount), CENT))


def total(*amounts: Decimal) -> Decimal:
    """The sum, to the cent."""
    return reduce(WIDE.add, amounts)


def rate(amount: float) -> Decimal:
    """An amount per unit, which cents are too coarse for: six digits, without trailing zeros beyond the cents."""
    exact = WIDE.quantize(Decimal(amount), RATE)
    cents = WIDE.quantize(exact, CENT)
    return cents if cents == exact else WIDE.normalize(exact)
