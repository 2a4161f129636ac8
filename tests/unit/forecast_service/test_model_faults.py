"""MLflow silent, a model that crashes, newer demand: the champion goes on, and who may follow it is judged."""

import contextlib
import socket
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.engine.model import Model
from services.forecast.models import mirror
from shared.errors import Unavailable
from tests.factories import history, week
from tests.unit.forecast_service.test_runs import HORIZON, WEEKS, problem, promoted, trained, work

__all__ = ["promoted", "trained", "work"]
TRAINED = "faulty"
NEW = 12  # further weeks


def test_a_champion_at_hand_is_forecast_with_while_mlflow_is_silent(promoted, settings, database):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent.settimeout(0)
        away = settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        context = SimpleNamespace(
            additional_context={"database": database, "settings": away},
            job=SimpleNamespace(attempts=0),
            should_abort=lambda: False,
        )
        run = promoted.ok("POST", "/forecasts", json={})
        jobs.forecast.func(context, run_id=run["id"])
        with pytest.raises(BlockingIOError):  # nobody knocked
            silent.accept()
    assert promoted.ok("GET", f"/forecasts/{run['id']}")["status"] == "succeeded"


def test_while_mlflow_is_away_the_alias_waits_in_a_queue_of_its_own(promoted, settings, database, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9"})
    with pytest.raises(Unavailable):
        mirror.mirror(database, away, TRAINED)
    mirror.mirror_all(database, away)
    with database.read() as session:
        waiting = text(
            "SELECT DISTINCT queue_name FROM procrastinate_jobs WHERE task_name = 'forecast:mirror_champion'"
        )
        assert session.scalars(waiting).all() == ["registry"]


@pytest.fixture(scope="module")
def crashing(promoted, work):
    """A version that crashed in its warm-up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "from_files", classmethod(lambda *_, **__: {}["stage"]))
        return trained_version(promoted, work)


def promote(area, version):
    etag = area("GET", "/models/champion").headers["etag"]
    wish = {"version": version, "reason": "try"}
    return area("POST", "/models/promotions", json=wish, headers={"If-Match": etag})


def test_a_version_that_crashes_in_its_warm_up_is_no_champion(promoted, crashing):
    gates = {gate["gate"]: gate for gate in promoted.ok("GET", f"/models/versions/{crashing}")["gates"]}
    assert not gates["warm_up"]["passed"]
    assert problem(promote(promoted, crashing)) == (409, "gates-failed")
    assert promoted.ok("GET", "/models/champion")["model"]["version"] == 1


def test_an_alias_on_a_version_that_failed_its_gates_makes_no_champion(promoted, crashing, work, settings, database):
    work(jobs.mirror_champion, area=TRAINED)
    client = mlflow.MlflowClient(settings.mlflow_tracking_uri)
    client.set_registered_model_alias(f"accord-{TRAINED}", "champion", str(crashing))
    assert promoted.ok("POST", "/forecasts", json={})["model_version"] == 1
    work(jobs.reconcile_aliases, timestamp=0)
    assert str(client.get_model_version_by_alias(f"accord-{TRAINED}", "champion").version) == "1"
    champion = promoted.ok("GET", "/models/champion")
    assert (champion["model"]["version"], champion["promotion"]["diverged_to"]) == (1, crashing)
    with database.read() as session:
        told = text("SELECT subject, data FROM outbox WHERE area = :area AND type = 'models.registry_diverged'")
        assert session.execute(told, {"area": TRAINED}).all() == [
            ("models/1", {"found": crashing, "champion": 1, "sequence": 1})
        ]
    assert problem(promote(promoted, crashing)) == (409, "gates-failed")


def test_the_same_data_tells_no_difference(promoted, work):
    gates = trained_anew(promoted, work)
    assert (gates["beats_champion"]["low"], gates["beats_champion"]["high"]) == (0, 0)
    assert not gates["beats_champion"]["passed"]
    assert gates["segments"]["passed"]
    assert gates["signature"]["passed"]


def test_on_newer_demand_the_champion_is_compared_where_it_has_seen_nothing(promoted, work):
    promoted.ok("POST", "/demand", json=[row for row in history(WEEKS + NEW) if row["period"] >= week(WEEKS)])
    prices = [{"item": item, "period": week(WEEKS + number), "value": 4} for item in "ABC" for number in range(NEW)]
    promoted.ok("POST", "/drivers/price/values", json=prices)
    gates = trained_anew(promoted, work)
    beats = gates["beats_champion"]
    assert beats["low"] < beats["value"] < beats["high"]
    assert np.isfinite(beats["value"])
    assert gates["freshness"]["passed"]


def trained_version(area, work):
    run = area.ok("POST", "/training-runs", json={"reason": "anew"})
    work(jobs.train, run_id=run["id"])
    return area.ok("GET", f"/training-runs/{run['id']}")["model_version"]


def trained_anew(area, work):
    version = area.ok("GET", f"/models/versions/{trained_version(area, work)}")
    assert version["judged_against"] == 1
    assert version["horizon"] == HORIZON
    return {gate["gate"]: gate for gate in version["gates"]}
