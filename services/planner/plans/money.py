"""Amounts of the area's currency out of the engine's floating-point numbers."""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")


def money(amount: float) -> Decimal:
    """Rounded to two digits; nothing is shown as 0.00, never as -0.00."""
    return Decimal(amount).quantize(CENT, ROUND_HALF_EVEN) + 0
