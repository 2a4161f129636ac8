"""Weighted least squares against systems that were solved by hand or as dense matrices."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.forecast.engine.levels import levels
from services.forecast.engine.reconciliation import Told, factors

SERIES = pd.DataFrame({"item": list("AABB"), "location": list("xyxy")})
LEVELS = {level.name: level for level in levels(SERIES)}
SIZES = st.floats(0.01, 1e6)


def told(level: str, target: list[float], weight: float) -> Told:
    return Told(LEVELS[level], np.array(target), weight)


def test_one_level_moves_its_nodes_by_its_weight_and_items_by_their_variance():
    """Item A: told 8 where its locations say 1 and 3; a quarter of the 4 is theirs to share, as 1 : 4."""
    found = factors(np.array([1.0, 3, 2, 4]), np.array([1.0, 2, 1, 1]), [told("item", [8, 3], 0.25)])
    np.testing.assert_allclose(found, [1.2, 1 + 0.8 / 3, 1 - 0.375 / 2, 1 - 0.375 / 4])


def test_two_items_at_two_locations_as_solved_by_hand():
    """Base and deviation 1 everywhere, weights 0.5: each node's sum is 2 with variance 2.

    Item A is told 4, all others 2. With multipliers p, q of the items and r, s of the locations: 4 p + r + s = 2;
    4 q + r + s = 0; p + q + 4 r = 0; p + q + 4 s = 0, so that p = 7 / 12, q = 1 / 12, r = s = -1 / 6.
    """
    nodes = [told("item", [4, 2], 0.5), told("location", [2, 2], 0.5)]
    found = factors(np.ones(4), np.ones(4), nodes)
    np.testing.assert_allclose(found, [1 + 5 / 12, 1 + 5 / 12, 1 - 1 / 12, 1 - 1 / 12])


@given(
    base=arrays(float, 4, elements=SIZES),
    relative=arrays(float, 4, elements=st.floats(0, 3)),
    items=arrays(float, 2, elements=SIZES),
    locations=arrays(float, 2, elements=SIZES),
    weights=st.tuples(st.floats(0.05, 0.9), st.floats(0.05, 0.9)),
)
@settings(max_examples=50, deadline=None)
def test_the_solution_is_that_of_the_dense_system(base, relative, items, locations, weights):
    nodes = [told("item", items, weights[0]), told("location", locations, weights[1])]
    found = factors(base, relative * base, nodes)
    summing = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1.0]])
    variance, weight = (np.maximum(relative, 0.1) * base) ** 2, np.repeat(weights, 2)
    system = (summing * variance) @ summing.T + np.diag(summing @ variance * (1 - weight) / weight)
    gap = np.minimum(np.concatenate([items, locations]), 10 * summing @ base) - summing @ base
    scale = 1 / np.sqrt(np.diag(system))
    multipliers = scale * np.linalg.solve(system * np.outer(scale, scale), scale * gap)
    np.testing.assert_allclose(found, np.clip(1 + variance * (summing.T @ multipliers) / base, 0.5, 2), rtol=1e-4)


@given(base=arrays(float, 4, elements=st.floats(0, 1e6)), target=st.floats(0, 1e9))
@settings(max_examples=50, deadline=None)
def test_without_weight_nothing_moves_and_nothing_becomes_negative(base, target):
    assert factors(base, base, [told("total", [target], 0.0)]).tolist() == [1, 1, 1, 1]
    assert (factors(base, base, [told("total", [target], 0.9)]) >= 0.5).all()


def test_a_node_that_is_told_nothing_stays():
    found = factors(np.array([1.0, 3, 0, 0]), np.ones(4), [told("item", [np.nan, 5], 0.5)])
    np.testing.assert_allclose(found, 1, rtol=1e-6)


def test_a_node_that_is_told_nothing_holds_nobody_back():
    base, nodes = np.full(4, 1e9), [told("item", [np.nan, 2e9], 0.5), told("total", [6e9], 0.5)]
    alone = factors(base, base, [told("item", [np.nan, 2e9], 0.5), told("total", [4e9], 0.5)])
    np.testing.assert_allclose(alone, 1)
    found = factors(base, base, nodes)
    assert found[:2] == pytest.approx([1 + 1 / 3.5] * 2, rel=1e-6)


def test_what_aggregates_ask_for_is_bounded():
    assert factors(np.ones(4), np.ones(4), [told("total", [4_000], 0.9)]).tolist() == [2, 2, 2, 2]


def test_a_level_that_is_hardly_doubted_is_met():
    assert factors(np.ones(4), np.zeros(4), [told("total", [6], 1.0)]) == pytest.approx([1.49] * 4)
