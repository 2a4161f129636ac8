"""A run that cannot succeed says why and what to do; one that is stopped leaves nothing behind."""

import time
from dataclasses import replace
from threading import Thread
from types import SimpleNamespace

import pytest

from services.forecast import jobs
from services.forecast.models import training
from services.forecast.models.tables import ModelVersion
from services.forecast.settings import Settings
from shared.errors import Unavailable
from tests.factories import history, week
from tests.unit.forecast_service.conftest import Caller


@pytest.fixture
def work(database, settings):
    """Carries out one attempt at a run and tells how it ended: `work(area, "/forecasts", run)`."""

    def carry_out(area, path, run, *, attempts=0, settings=settings):
        context = SimpleNamespace(
            additional_context={"database": database, "settings": settings},
            job=SimpleNamespace(attempts=attempts),
            should_abort=lambda: False,
        )
        task = jobs.train if path == "/training-runs" else jobs.forecast
        task.func(context, run["id"])
        return area.ok("GET", f"{path}/{run['id']}")

    return carry_out


@pytest.fixture
def stocked(area):
    area.ok("PUT", "/items", json=[{"item": item} for item in "ABC"])
    area.ok("PUT", "/locations", json={"location": "L1"})
    return area


@pytest.fixture
def modelled(stocked, database):
    """An area with a model that no MLflow has."""
    run = stocked.ok("POST", "/training-runs", json={"reason": "test"})
    with database.write() as session:
        session.add(
            ModelVersion(
                area=stocked.area.area,
                version=1,
                training_run=run["id"],
                last_period="2024-01-01",
                frequency="W",
                season_length=52,
                horizon=4,
                seed=7,
                features=[],
                metrics={},
                dataset_digest="d",
                artifact_digest="a",
                code_version="c",
                mlflow_run="r",
            )
        )
    return stocked


def test_training_without_demand(stocked, work):
    run = work(stocked, "/training-runs", stocked.ok("POST", "/training-runs", json={"reason": "too early"}))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#no-demand")
    assert "POST demand" in run["error"]["detail"]


def test_training_on_a_short_history(stocked, work):
    stocked.ok("POST", "/demand", json=history(8))
    run = work(stocked, "/training-runs", stocked.ok("POST", "/training-runs", json={"reason": "too early"}))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#history-too-short")
    assert stocked.ok("GET", "/models/versions")["items"] == []


@pytest.mark.parametrize(("origin", "slug"), [(week(10), "origin-too-late"), (week(-1), "no-demand")])
def test_an_origin_without_demand(modelled, work, origin, slug):
    modelled.ok("POST", "/demand", json=history(10))
    run = work(modelled, "/forecasts", modelled.ok("POST", "/forecasts", json={"model": 1, "origin": origin}))
    assert (run["status"], run["error"]["type"]) == ("failed", f"/docs/errors#{slug}")


def test_a_model_that_mlflow_does_not_have(modelled, work):
    modelled.ok("POST", "/demand", json=history(10))
    run = work(modelled, "/forecasts", modelled.ok("POST", "/forecasts", json={"model": 1}))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#artifact-missing")


def test_mlflow_away_is_tried_again_and_in_the_end_told(modelled, work, settings: Settings):
    modelled.ok("POST", "/demand", json=history(10))
    asked = modelled.ok("POST", "/forecasts", json={"model": 1})
    away = settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:1"})
    with pytest.raises(Unavailable):
        work(modelled, "/forecasts", asked, settings=away)
    digest = modelled.ok("GET", f"/forecasts/{asked['id']}")["input_digest"]
    modelled.ok("POST", "/demand", json=history(11))
    run = work(modelled, "/forecasts", asked, settings=away, attempts=4)
    assert (run["status"], run["error"]["type"], run["error"]["retryable"]) == (
        "failed",
        "/docs/errors#unavailable",
        True,
    )
    assert run["input_digest"] == digest  # the later attempt read what the first one had kept


def test_a_queued_run_is_cancelled_at_once(stocked, work):
    asked = stocked.ok("POST", "/training-runs", json={"reason": "mistake"})
    assert stocked.ok("POST", f"/training-runs/{asked['id']}/cancel")["status"] == "cancelled"
    assert work(stocked, "/training-runs", asked)["status"] == "cancelled"


def test_a_training_under_way_is_cancelled_within_seconds(stocked, work):
    stocked.ok("POST", "/demand", json=history(150))
    asked = stocked.ok("POST", "/training-runs", json={"reason": "mistake", "parameters": {"origins": 12}})
    path = f"/training-runs/{asked['id']}"
    attempt = Thread(target=work, args=(stocked, "/training-runs", asked))
    attempt.start()
    while stocked.ok("GET", path)["progress"]["done"] < 2:
        time.sleep(0.05)
    asked_at = time.monotonic()
    stocked.ok("POST", f"{path}/cancel")
    attempt.join(10)
    assert stocked.ok("GET", path)["status"] == "cancelled"
    assert time.monotonic() - asked_at < 5
    assert stocked.ok("GET", "/models/versions")["items"] == []


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({}, "#/reason"),
        ({"reason": ""}, "#/reason"),
        ({"reason": "x", "parameters": {"origins": 2}}, "#/parameters/origins"),
        ({"reason": "x", "parameters": {"seed": 1.5}}, "#/parameters/seed"),
        ({"reason": "x", "candidates": []}, "#/candidates"),
    ],
)
def test_a_training_that_cannot_be_is_refused_at_once(stocked, wish, pointer):
    answer = stocked("POST", "/training-runs", json=wish)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert stocked.ok("GET", "/training-runs")["items"] == []


def test_another_area_does_not_see_the_run(stocked, client):
    run = stocked.ok("POST", "/training-runs", json={"reason": "mine"})
    other = Caller(client, replace(stocked.area, area="another"))
    assert other("GET", f"/training-runs/{run['id']}").status_code == 404
    assert other("POST", f"/training-runs/{run['id']}/cancel").status_code == 404


def test_the_engine_asks_the_database_once_a_second_at_most():
    asked = []
    steps = training.Steps(SimpleNamespace(stopped=lambda: asked.append(1) or False), total=1)
    assert not any(steps.stopped() for _ in range(10_000))
    assert len(asked) <= 1
