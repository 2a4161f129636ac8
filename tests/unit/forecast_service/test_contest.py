"""A version that beats the champion on the same folds is recommended; one that does not is not."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.reviews import contest
from tests.factories import week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.inside import profile

WEEKS, HORIZON, ORIGINS = 60, 4, 3
FLAT, BEAT = (lambda number: 100 + number % 3), (lambda number: 40 if number % 4 else 400)


@pytest.fixture(scope="module")
def work(database, settings):
    context = SimpleNamespace(
        additional_context={"database": database, "settings": settings},
        job=SimpleNamespace(attempts=0),
        should_abort=lambda: False,
    )
    return lambda task, **arguments: task.func(context, **arguments)


@pytest.fixture(scope="module")
def area(client):
    area = Caller(client, profile("contest", horizon=HORIZON, season_length=4))
    area.ok("PUT", "/items", json=[{"item": item} for item in "ABCD"])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    return area


def load(area, pattern):
    rows = [
        {"item": item, "location": "L1", "period": week(number), "quantity": pattern(number) * (1 + place)}
        for place, item in enumerate("ABCD")
        for number in range(WEEKS)
    ]
    area.ok("POST", "/demand", json=rows)


def train(area, work, database):
    """The version, and what was queued for filing of it."""
    run = area.ok("POST", "/training-runs", json={"reason": "again", "parameters": {"origins": ORIGINS}})
    work(jobs.train, run_id=run["id"])
    version = area.ok("GET", f"/training-runs/{run['id']}")["model_version"]
    with database.write() as session:
        taken = "SELECT args FROM procrastinate_jobs WHERE task_name = 'forecast:file_recommendations'"
        bodies = [args["body"] for (args,) in session.execute(text(taken)) if args["area"] == "contest"]
    queued = [one for body in bodies for one in json.loads(body)["recommendations"]]
    return version, [one for one in queued if one["model_version"] == version]


def test_what_speaks_for_a_version(area, work, database):
    load(area, FLAT)
    first, told = train(area, work, database)
    assert told == []  # nobody to beat
    area.ok("POST", "/models/promotions", json={"version": first, "reason": "x"}, headers={"If-Match": '"0"'})
    same, told = train(area, work, database)
    assert (same, told) == (first + 1, [])  # the champion has seen the folds
    load(area, BEAT)
    better, told = train(area, work, database)
    (found,) = told
    assert (found["type"], found["model_version"], found["contest"]["champion"]) == ("promote_model", better, first)
    assert 0 < found["contest"]["low"] <= found["contest"]["improvement"] <= found["contest"]["high"] <= 1
    folds = found["contest"]["folds"]
    assert [fold["origin"] for fold in folds] == [week(WEEKS - HORIZON * back) for back in (3, 2, 1)]
    assert all(fold["known_to_champion"] for fold in folds)
    losses = np.array([[fold["champion"], fold["candidate"]] for fold in folds])
    weight = np.array([sum(BEAT(WEEKS - HORIZON * back + step) for step in range(HORIZON)) for back in (3, 2, 1)])
    champion, candidate = weight @ losses
    assert found["contest"]["improvement"] == pytest.approx(1 - candidate / champion, abs=1e-4)
    assert area.ok("GET", "/models/champion")["model"]["version"] == first


def test_a_champion_that_cannot_be_loaded_fails_no_training(area, work, database, monkeypatch):
    def broken(*_):
        raise OSError("gone")

    monkeypatch.setattr(contest, "ModelCache", broken)
    assert train(area, work, database)[1] == []
