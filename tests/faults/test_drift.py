"""From demand that leaves its forecasts to a challenger in training: monitor, recommendation, a person, a training."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from services.forecast.reviews.filing import REVIEWS
from shared import jobs
from tests.factories import history, load_history, put, train_and_promote, week
from tests.faults.conftest import until
from tests.faults.test_filings import forecast

WEEKS = 120
CHANGED = 6


@pytest.fixture
def now(system):
    """Has the worker do at once what it does every few minutes."""
    engine = create_engine(system.server.url("forecast"))

    def do(task):
        with Session(engine) as session, session.begin():
            jobs.defer(session, f"forecast:{task}", queue=REVIEWS, timestamp="0")

    yield do
    engine.dispose()


def test_an_alarm_that_a_person_accepts_trains_a_challenger(alone, now):
    area = alone.area()
    load_history(area, WEEKS)
    champion = train_and_promote(area)
    forecast(area)
    tripled = [
        row | {"quantity": 3 * row["quantity"]} for row in history(WEEKS + CHANGED) if row["period"] >= week(WEEKS)
    ]
    put(area.as_("integrator"), "POST", "/demand", tripled)
    now("monitor")
    until(lambda: area.as_("viewer").get("/drift").status_code == 200)
    now("monitor")
    until(lambda: _retrain(area))
    alarm = _retrain(area)[0]
    told = alarm["drift"]
    assert (alarm["status"], alarm["model_version"], told["model"]) == ("proposed", champion, str(champion))
    assert (told["scope"], told["signal"], told["direction"]) == ("segment", "level", "up")
    assert (told["since"], told["until"]) == (week(WEEKS), week(WEEKS + CHANGED - 1))
    assert {one["item"] for one in told["items"]} == {"A", "B", "C"}
    planner = area.as_("planner")
    decided = planner.post(
        f"/recommendations/{alarm['id']}/decisions",
        json={"action": "accept"},
        headers={"If-Match": f'"{alarm["version"]}"'},
    )
    assert decided.status_code == 201, decided.text
    now("follow_recommendations")
    (challenger,) = until(lambda: [run for run in _runs(area) if run["reason"] == "drift"])
    assert challenger["requested_by"] == "forecast"
    area.as_("mlops").post(f"/training-runs/{challenger['id']}/cancel")
    assert area.as_("viewer").get("/models/champion").json()["model"]["version"] == champion


def _retrain(area):
    found = area.as_("planner").get("/recommendations?type=retrain_model").json()["items"]
    return [one for one in found if one["drift"]["signal"] == "level"]


def _runs(area):
    return area.as_("viewer").get("/training-runs").json()["items"]
