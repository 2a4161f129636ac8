"""When an area trains a challenger by itself: each occasion at its limit, never two at once, never soon again."""

import datetime
import json
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update

from services.forecast import jobs, periods
from services.forecast.models import learning
from services.forecast.models.tables import TrainingRun
from services.forecast.monitoring.tables import InputMonitor, Monitor
from services.forecast.reviews import filing, following
from services.forecast.reviews.tables import Asked
from shared.errors import Unavailable
from tests.unit.forecast_service.test_promotions import modelled, problem, promote

__all__ = ["modelled"]
LEARNED = datetime.date(2024, 1, 1)  # by all versions
WEEK = datetime.timedelta(weeks=1)
NOON = datetime.datetime(2024, 3, 4, 12, tzinfo=datetime.UTC)


@pytest.fixture
def served(modelled, database):
    """Version 1 is champion; the last training was asked for on 4 March 2024 and is over."""
    promote(modelled, 1, '"0"')
    with database.write() as session:
        here = update(TrainingRun).where(TrainingRun.area == modelled.area.area)
        session.execute(here.values(status="succeeded", created_at=NOON, seed=11))
    return modelled


@pytest.fixture
def learn(served, database):
    def learn(days):
        """The reason of the training that is started so many days after the last."""
        with database.write() as session:
            run = learning.learn_in(session, served.area.area, NOON.date() + datetime.timedelta(days=days))
            return None if run is None else run.reason

    return learn


def say(area, etag='"0"', **wish):
    return area("PUT", "/training-schedule", json=wish, headers={"If-Match": etag})


def known_until(database, area, day):
    with database.write() as session:
        seen = {"seen": "", "settled": True, "silent": {}, "drivers": [], "filed": {}}
        session.merge(InputMonitor(area=area.area.area, until=day, **seen))


def alarmed(database, area, raised, recommends="retrain_model"):
    with database.write() as session:
        told = {"until": raised, "segments": [], "filed": {}}
        labels = {"segment": "smooth", "scope": "segment", "signal": "level", "direction": "up"}
        alarms = [labels | {"recommends": recommends, "raised": str(raised), "item_locations": 1}]
        session.merge(Monitor(area=area.area.area, model="1", alarms=alarms, **told))


def queued(database, area):
    """The runs for which a training job waits; the queue is emptied."""
    taken = text("DELETE FROM procrastinate_jobs WHERE task_name = 'forecast:train' RETURNING args ->> 'run_id', lock")
    with database.write() as session:
        return [UUID(run) for run, lock in session.execute(taken) if lock == f"train {area.area.area}"]


def runs(database, area):
    with database.read() as session:
        return session.scalars(select(TrainingRun).where(TrainingRun.area == area.area.area)).all()


def test_the_schedule_is_off_until_it_is_set_and_changes_by_version(served, learn):
    shown = {"every_periods": None, "new_actuals": None, "on_drift": False, "distance_days": 7, "version": 0}
    assert served.ok("GET", "/training-schedule") == shown
    assert learn(10_000) is None
    answer = say(served, every_periods=4)
    assert (answer.json()["every_periods"], answer.headers["etag"]) == (4, '"1"')
    assert problem(say(served, every_periods=5)) == (412, "stale-version")
    assert problem(say(served, '"1"', every_periods=0)) == (422, "invalid")
    assert served.ok("GET", "/training-schedule")["version"] == 1
    assert served.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_every_so_many_periods_by_the_recipe_of_the_champion(served, learn, database):
    say(served, every_periods=4)
    assert learn(27) is None
    assert learn(28) == "schedule"
    (new,) = [run for run in runs(database, served) if run.status == "queued"]
    assert (new.seed, new.horizon, new.frequency, new.requested_by) == (11, 4, "W", "forecast")
    assert queued(database, served) == [new.id]


def test_when_demand_of_so_many_periods_has_come(served, learn, database):
    say(served, new_actuals=5)
    known_until(database, served, LEARNED + 4 * WEEK)
    assert learn(7) is None
    known_until(database, served, LEARNED + 5 * WEEK)
    assert learn(7) == "actuals"


def test_when_an_alarm_asks_for_a_model_that_none_has_learned_from(served, learn, database):
    alarmed(database, served, LEARNED + WEEK)
    say(served, new_actuals=5)
    assert learn(7) is None
    say(served, '"1"', on_drift=True)
    alarmed(database, served, LEARNED)
    assert learn(7) is None
    alarmed(database, served, LEARNED + WEEK, "review_forecast")
    assert learn(7) is None
    alarmed(database, served, LEARNED + WEEK)
    assert learn(7) == "drift"


def test_never_two_at_once_and_never_soon_again(served, learn, database):
    say(served, every_periods=1, distance_days=30)
    assert learn(29) is None
    assert learn(30) == "schedule"
    assert learn(1000) is None
    with database.write() as session:
        here = update(TrainingRun).where(TrainingRun.area == served.area.area, TrainingRun.status == "queued")
        session.execute(here.values(status="failed", created_at=NOON + datetime.timedelta(days=30)))
    assert learn(59) is None
    assert learn(60) == "schedule"


def test_without_a_champion_there_is_nothing_to_challenge(modelled, database):
    say(modelled, every_periods=1)
    with database.write() as session:
        assert learning.learn_in(session, modelled.area.area, datetime.date(2100, 1, 1)) is None


def test_the_monitors_job_learns_in_every_area_whatever_becomes_of_one(served, database, monkeypatch):
    say(served, every_periods=1)
    seen = []

    def learn_in(_session, area, _today):
        seen.append(area)
        raise ValueError

    monkeypatch.setattr(learning, "learn_in", learn_in)
    jobs.monitor.func(SimpleNamespace(additional_context={"database": database}), 0)
    assert served.area.area in seen


@pytest.mark.parametrize(
    ("frequency", "until", "count"),
    [
        ("D", "2024-02-02", 2),
        ("W", "2024-02-13", 1),
        ("W", "2024-02-14", 2),
        ("M", "2024-03-30", 1),
        ("M", "2024-03-31", 2),
    ],
)
def test_whole_periods_between_two_days(frequency, until, count):
    since = datetime.date(2024, 1, 31)
    assert periods.elapsed(frequency, since, datetime.date.fromisoformat(until)) == count


@pytest.fixture
def asked(served, database, settings, monkeypatch):
    """Files a recommendation to train anew; the planner is played by `status`."""
    name, filed = uuid4(), {"recommendations": [{"type": "retrain_model", "model_version": 1, "origins": ["o"]}]}
    planner = SimpleNamespace(status="proposed", recommendation=name, calls=[])

    def call(_settings, method, area, path, _body=None):
        planner.calls.append((method, area, path))
        if planner.status is None:
            raise Unavailable("away")
        body = {"items": [{"recommendation": str(name)}]} if method == "POST" else {"status": planner.status}
        return SimpleNamespace(status=200, data=json.dumps(body).encode())

    monkeypatch.setattr(filing, "call", call)
    context = SimpleNamespace(additional_context={"database": database, "settings": settings})
    for _ in range(2):
        jobs.file_recommendations.func(context, area=served.area.area, body=json.dumps(filed | {"withdrawn": []}))

    def decide(status):
        planner.status = status
        following.follow(database, settings)
        with database.read() as session:
            waits = session.get(Asked, name) is not None
        return waits, len(queued(database, served))

    yield decide
    with database.write() as session:
        session.execute(text("DELETE FROM asked"))


def test_what_is_accepted_trains_once(asked, served, database):
    assert asked("proposed") == (True, 0)
    assert asked(None) == (True, 0)
    assert asked("rejected") == (True, 0)
    assert asked("accepted") == (False, 1)
    assert asked("accepted") == (False, 0)
    assert sorted(run.reason for run in runs(database, served)) == ["drift", "test"]


@pytest.mark.parametrize("status", ["superseded", "expired"])
def test_what_is_over_trains_nothing(asked, status):
    assert asked(status) == (False, 0)


def test_what_somebody_has_trained_since_is_not_trained_again(asked, served):
    served.ok("POST", "/training-runs", json={"reason": "by hand"})
    assert asked("accepted") == (False, 1)  # by hand


def test_a_rejection_can_be_taken_back_for_so_long(asked, database):
    with database.write() as session:
        session.execute(update(Asked).values(filed_at=Asked.filed_at - following.REMEMBERED))
    assert asked("rejected") == (False, 0)
