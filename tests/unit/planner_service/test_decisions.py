"""The state machine of a recommendation, and the fold over the ledger that rebuilds it."""

import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.ledger.projection import Projection
from services.planner.recommendations.decisions import ARROWS, IllegalMove, Move, State, after, move
from services.planner.recommendations.schemas import StandingOut

ACTIONS = ("accept", "override", "reject", "annotate", "revert", "release", "supersede")
PLAN, OTHER = UUID(int=1), UUID(int=2)
MOVES = st.builds(
    Move,
    st.sampled_from(ACTIONS),
    quantity=st.none() | st.floats(0.1, 1e6),
    due=st.none() | st.dates(datetime.date(2024, 1, 1), datetime.date(2030, 1, 1)),
    reason_code=st.none() | st.just("PROMOTION"),
    plan=st.just(OTHER),
)


@pytest.mark.parametrize(
    ("status", "action", "expected"),
    [
        ("proposed", "accept", "accepted"),
        ("proposed", "override", "overridden"),
        ("proposed", "reject", "rejected"),
        ("proposed", "supersede", "superseded"),
        ("accepted", "revert", "proposed"),
        ("overridden", "revert", "proposed"),
        ("rejected", "revert", "proposed"),
        ("accepted", "release", "released"),
        ("overridden", "release", "released"),
    ],
)
def test_every_arrow(status, action, expected):
    assert move(status, action) == expected


def test_there_are_no_other_arrows():
    legal = {(status, action) for status, arrows in ARROWS.items() for action in arrows}
    assert len(legal) == 9
    for status in ARROWS:
        for action in ACTIONS:
            if action != "annotate" and (status, action) not in legal:
                with pytest.raises(IllegalMove, match=f"status is {status}"):
                    move(status, action)


@pytest.mark.parametrize("status", ARROWS)
def test_a_note_changes_nothing(status):
    state = State(status, 4, 7.0)
    assert after(state, Move("annotate")) == state


def test_a_refusal_names_the_plan_that_took_the_place():
    superseded = after(State(), Move("supersede", plan=PLAN))
    with pytest.raises(IllegalMove, match=str(PLAN)):
        after(superseded, Move("accept"))


def test_reverting_leaves_nothing_decided():
    overridden = after(State(), Move("override", 12.0, datetime.date(2026, 3, 2), "PROMOTION"))
    assert after(overridden, Move("revert")) == State(version=3)


@given(st.lists(MOVES, max_size=30))
def test_the_version_counts_the_moves_and_what_is_final_stays(moves):
    state, made = State(), 0
    for wish in moves:
        before = state
        try:
            state = after(state, wish)
        except IllegalMove:
            assert before.status in {"released", "superseded"} or wish.action not in ARROWS[before.status]
            continue
        made += wish.action != "annotate"
        if before.status in {"released", "superseded"}:
            assert state == before
        if wish.action in {"accept", "override"}:
            assert (state.quantity, state.due) == (wish.quantity, wish.due)
        if state.status == "proposed":
            assert (state.quantity, state.due, state.reason_code) == (None, None, None)
    assert state.version == 1 + made


def entry(sequence, action, subject, body):
    return sequence, {"action": action, "subject": str(subject), "body": body}


@given(st.lists(st.tuples(st.integers(0, 2), MOVES), max_size=40))
def test_the_ledger_alone_gives_the_states(wishes):
    """Whatever was decided, the fold over the entries ends where the decisions ended."""
    ids = [UUID(int=10 + index) for index in range(3)]
    states = dict.fromkeys(ids, State())
    last: dict[UUID, int | None] = dict.fromkeys(ids)
    entries = [entry(1, "plan", PLAN, {"kept": []})]
    for index, wish in wishes:
        subject, sequence = ids[index], len(entries) + 1
        if wish.action == "supersede":
            continue
        try:
            changed = after(states[subject], wish)
        except IllegalMove:
            continue
        entries.append(
            entry(
                sequence, wish.action, subject, {"after": StandingOut.facts(changed), "reason_code": wish.reason_code}
            )
        )
        if changed != states[subject]:
            states[subject], last[subject] = changed, sequence
    kept = [subject for subject in ids if states[subject].status == "proposed"][:1]
    entries.append(entry(len(entries) + 1, "plan", OTHER, {"kept": [str(subject) for subject in kept]}))
    for subject in ids:
        if states[subject].status == "proposed" and subject not in kept:
            states[subject] = after(states[subject], Move("supersede", plan=OTHER))
    rebuilt = Projection.of(entries, {PLAN: ids, OTHER: []}).standings
    assert {subject: standing.state for subject, standing in rebuilt.items()} == states
    assert {subject: standing.sequence for subject, standing in rebuilt.items()} == last
