"""A panel made on the spot: levels, a season, promotions known ahead, slow movers; the same on every machine."""

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Dates, Floats
from services.forecast.engine.panel import DriverDefinition, DriverPanel, Panel

ITEMS, WEEKS = 120, 130
SLOW = 3  # every third item sells rarely
UPLIFT = 0.8
SHOPS, CATEGORIES, BLOCK = 10, 7, 1000


def weekly() -> pd.DataFrame:
    """item, location, period, quantity, promotion; Poisson demand with a yearly cycle."""
    random = np.random.default_rng(11)
    level = random.uniform(8, 80, (ITEMS, 1))
    level[::SLOW] /= 60
    week = np.arange(WEEKS)
    season = 1 + 0.4 * np.sin(2 * np.pi * (week / 52 + random.uniform(-0.05, 0.05, (ITEMS, 1))))
    promotion = (random.random((ITEMS, WEEKS)) < 0.15).astype(float)
    quantity = random.poisson(level * season * (1 + UPLIFT * promotion)).astype(float)
    periods = np.datetime64("2023-01-02") + 7 * week.astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "item": np.repeat([f"item-{number:03d}" for number in range(ITEMS)], WEEKS),
            "location": "north",
            "period": np.tile(periods, ITEMS).astype("datetime64[us]"),
            "quantity": quantity.ravel(),
            "promotion": promotion.ravel(),
        }
    )


def daily(series: int, periods: int, horizon: int) -> Panel:
    """A chain's shops: slow movers, a weekly and a yearly cycle, price and promotion known ahead.

    Demand is negative binomial; in 60 to 70 % of all periods there is none. Made in blocks and held as float32: there
    is never much more in memory than the panel itself.
    """
    random = np.random.default_rng(23)
    dates = np.datetime64("2020-01-01") + np.arange(periods + horizon).astype("timedelta64[D]")
    demand = np.empty((series, periods), dtype=np.float32)
    price, promotion = (np.empty((series, periods + horizon), dtype=np.float32) for _ in range(2))
    for start in range(0, series, BLOCK):
        rows = slice(start, start + BLOCK)
        promotion[rows], price[rows] = _offers(random, *promotion[rows].shape)
        demand[rows] = _sales(random, dates, price[rows], promotion[rows])[:, :periods]
    drivers = (
        DriverPanel(DriverDefinition("price", "price"), price),
        DriverPanel(DriverDefinition("promotion", "promotion"), promotion),
    )
    return Panel("D", 7, dates[:periods], dates[periods:], _names(series), demand, drivers)


def _names(series: int) -> pd.DataFrame:
    """item, location and category: ten shops sell the same items."""
    number = np.arange(series)
    item = pd.Series(number // SHOPS).map("item-{:05d}".format)
    category = pd.Series(number // SHOPS % CATEGORIES).map("category-{}".format)
    return pd.DataFrame({"item": item, "location": [f"shop-{shop}" for shop in number % SHOPS], "category": category})


def _offers(random: np.random.Generator, series: int, periods: int) -> tuple[Floats, Floats]:
    """Promotion (0 or 1, whole weeks) and price of each series and period."""
    weeks = -(-periods // 7)
    promotion = np.repeat(random.random((series, weeks)) < 0.08, 7, axis=1)[:, :periods].astype(np.float32)
    steps = np.repeat(random.normal(0, 0.01, (series, weeks)).cumsum(axis=1), 7, axis=1)[:, :periods]
    price = random.uniform(1, 20, (series, 1)) * np.exp(steps) * (1 - 0.2 * promotion)
    return promotion, price.astype(np.float32)


def _sales(random: np.random.Generator, dates: Dates, price: Floats, promotion: Floats) -> Floats:
    """Units sold of each series and period; some items come into the range late and are unknown before."""
    series, periods = price.shape
    day = np.arange(periods)
    level = np.exp(random.normal(-1.2, 1.3, (series, 1)))
    week = 1 + 0.35 * np.isin(dates.astype("datetime64[D]").view("int64") % 7, (2, 3))
    year = 1 + 0.2 * np.sin(2 * np.pi * (day / 365.25 + random.uniform(0, 0.2, (series, 1))))
    relative = price / price.mean(axis=1, keepdims=True)
    mean = level * week * year * relative**-1.5 * (1 + 0.5 * promotion)
    units = random.poisson(mean * random.gamma(2.0, 0.5, (series, periods))).astype(np.float32)
    first = np.where(random.random(series) < 0.3, random.integers(0, periods // 3, series), 0)
    found: Floats = np.where(day < first[:, None], np.float32(np.nan), units)
    return found
