"""What the calendar does: a deferred recommendation comes back on its day, an open one expires when it is too late."""

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, contains_eager

from services.planner.ledger.tables import TABLES
from services.planner.plans.tables import Plan
from services.planner.recommendations import guard
from services.planner.recommendations.decisions import OPEN, Action, Move, after
from services.planner.recommendations.desk import event
from services.planner.recommendations.tables import Filing, Recommendation, RecommendationState
from shared import ledger
from shared.db import Database
from shared.principal import Principal

BLOCK = 500
ACTOR = "planner"  # whom the ledger names: nobody decided
NOTHING_SAID: dict[str, Any] = {"reason_code": None, "note": None}
AHEAD = datetime.timedelta(hours=14)  # of UTC, where a day begins first


def keep(database: Database) -> None:
    """Let everything happen whose day has come, in each area's own time zone."""
    with database.read() as session:
        earliest = (datetime.datetime.now(datetime.UTC) + AHEAD).date()
        areas = session.scalars(select(RecommendationState.area).where(_is_due(earliest)).distinct()).all()
        callers = [_caller(session, area) for area in areas]
    for who in callers:
        while _some(database, who):
            pass


def _some(database: Database, who: Principal) -> bool:
    """One block of an area's recommendations in one transaction; False where none is left."""
    today = who.area.today()
    with database.write() as session:
        guard.deciding(session, who.area.area)
        rows = _due_rows(session, who.area.area, today)
        moves = [(row, after(row.state.value, Move(_action(row.state, today)))) for row in rows]
        events = [event(row, _action(row.state, today), row.state.value, state, NOTHING_SAID) for row, state in moves]
        for sequence, (row, state) in zip(ledger.append_all(session, TABLES, who, events), moves, strict=True):
            row.state.set(state, sequence)
    return bool(rows)


def _is_due(today: datetime.date) -> ColumnElement[bool]:
    state = RecommendationState
    return or_(
        and_(state.status.in_(OPEN), state.expires_on <= today), and_(state.status == "deferred", state.until <= today)
    )


def _due_rows(session: Session, area: str, today: datetime.date) -> Sequence[Recommendation]:
    state = Recommendation.state
    due = select(Recommendation).join(state).options(contains_eager(state))
    mine = due.where(Recommendation.area == area, _is_due(today)).order_by(Recommendation.id).limit(BLOCK)
    return session.scalars(mine.with_for_update(of=RecommendationState)).all()


def _action(state: RecommendationState, today: datetime.date) -> Action:
    late = state.expires_on is not None and state.expires_on <= today
    return "expire" if late else "resume"


def _caller(session: Session, area: str) -> Principal:
    """The planner itself, in the area as its newest plan, or where it has none its newest filing, knows it."""
    told = (
        session.scalar(select(made.caller).where(made.area == area).order_by(made.created_at.desc()).limit(1))
        for made in (Plan, Filing)
    )
    asked = TypeAdapter(Principal).validate_python(next(filter(None, told)))
    return replace(asked, id=ACTOR, name=ACTOR, roles=frozenset({"service"}), on_behalf_of=None)
