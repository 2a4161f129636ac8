"""Amounts, rates and numbers in words."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.plans.money import money, rate
from services.planner.plans.sentence import percent, plain


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0.0, "0.00"), (-0.001, "0.00"), (1.005, "1.00"), (2.675, "2.67"), (1e9, "1000000000.00"), (-3.456, "-3.46")],
)
def test_money_has_two_digits(amount, shown):
    assert str(money(amount)) == shown


@pytest.mark.parametrize(("amount", "shown"), [(4.0, "4.00"), (0.04, "0.04"), (0.0385, "0.0385"), (1 / 52, "0.019231")])
def test_a_rate_has_as_many_digits_as_it_needs(amount, shown):
    assert str(rate(amount)) == shown


@given(st.floats(-1e12, 1e12))
def test_rounding_stays_within_half_a_cent(amount):
    assert abs(money(amount) - Decimal(amount)) <= Decimal("0.005")


@pytest.mark.parametrize(("share", "shown"), [(0.0, "0 %"), (1.0, "100 %"), (0.625, "62.5 %"), (0.07, "7 %")])
def test_percent(share, shown):
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(120.0, "120"), (0.3, "0.3"), (1e-05, "0.00001"), (1e15, "1" + "0" * 15)]
)
def test_plain(number, shown):
    assert plain(number) == shown
