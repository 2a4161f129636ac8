"""Where safety stock lies in trees, against all promises that could be made, and by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.engine.network.echelons import placement

MOST = 6


def cheapest(edges, lead_time, cost, serves):
    """The least cost of all promises: each waits for the longest of its suppliers'."""
    found = np.inf
    for promised in itertools.product(range(MOST + 1), repeat=len(lead_time)):
        waited = [max((promised[a] for a, b in edges if b == node), default=0) for node in range(len(lead_time))]
        net = [waited[node] + lead_time[node] - promised[node] for node in range(len(lead_time))]
        if all(0 <= each <= MOST for each in net) and not any(np.array(promised)[serves]):
            found = min(found, sum(cost[node, each] for node, each in enumerate(net)))
    return found


@st.composite
def trees(draw):
    n = draw(st.integers(1, 4))
    edges = []
    for node in range(1, n):
        pair = (draw(st.integers(0, node - 1)), node)
        edges.append(pair if draw(st.booleans()) else pair[::-1])
    lead_time = np.array(draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    steps = draw(st.lists(st.integers(0, 9), min_size=n * MOST, max_size=n * MOST))
    cost = np.pad(np.cumsum(np.array(steps, dtype=float).reshape(n, MOST), axis=1), ((0, 0), (1, 0)))
    customers = {supplier for supplier, _ in edges}
    serves = np.array([node not in customers or draw(st.booleans()) for node in range(n)])
    return edges, lead_time, cost, serves


@given(trees())
def test_no_promises_cost_less(case):
    edges, lead_time, cost, serves = case
    found = placement(*case)
    assert np.array_equal(found.covered, found.waited + lead_time - found.promised)
    assert not np.any(found.promised[serves])
    for supplier, customer in edges:
        assert found.waited[customer] >= found.promised[supplier]
    total = cost[np.arange(len(lead_time)), found.covered].sum()
    assert total == cheapest(edges, lead_time, cost, serves)


def test_stock_lies_where_it_is_cheap_and_pools_or_where_it_is_near():
    """A depot a third as dear as the shop, four and one buckets away: sqrt(4) / 3 + 1; all in the shop sqrt(5)."""
    roots = np.sqrt(np.arange(MOST + 1.0))
    edges, lead_time, serves = [(0, 1)], np.array([4, 1]), np.array([False, True])
    found = placement(edges, lead_time, np.stack([roots / 3, roots]), serves)
    assert (found.promised.tolist(), found.covered.tolist()) == ([0, 0], [4, 1])
    found = placement(edges, lead_time, np.stack([roots, roots]), serves)  # 2 + 1 against 2.24
    assert (found.promised.tolist(), found.covered.tolist()) == ([4, 0], [0, 5])


@pytest.mark.parametrize("n", [1, 5])
def test_a_line_of_item_locations_that_all_serve_holds_stock_everywhere(n):
    cost = np.tile(np.arange(MOST + 1.0), (n, 1))
    edges = [(node, node + 1) for node in range(n - 1)]
    found = placement(edges, np.ones(n, dtype=np.int64), cost, np.ones(n, dtype=bool))
    assert found.covered.tolist() == [1] * n
