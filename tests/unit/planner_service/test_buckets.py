"""The plan's time axis."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.plans.buckets import Buckets, shift


def day(text):
    return datetime.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("period", "frequency", "count", "expected"),
    [
        ("2026-02-28", "D", 1, "2026-03-01"),
        ("2026-12-28", "W", 1, "2027-01-04"),
        ("2026-12-01", "M", 1, "2027-01-01"),
        ("2026-01-01", "M", -1, "2025-12-01"),
        ("2026-03-01", "M", -15, "2024-12-01"),
    ],
)
def test_shift(period, frequency, count, expected):
    assert shift(day(period), frequency, count) == day(expected)


@given(st.integers(1900, 2100), st.integers(1, 12), st.integers(-200, 200), st.sampled_from("DWM"))
def test_shifting_back_is_the_inverse(year, month, count, frequency):
    start = datetime.date(year, month, 1)
    assert shift(shift(start, frequency, count), frequency, -count) == start


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2026-01-31", -1),
        ("2026-02-01", 0),
        ("2026-02-28", 0),
        ("2026-03-01", 1),
        ("2026-04-30", 2),
        ("2026-05-01", None),
    ],
)
def test_a_day_is_in_the_bucket_that_holds_it(text, number):
    buckets = Buckets([day("2026-02-01"), day("2026-03-01"), day("2026-04-01")], "M")
    assert buckets.number(day(text)) == number


def test_the_buckets_before_the_first():
    assert Buckets([day("2026-02-01")], "M").before(2) == [day("2025-12-01"), day("2026-01-01")]
