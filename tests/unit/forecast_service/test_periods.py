"""Every day lies in one period, which begins on or before it and on the area's calendar."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecast import periods
from shared.parse import Raw
from shared.rows import Reader
from shared.schemas import Date, Schema
from tests.unit.inside import profile

days = st.dates(datetime.date(1900, 2, 1), datetime.date(2200, 12, 31))
areas = st.builds(
    lambda frequency, week_start: profile(frequency=frequency, week_start=week_start),
    st.sampled_from("DWM"),
    st.integers(1, 7),
)


class Dated(Schema):
    period: Date


@given(areas, days)
def test_a_period_begins_on_or_before_each_of_its_days(area, day):
    start = periods.start_of(area, day)
    assert start <= day
    assert periods.start_of(area, start) == start
    assert (day - start).days < {"D": 1, "W": 7, "M": 31}[area.frequency]


@given(areas, days)
def test_the_day_before_a_start_lies_in_an_earlier_period(area, day):
    start = periods.start_of(area, day)
    assert periods.start_of(area, start - datetime.timedelta(days=1)) < start


@pytest.mark.parametrize(
    ("frequency", "week_start", "start"),
    [
        ("D", 1, "2024-05-15"),
        ("W", 1, "2024-05-13"),
        ("W", 7, "2024-05-12"),
        ("W", 3, "2024-05-15"),
        ("M", 1, "2024-05-01"),
    ],
)
def test_a_wednesday(frequency, week_start, start):
    area = profile(frequency=frequency, week_start=week_start)
    assert periods.start_of(area, datetime.date(2024, 5, 15)).isoformat() == start


def test_a_row_off_the_calendar_is_told_the_right_date():
    days = {"period": ["2024-05-13", "2024-05-15"]}
    rows, _ = Reader(Dated, cells=False).read(Raw([0, 1], days, []))
    finding = periods.off_calendar(profile(frequency="W"), rows)
    assert finding.problem is periods.OffCalendar
    [fault] = finding.faults
    assert (fault.row, fault.field) == (1, "period")
    assert fault.detail.endswith("begins on 2024-05-13")
