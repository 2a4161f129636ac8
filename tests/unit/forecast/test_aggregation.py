"""Aggregates: means that add up, quantiles of what is summed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from services.forecast.engine import aggregation
from services.forecast.engine.aggregation import Margins, aggregate
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.hierarchy import Hierarchy, Rule
from services.forecast.engine.levels import all_levels, levels

SCORES = ndtri(np.array(QUANTILES))


def normal(n: int, horizon: int = 3, mean: float = 100, deviation: float = 10) -> Margins:
    means = np.full((n, horizon), float(mean))
    return Margins(means, means[..., None] + deviation * SCORES, np.full(n, 0.2))


def series(n: int, groups: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": [f"{row:04d}" for row in range(n)],
            "location": "north",
            "band": [str(row % groups) for row in range(n)],
        }
    )


def width(quantiles: np.ndarray) -> float:
    """Standard deviation that the 80 % interval tells."""
    return float((quantiles[..., 9] - quantiles[..., 1]).mean() / (2 * SCORES[9]))


def test_independent_items_add_up_as_squares():
    table = series(100)
    total, band = aggregate(table, normal(100), levels(table), Hierarchy.none())
    np.testing.assert_allclose(total.mean, 10_000)
    assert width(total.quantiles) == pytest.approx(100, rel=0.1)
    assert width(band.quantiles) == pytest.approx(50, rel=0.1)


def test_what_all_items_share_adds_up_plainly():
    table, shared = series(100), Hierarchy({"total": Rule(share=0.5)})
    total, band = aggregate(table, normal(100), levels(table), shared)
    assert width(total.quantiles) == pytest.approx(np.sqrt(0.5 * 1000**2 + 0.5 * 100**2), rel=0.05)
    assert width(band.quantiles) == pytest.approx(np.sqrt(0.5 * 250**2 + 0.5 * 50**2), rel=0.05)


def test_what_a_band_shares_widens_the_band_more_than_the_total():
    table, shared = series(100), Hierarchy({"band": Rule(share=0.5)})
    total, band = aggregate(table, normal(100), levels(table), shared)
    assert width(band.quantiles) == pytest.approx(np.sqrt(0.5 * 250**2 + 0.5 * 50**2), rel=0.05)
    assert width(total.quantiles) == pytest.approx(2 * width(band.quantiles), rel=0.15)


def test_a_node_of_one_item_has_its_quantiles():
    table, margins = series(3), normal(3)
    found = {one.level.name: one for one in aggregate(table, margins, all_levels(table), Hierarchy.none())}
    assert found["item"].quantiles.tolist() == margins.quantiles.tolist()
    assert found["location"].quantiles.tolist() == found["total"].quantiles.tolist()


def test_in_parts_as_in_one(monkeypatch):
    table, shared = series(60, 7), Hierarchy({"total": Rule(share=0.3)})
    whole = aggregate(table, normal(60), levels(table), shared)
    monkeypatch.setattr(aggregation, "_HELD", 2 * 200 * 3)
    monkeypatch.setattr(aggregation, "_BLOCK_SERIES", 11)
    parts = aggregate(table, normal(60), levels(table), shared)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one.quantiles, other.quantiles, rtol=1e-5)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_nodes_are_coherent_ordered_and_not_negative(n, groups, seed):
    random = np.random.default_rng(seed)
    quantiles = np.sort(random.gamma(0.3, 5, (n, 2, len(QUANTILES))), axis=2)
    margins = Margins(quantiles.mean(axis=2), quantiles, random.uniform(0, 1, n))
    table = series(n, groups)
    for one in aggregate(table, margins, all_levels(table), Hierarchy({"band": Rule(share=0.4)})):
        np.testing.assert_allclose(one.mean.sum(axis=0), margins.mean.sum(axis=0))
        assert (one.quantiles >= 0).all()
        assert (np.diff(one.quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_a_bit(threads, monkeypatch):
    monkeypatch.setattr(aggregation, "_BLOCK_SERIES", 7)
    table, shared = series(60), Hierarchy({"total": Rule(share=0.2), "band": Rule(share=0.3)})
    alone = aggregate(table, normal(60), all_levels(table), shared, 2)
    for mine, theirs in zip(aggregate(table, normal(60), all_levels(table), shared, threads), alone, strict=True):
        assert np.array_equal(mine.quantiles, theirs.quantiles)
