"""`make demo` on anybody's file, against the running stack; and the real data that it loads by default."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from demo import longfile, walmart
from demo.dataset import assume_supply

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path):
    lines = ["sku,store,date,sales,price"]
    for week in range(110):
        day = date(2023, 1, 2) + timedelta(weeks=week)
        price = 2.0 if week % 9 else 1.5
        lines += [f"tea,north,{day},{30 + week % 4 * 5 + (20 if price < 2 else 0)},{price}"]
        lines += [f"tea,south,{day},{60 + week % 13},{price}"]
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_demo_runs_on_ones_own_file(accord, file):
    port = accord.url.rpartition(":")[2]
    command = [sys.executable, "-m", "demo", "--data", str(file), "--port", port, "--data-dir", str(accord.data_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    decided = ("  accept    tea at", "  override  tea at")
    for part in ("sales.csv: 220 rows, 2 item-locations", "seasonal naive", *decided, "holds", "Done in"):
        assert part in done.stdout
    assert (accord.data_dir / "fan-chart-demo-sales.png").read_bytes().startswith(b"\x89PNG")


def test_a_long_file_is_understood(file):
    data = longfile.load(file)
    assert (data.frequency, data.week_start, data.horizon, data.next_period.date()) == ("W", 1, 13, date(2025, 2, 10))
    assert list(data.demand.columns) == ["item", "location", "period", "quantity"]
    assert [driver.name for driver in data.drivers] == ["price"]


def test_codes_are_kept_as_they_are_written(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("SKU,Store,date,sales\n007,010,2024-01-01,1\nNA,010,2024-01-08,2\n")
    demand = longfile.load(path).demand
    assert (demand["item"].tolist(), demand["location"].tolist()) == (["007", "NA"], ["010", "010"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku,sales\na,1\n", "period"),
        ("item,date,y\na,2024-01-01,-1\n", "net returns"),
        ("item,date,y\na,2024-01-01,1\na,2024-01-01,2\n", "twice"),
        ("item,date,y\na,2024-01-01,1\na,2024-02-01,1\na,2024-02-29,1\na,2024-03-31,1\n", "twice"),
        ("item,date,y\na,2024-01-01,1\n", "no history"),
        ("item,date,y\na,2024-01-01,some\n", "must be numbers"),
        ("item,date,y\na,2024-01-01,inf\n", "must be numbers"),
        ("item,date,y\na,soon,1\n", "a date"),
        ("item,date,y\n,2024-01-01,1\n", "an item"),
        ("", "cannot be read"),
        ("item,date,y\na,2024-01-01,1\na,2024-01-09,1\na,2024-01-16,1\n", "one day of the week"),
    ],
)
def test_a_file_that_cannot_be_planned_says_why(tmp_path, text, said):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(SystemExit, match=said):
        longfile.load(path)


def test_the_default_is_real_and_its_weeks_begin_on_saturday():
    data = walmart.load()
    assert (len(data.demand), data.demand["period"].nunique(), data.week_start) == (1001, 143, 6)
    assert set(data.demand["period"].dt.day_name()) == {"Saturday"}
    assert data.demand.loc[0, ["item", "location", "quantity"]].tolist() == ["dept-01", "store-1", 24924.50]
    holidays = next(driver for driver in data.drivers if driver.name == "holiday").values
    flagged = holidays.loc[holidays["value"] == 1, "period"].dt.strftime("%Y-%m-%d").tolist()
    assert flagged[:2] == ["2010-02-06", "2010-09-04"]
    assert flagged[-3:] == ["2012-11-17", "2012-12-22", "2013-02-02"]


def test_assumed_supply_is_the_same_each_time():
    data = walmart.load()
    first, again = assume_supply(data), assume_supply(data)
    assert first == again
    assert [rule["moq"] == 2 * rule["multiple"] for rule in first.rules] == [True] * 7
