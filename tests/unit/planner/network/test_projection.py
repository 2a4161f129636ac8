"""Networks on sample paths: what their sums are made of."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.engine.exact import carried, total
from services.planner.engine.kpis import MEASURES
from services.planner.engine.network.projection import project
from tests.unit.planner.cases import supply_of
from tests.unit.planner.network.networks import loads_of, network_of, nodes_of, options_of, resources_of

MONEY = ("holding", "shortage", "ordering", "purchase")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_sums_of_networks_that_share_nothing_add_up_to_the_last_bit(seed: int) -> None:
    """Three item-locations with a machine each, in any units and prices, told as one network and as three."""
    random = np.random.default_rng(seed)
    n, periods, paths = 3, 5, 7
    scale = 10.0 ** random.integers(-3, 6, (n, 1))
    costs = {"holding_cost": random.random(n) + 0.1, "backlog": random.random(n) < 0.5}
    supply = supply_of(n, periods, unit_cost=random.random(n), shortage_cost=random.random(n) * 9, **costs)
    network = network_of(
        nodes_of(random.random((n, periods)) * scale, shortage_cost=supply.penalty, **costs),
        options_of(range(n), periods, unit_cost=random.random((n, periods)), order_cost=random.random((n, 1))),
        loads=loads_of(*((row, row, float(random.random()), 0.1) for row in range(n))),
        resources=resources_of(random.random(n) * scale[:, 0] / 4, periods, overtime=1e9, overtime_cost=1.1),
    )
    drawn = random.random((n, paths, periods)) * scale[:, None]
    release = random.random((n, periods)) * scale * (random.random((n, periods)) < 0.7)
    whole = project(network, supply, release, drawn)
    parts = []
    for row in range(n):
        mine = np.array([row])
        part, options, _ = network.part(mine)
        parts.append(project(part, supply.rows(mine), release[options], drawn[mine]).tally)
    added = parts[0] + parts[1] + parts[2]
    for name in MEASURES:
        assert np.array_equal(carried(getattr(added, name)), getattr(whole.tally, name)), name
    assert added.cells == whole.tally.cells == n * periods
    for name in MONEY:
        told = getattr(whole.lines, f"{name}_cost").sum()
        assert total(getattr(whole.tally, name)).mean() == pytest.approx(told, rel=1e-9, abs=1e-5), name
    assert total(whole.tally.overtime).mean() == pytest.approx(1.1 * whole.overtime.sum(), rel=1e-9, abs=1e-5)
    assert {field.name for field in fields(whole.tally)} == {*MEASURES, "cells"}
