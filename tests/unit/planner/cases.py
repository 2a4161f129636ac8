"""Small supply and demand tables for the engine's tests."""

from typing import Any

import numpy as np
from scipy.special import ndtri

from services.planner.engine.inputs import ENDLESS, Demand, Floats, Supply
from shared.paths import sample, series_seeds

LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def supply_of(n: int = 1, periods: int = 6, **given: Any) -> Supply:
    """n item-locations that order any whole unit for the next bucket, with `given` fields in place of these."""
    fields: dict[str, Any] = {
        "on_hand": 0.0,
        "receipts": np.zeros((n, periods)),
        "lead_time": 0,
        "lead_spread": 0.0,
        "review": 1,
        "fence": 0,
        "moq": 0.0,
        "multiple": 1.0,
        "max_qty": np.inf,
        "unit_cost": 1.0,
        "order_cost": 0.0,
        "holding_cost": 0.2,
        "shortage_cost": np.nan if {"service_target", "fill_target"} & given.keys() else 1.0,
        "service_target": np.nan,
        "fill_target": np.nan,
        "backlog": False,
        "shelf_life": ENDLESS,
        "closed": np.zeros((n, periods), dtype=bool),
    }
    unknown = given.keys() - fields.keys()
    assert not unknown, unknown
    whole = {"lead_time", "review", "fence", "shelf_life"}
    arrays = {}
    for name, value in {**fields, **given}.items():
        kind = np.int64 if name in whole else np.bool_ if name in {"backlog", "closed"} else np.float64
        values = np.asarray(value, dtype=kind)
        if name in {"unit_cost", "order_cost"}:
            values = np.broadcast_to(values[:, None] if values.ndim == 1 else values, (n, periods)).copy()
        arrays[name] = values if values.ndim else np.full(n, values)
    return Supply(**arrays)


def demand_of(mean: Floats, spread: float = 0.0, rho: float = 0.0, seed: int = 0) -> Demand:
    """Normal demand round mean [n, T] with standard deviation spread x mean, quantiles cut at 0."""
    n = len(mean)
    grid = np.maximum(mean[:, :, None] * (1 + spread * ndtri(LEVELS)), 0)
    seeds = series_seeds((f"item-{row}" for row in range(n)), seed)
    return Demand(
        levels=LEVELS, grid=grid, mean=mean, rho=np.full(n, rho), seeds=seeds, recent=np.repeat(mean[:, :1], 13, 1)
    )


def paths_of(demand: Demand, count: int = 200) -> np.ndarray:
    """Joint paths [n, count, T] of a forecast."""
    return sample(demand.levels, demand.grid, demand.mean, rho=demand.rho, seeds=demand.seeds, paths=count)


def random_case(seed: int, n: int = 3, periods: int = 10, **given: Any) -> tuple[Supply, Demand]:
    """A mixed bag of item-locations: lost sales and backlog, lots, receipts, order costs; fixed by the seed."""
    random = np.random.default_rng(seed)
    scale = random.uniform(2, 40, n)
    drawn: dict[str, Any] = {
        "on_hand": random.uniform(0, 4, n) * scale,
        "receipts": scale[:, None] * (random.random((n, periods)) < 0.2),
        "lead_time": random.integers(0, 4, n),
        "review": random.integers(1, 4, n),
        "fence": random.integers(0, 2, n),
        "moq": random.choice([0.0, 1.0, 3.0], n) * scale,
        "multiple": random.choice([1.0, 6.0, 2.5], n),
        "max_qty": random.choice([np.inf, 50.0], n) + 4 * scale,
        "order_cost": random.choice([0.0, 5.0, 40.0], n),
        "holding_cost": random.uniform(0.05, 0.5, n),
        "shortage_cost": random.uniform(0.1, 6, n),
        "unit_cost": random.uniform(0.5, 9, n),
        "backlog": random.random(n) < 0.5,
    }
    mean = scale[:, None] * random.uniform(0.2, 2, (n, periods))
    return supply_of(n, periods, **{**drawn, **given}), demand_of(mean, spread=0.4, rho=0.3, seed=seed)
