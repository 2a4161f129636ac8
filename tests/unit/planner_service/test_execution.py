"""Where a recommendation stands by what the ERP tells of its orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.recommendations.decisions import IllegalMove, Move, State, after
from services.planner.recommendations.execution import NEXT, actions, standing


@pytest.mark.parametrize(
    ("orders", "status"),
    [
        (["released"], "released"),
        (["partially_received"], "partially_executed"),
        (["received"], "executed"),
        (["failed"], "proposed"),
        (["released", "received"], "partially_executed"),
        (["released", "failed"], "released"),
        (["received", "failed"], "executed"),
        (["received", "received"], "executed"),
        (["failed", "failed"], "proposed"),
    ],
)
def test_its_orders_give_the_status(orders, status):
    assert standing(orders) == status


@pytest.mark.parametrize(
    ("status", "orders", "expected"),
    [
        ("accepted", ["released"], ["release"]),
        ("overridden", ["partially_received"], ["release", "receive"]),
        ("accepted", ["received"], ["release", "complete"]),
        ("accepted", ["failed"], ["fail"]),
        ("released", ["released", "released"], ["report"]),
        ("released", ["received"], ["complete"]),
        ("partially_executed", ["received", "received"], ["complete"]),
        ("executed", ["received"], ["report"]),
    ],
)
def test_a_release_that_was_not_told_is_caught_up_on(status, orders, expected):
    assert actions(status, orders) == expected


@given(st.data(), st.sampled_from(["accepted", "overridden"]))
def test_any_sequence_of_reports_ends_where_the_orders_are(data, status):
    """Of three orders, each going its way: the recommendation is always where their progress puts it."""
    state, orders = State(status, 2, 10.0), {}
    for _ in range(data.draw(st.integers(0, 8))):
        reference = data.draw(st.sampled_from("abc"))
        known = orders.get(reference)
        told = data.draw(st.sampled_from(sorted(NEXT[known] if known else NEXT["released"])))
        news = orders | {reference: told}
        try:
            moved = state
            for action in actions(state.status, news.values()):
                moved = after(moved, Move(action))
        except IllegalMove:
            # nothing is expected any more, or what came in part has failed
            assert state.status in {"executed", "proposed", "partially_executed"}
            continue
        state, orders = moved, news
        assert state.status == standing(orders.values())
