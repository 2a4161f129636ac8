"""A panel made on the spot: levels, a season, promotions known ahead, slow movers; the same on every machine."""

import numpy as np
import pandas as pd

ITEMS, WEEKS = 120, 130
SLOW = 3  # every third item sells rarely
UPLIFT = 0.8


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
