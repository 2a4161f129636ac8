"""Small synthetic panels whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.calendar import Frequency, buckets
from services.forecast.engine.model import Model
from services.forecast.engine.panel import DEFAULT_SEASON, DriverPanel, Panel
from services.forecast.engine.training import train


def panel_of(
    demand,
    *,
    frequency: Frequency = "M",
    horizon: int = 3,
    season: int | None = None,
    drivers: tuple[DriverPanel, ...] = (),
    **columns,
) -> Panel:
    """Wrap demand [n, T]; series are item 000, 001, ... at one location unless `columns` say otherwise."""
    demand = np.asarray(demand, dtype=np.float32)
    n, length = demand.shape
    line = buckets(frequency, np.datetime64("2020-01-06" if frequency == "W" else "2020-01-01"), length + horizon)
    series = pd.DataFrame({"item": [f"{row:03d}" for row in range(n)], "location": "north"} | columns)
    season = season or DEFAULT_SEASON[frequency]
    return Panel(frequency, season, line[:length], line[length:], series, demand, drivers)


def seasonal_demand(n: int = 24, length: int = 60, seed: int = 1) -> np.ndarray:
    """Poisson demand [n, length] with a yearly cycle and a level per series."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(20, 200, (n, 1))
    cycle = 1 + 0.6 * np.sin(2 * np.pi * np.arange(length) / 12)
    return rng.poisson(level * cycle).astype(float)


@pytest.fixture(scope="session")
def seasonal_panel() -> Panel:
    return panel_of(seasonal_demand(), horizon=4, category=["even", "odd"] * 12)


@pytest.fixture(scope="session")
def seasonal_model(seasonal_panel: Panel) -> Model:
    return train(seasonal_panel, threads=1)
