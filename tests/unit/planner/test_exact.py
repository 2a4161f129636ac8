"""What makes a plan of changed rows the same as a plan of all: sums without order, rows without neighbours."""

from dataclasses import fields
from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.planner.engine.exact import BASE, FINEST, add_up, carried, total
from services.planner.engine.plan import comparison, plan
from tests.unit.planner.cases import random_case
from tests.unit.planner.test_plan import rows_of

amounts = st.one_of(st.floats(0, 1e6), st.floats(0, 1e30), st.integers(0, 10**15).map(float))
tables = arrays.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(3)), elements=amounts)
few = settings(max_examples=40, deadline=None)


@given(tables)
def test_limbs_hold_the_exact_sum(values: np.ndarray) -> None:
    limbs = add_up(values)
    for column in range(3):
        rounded = [Fraction(float(np.rint(value / FINEST) * FINEST)) for value in values[:, column]]
        found = Fraction(0)
        for limb in limbs[:, column].tolist():
            found = found * int(BASE) + Fraction(limb)
        assert found * Fraction(FINEST) == sum(rounded)
        assert (
            abs(total(limbs)[column] - values[:, column].sum())
            <= len(values) * FINEST + 1e-14 * values[:, column].sum()
        )


@given(tables, st.randoms())
def test_parts_go_out_and_in_without_a_trace(values: np.ndarray, random: Random) -> None:
    order = list(range(len(values)))
    random.shuffle(order)
    cut = len(order) // 2
    whole = add_up(values)
    part, rest = add_up(values[order[:cut]]), add_up(values[order[cut:]])
    for found in (part + rest, whole - part + part):
        assert np.array_equal(carried(found), whole)
        assert np.array_equal(total(found), total(whole))


@given(tables, arrays.arrays(np.float64, 20, elements=st.floats(0, 1e4)))
def test_weights_are_taken_into_the_values(values: np.ndarray, weights: np.ndarray) -> None:
    own = weights[: len(values)]
    assert np.array_equal(add_up(values, own), add_up(values * own[:, None]))


@few
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_a_rows_numbers_do_not_depend_on_its_neighbours(seed: int, data: st.DataObject) -> None:
    supply, demand = random_case(seed, n=12, periods=14, order_cost=np.tile([0.0, 30.0, 300.0], 4))
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, 11), min_size=1, max_size=6))))
    whole, part = plan(supply, demand, paths=30), plan(supply.rows(rows), demand.rows(rows), paths=30)
    alone = rows_of(part)
    for name, values in rows_of(whole).items():
        assert values[rows].tobytes() == alone[name].tobytes(), name


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_figures_of_changed_rows_in_place_of_the_old_ones_are_those_of_a_whole_plan(seed: int) -> None:
    before, demand = random_case(seed, n=10)
    changed = np.array([2, 7])
    after, _ = random_case(seed, n=10, on_hand=np.where(np.isin(np.arange(10), changed), 99.0, before.on_hand))
    old, new = (plan(one.rows(changed), demand.rows(changed), paths=30).tallies for one in (before, after))
    base, wanted = plan(before, demand, paths=30), plan(after, demand, paths=30)
    patched = tuple(b - o + n for b, o, n in zip(base.tallies, old, new, strict=True))
    found, whole = comparison(patched, 10), wanted.kpis  # type: ignore[arg-type]
    assert [getattr(found, f.name) for f in fields(found)] == [getattr(whole, f.name) for f in fields(whole)]
