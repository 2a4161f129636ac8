"""What becomes of recommendations that this service acts on: a model is trained once somebody has accepted it."""

import datetime
import json
import logging
from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast.models import learning
from services.forecast.reviews import filing
from services.forecast.reviews.tables import Asked
from services.forecast.settings import Settings
from shared.db import Database
from shared.errors import Unavailable

REMEMBERED = datetime.timedelta(days=90)  # for as long a rejection may be taken back, and have its effect then
OVER = {"superseded", "expired"}
log = logging.getLogger(__name__)


def _retrain(session: Session, asked: Asked) -> None:
    learning.wanted(session, asked.area, asked.filed_at)


EFFECTS: Mapping[str, Callable[[Session, Asked], None]] = {"retrain_model": _retrain}


def follow(database: Database, settings: Settings) -> None:
    """Ask the planner what was decided, and act on what was accepted. What cannot be asked is asked the next time."""
    with database.read() as session:
        waiting = session.scalars(select(Asked).order_by(Asked.filed_at)).all()
    for asked in waiting:
        try:
            status = _status(settings, asked)
        except Unavailable as problem:
            log.warning("what was decided is not known: %s", problem.detail)
            return
        if status == "accepted" or status in OVER or _forgotten(asked):
            with database.write() as session:
                _settle(session, asked, accepted=status == "accepted")


def _settle(session: Session, asked: Asked, *, accepted: bool) -> None:
    row = session.get(Asked, asked.recommendation, with_for_update=True)
    if row is not None:  # else another worker was here
        if accepted:
            EFFECTS[row.type](session, row)
        session.delete(row)


def _status(settings: Settings, asked: Asked) -> str:
    answer = filing.call(settings, "GET", asked.area, f"recommendations/{asked.recommendation}")
    if answer.status != 200:  # noqa: PLR2004
        raise Unavailable(f"The gateway answered {answer.status}.")
    return str(json.loads(answer.data)["status"])


def _forgotten(asked: Asked) -> bool:
    return asked.filed_at < datetime.datetime.now(datetime.UTC) - REMEMBERED
