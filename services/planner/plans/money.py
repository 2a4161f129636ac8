"""Amounts of the area's currency out of the engine's floating-point numbers."""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
RATE = Decimal("0.000001")


def money(amount: float) -> Decimal:
    """Rounded to two digits; nothing is shown as 0.00, never as -0.00."""
    return Decimal(amount).quantize(CENT, ROUND_HALF_EVEN) + 0


def rate(amount: float) -> Decimal:
    """An amount per unit, which cents are too coarse for: six digits, without trailing zeros beyond the cents."""
    exact = Decimal(amount).quantize(RATE, ROUND_HALF_EVEN)
    cents = exact.quantize(CENT, ROUND_HALF_EVEN)
    return cents if cents == exact else exact.normalize()
