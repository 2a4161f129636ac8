"""The state machine of a recommendation, and the fold over the ledger that rebuilds it."""

import datetime
from dataclasses import replace
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.ledger.projection import Projection
from services.planner.recommendations.decisions import (
    ARROWS,
    OPEN,
    ApproverAction,
    ErpAction,
    IllegalMove,
    Move,
    PersonAction,
    State,
    after,
    move,
)
from services.planner.recommendations.schemas import StandingOut

ACTIONS = (*get_args(PersonAction), *get_args(ApproverAction), *get_args(ErpAction), "supersede", "resume", "expire")
FINAL = {"superseded", "expired", "executed"}
PLAN, OTHER = UUID(int=1), UUID(int=2)
DAYS = st.dates(datetime.date(2024, 1, 1), datetime.date(2030, 1, 1))
MOVES = st.builds(
    Move,
    st.sampled_from(ACTIONS),
    quantity=st.floats(0.1, 1e6),
    due=DAYS,
    reason_code=st.none() | st.just("PROMOTION"),
    plan=st.just(OTHER),
    until=DAYS,
    approval=st.booleans(),
)
LEGAL = {
    "proposed": {
        "accept": "accepted",
        "auto_accept": "auto_accepted",
        "override": "overridden",
        "reject": "rejected",
        "defer": "deferred",
        "supersede": "superseded",
        "expire": "expired",
    },
    "awaiting_approval": {
        "approve": "accepted",
        "refuse": "proposed",
        "revert": "proposed",
        "supersede": "superseded",
        "expire": "expired",
    },
    "accepted": {"revert": "proposed", "release": "released", "fail": "proposed"},
    "auto_accepted": {"revert": "proposed", "release": "released", "fail": "proposed"},
    "overridden": {"revert": "proposed", "release": "released", "fail": "proposed"},
    "rejected": {"revert": "proposed"},
    "deferred": {"resume": "proposed", "revert": "proposed", "supersede": "superseded", "expire": "expired"},
    "released": {
        "receive": "partially_executed",
        "complete": "executed",
        "fail": "proposed",
        "report": "released",
    },
    "partially_executed": {"complete": "executed", "report": "partially_executed"},
    "executed": {"report": "executed"},
    "superseded": {},
    "expired": {},
}


def test_the_arrows_are_those_of_the_api_and_no_others():
    assert set(LEGAL) == set(ARROWS)
    for status, arrows in LEGAL.items():
        for action in ACTIONS:
            if action == "annotate":
                assert move(status, action) == status
            elif action in arrows:
                assert move(status, action) == arrows[action]
            else:
                with pytest.raises(IllegalMove, match=f"status is {status}"):
                    move(status, action)


@pytest.mark.parametrize("status", ARROWS)
def test_a_note_changes_nothing(status):
    state = State(status, 4, 7.0)
    assert after(state, Move("annotate")) == state


def test_reverting_leaves_nothing_decided():
    overridden = after(State(), Move("override", 12.0, datetime.date(2026, 3, 2), "PROMOTION"))
    assert after(overridden, Move("revert")) == State(version=3)


def test_a_refusal_names_the_plan_that_took_the_place():
    superseded = after(State(), Move("supersede", plan=PLAN))
    with pytest.raises(IllegalMove, match=str(PLAN)):
        after(superseded, Move("accept"))


@pytest.mark.parametrize(("action", "target"), [("accept", "accepted"), ("override", "overridden")])
def test_an_approved_decision_becomes_what_was_decided(action, target):
    due = datetime.date(2026, 3, 2)
    waiting = after(State(), Move(action, 12.0, due, "PROMOTION", approval=True))
    assert waiting == State("awaiting_approval", 2, 12.0, due, "PROMOTION", target=target)
    assert after(waiting, Move("approve")) == State(target, 3, 12.0, due, "PROMOTION")
    assert after(waiting, Move("refuse")) == State(version=3)
    assert after(waiting, Move("supersede", plan=PLAN)) == State("superseded", 3, superseded_by=PLAN)


def test_what_is_deferred_comes_back_without_its_day():
    deferred = after(State(), Move("defer", until=datetime.date(2026, 3, 2)))
    assert deferred == State("deferred", 2, until=datetime.date(2026, 3, 2))
    assert after(deferred, Move("resume")) == State(version=3)


@given(st.lists(MOVES, max_size=40))
def test_any_interleaving_is_a_legal_history(moves):
    """Whatever is asked for, each state follows from the one before by an arrow, and only such moves count."""
    state, made = State(), 0
    for wish in moves:
        before = state
        try:
            state = after(state, wish)
        except IllegalMove:
            assert wish.action not in LEGAL[before.status]
            continue
        if wish.action in {"annotate", "report"}:
            assert state == before
            continue
        made += 1
        reached = LEGAL[before.status][wish.action]
        if wish.action in {"accept", "override", "reject"}:
            assert (state.quantity, state.due) == (wish.quantity, wish.due)
        if wish.action in {"accept", "override"}:
            assert state.status == ("awaiting_approval" if wish.approval else reached)
        elif wish.action == "approve":
            assert state == replace(before, status=before.target, target=None, version=before.version + 1)
        else:
            assert state.status == reached
        assert (state.target is not None) == (state.status == "awaiting_approval")
        assert (state.until is not None) == (state.status == "deferred")
        assert (state.superseded_by is not None) == (state.status == "superseded")
        if state.status == "proposed":
            assert state == State(version=state.version)
        if before.status in FINAL:
            raise AssertionError(f"{before.status} was left by {wish.action}")
    assert state.version == 1 + made


def entry(sequence, action, subject, body):
    return sequence, {"action": action, "subject": str(subject), "body": body}


@given(st.lists(st.tuples(st.integers(0, 2), MOVES), max_size=60))
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
        body = {"after": StandingOut.facts(changed), "reason_code": wish.reason_code}
        entries.append(entry(sequence, wish.action, subject, body | {"until": wish.until.isoformat()}))
        if changed != states[subject]:
            states[subject] = changed
            if wish.action != "approve":
                last[subject] = sequence
    kept = [subject for subject in ids if states[subject].status in OPEN][:1]
    entries.append(entry(len(entries) + 1, "plan", OTHER, {"kept": [str(subject) for subject in kept]}))
    for subject in ids:
        if states[subject].status in OPEN and subject not in kept:
            states[subject] = after(states[subject], Move("supersede", plan=OTHER))
    rebuilt = Projection.of(entries, {PLAN: ids, OTHER: []}).standings
    assert {subject: standing.state for subject, standing in rebuilt.items()} == states
    assert {subject: standing.sequence for subject, standing in rebuilt.items()} == last
