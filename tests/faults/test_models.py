"""Promotions at once, MLflow away, damaged files, a version that crashes: the champion goes on forecasting."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.trial.stand_in import StandIn
from tests.factories import load_history, train_and_promote
from tests.faults.conftest import until

WORKER = "forecast-worker"
RIVAL = 2
LENIENT = {"least_improvement": -0.9, "segment_worse_by": 10, "most_bias": 1, "coverage_within": 0.9}
CRASHING = """
from services.forecast.models import judging

class Crashing(judging.Model):
    @classmethod
    def from_files(cls, files):
        raise MemoryError

judging.Model = Crashing
"""


def train(area, **parameters):
    wish = {"reason": "rival", "parameters": parameters}
    return area.succeed(area.as_("mlops").post("/training-runs", json=wish))["model_version"]


def promote(area, version, etag=None):
    mlops = area.as_("mlops")
    headers = {"If-Match": etag or mlops.get("/models/champion").headers["etag"]}
    return mlops.post("/models/promotions", json={"version": version, "reason": "test"}, headers=headers)


def champion(area):
    return area.as_("planner").get("/models/champion").json()["model"]["version"]


def forecast(area, **wish):
    return area.finish(area.as_("planner").post("/forecasts", json=wish))


def forecast_by(area, version):
    """Whether a forecast by the champion of this version succeeds."""
    made = forecast(area)
    return (made["status"], made["model_version"]) == ("succeeded", version)


def problem(answer):
    return answer.status_code, answer.json()["type"].partition("#")[2]


@pytest.fixture(scope="module")
def modelled(alone):
    """A small area with a forecast and two versions; the first is champion, the second may be."""
    area = alone.area(horizon=4)
    load_history(area, 60, ("A",))
    train_and_promote(area)
    forecast(area)
    rules = area.as_("approver").put("/models/promotion-rules", json=LENIENT, headers={"If-Match": '"0"'})
    assert rules.status_code == 200, rules.text
    assert train(area, seed=11) == RIVAL
    return area


@pytest.fixture
def worker(system, restarted):
    """Starts the worker in other surroundings; it has the usual ones again after the test."""

    def start(**surroundings):
        system.kill([WORKER])
        system.start([WORKER], **surroundings)

    yield start
    system.kill([WORKER])
    restarted(WORKER)


@contextlib.contextmanager
def reading(area):
    """Reads all the while; gives what was answered otherwise than 200, and at least one read of each kind is done."""
    planner, over, failed = area.as_("planner"), threading.Event(), []

    def read():
        while True:
            for path in ("/models/champion", "/forecasts/latest/values?limit=5", "/models/versions"):
                answer = planner.get(path)
                if answer.status_code != 200:
                    failed.append((path, answer.status_code))
            if over.wait(0.05):
                return

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            yield failed
        finally:
            over.set()
            reader.result()


def test_of_two_promotions_at_once_one_wins_and_the_log_has_one(system, modelled):
    mlops, auditor = modelled.as_("mlops"), modelled.as_("auditor")
    etag, before = mlops.get("/models/promotions").headers["etag"], logged(system, modelled)
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda number: promote(modelled, (RIVAL, 1)[number % 2], etag), range(6)))
    (won,) = [answer for answer in answers if answer.status_code == 201]
    assert [problem(answer) for answer in answers if answer is not won] == [(412, "stale-version")] * 5
    assert champion(modelled) == won.json()["version"]
    history = mlops.get("/models/promotions").json()["items"]
    assert [row["sequence"] for row in history[:2]] == [won.json()["sequence"], int(etag.strip('"').partition("-")[0])]
    assert logged(system, modelled)[len(before) :] == [
        {name: won.json()[name] for name in ("sequence", "version", "previous_version", "reason")}
    ]
    assert all(chain["intact"] for chain in auditor.post("/decisions:verify").json()["chains"])


def logged(system, area):
    """What the ledger tells of promotions, oldest first."""
    query = "SELECT content::json->'body' FROM ledger_entries WHERE area = %s AND action = 'promote' ORDER BY sequence"
    with system.server.connect("forecast") as database:
        return [body for (body,) in database.execute(query, (area.name,))]


def test_nothing_waits_for_mlflow_silent_failing_or_gone(modelled, worker):
    assert promote(modelled, 1).status_code == 201
    with StandIn("slow") as mlflow:
        worker(ACCORD_MLFLOW_TRACKING_URI=mlflow.url)
        with reading(modelled) as failed:
            assert promote(modelled, RIVAL).status_code == 201
            until(lambda: mlflow.waiting)
            assert forecast_by(modelled, RIVAL)
            assert mlflow.waiting
            mlflow.turn("failing")
            until(lambda: mlflow.answered["failing"])
            assert promote(modelled, 1).status_code == 201
            assert forecast_by(modelled, 1)
    with reading(modelled) as failed_too:
        assert promote(modelled, RIVAL).status_code == 201
        assert forecast_by(modelled, RIVAL)
    assert failed == failed_too == []


def test_damaged_files_are_refused_and_the_old_champion_forecasts_what_it_did(system, modelled):
    assert promote(modelled, 1).status_code == 201
    before = forecast(modelled)
    cached = system.folder("model-cache") / modelled.name / str(RIVAL) / "mean.ubj"
    stored = [
        path
        for path in (system.folder("mlflow-artifacts") / modelled.name).rglob("mean.ubj")
        if path.read_bytes() == cached.read_bytes()
    ]
    assert stored
    with damaged(cached):
        assert problem(promote(modelled, RIVAL)) == (409, "model-files-away")
        with damaged(*stored):
            made = forecast(modelled, model=RIVAL)
            assert (made["status"], made["error"]["type"]) == ("failed", "/docs/errors#artifact-corrupt")
            assert problem(promote(modelled, RIVAL)) == (409, "model-files-away")
        assert champion(modelled) == 1
        assert forecast(modelled)["output_digest"] == before["output_digest"]
        assert forecast(modelled, model=RIVAL)["status"] == "succeeded"  # brings the files anew
        assert promote(modelled, RIVAL).status_code == 201


@contextlib.contextmanager
def damaged(*paths):
    """One bit of each file is another."""
    good = {path: path.read_bytes() for path in paths}
    for path, content in good.items():
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    try:
        yield
    finally:
        for path, content in good.items():
            path.write_bytes(content)


def test_a_version_that_crashes_in_its_warm_up_is_no_champion(modelled, worker, tmp_path):
    Path(tmp_path, "sitecustomize.py").write_text(CRASHING)
    worker(PYTHONPATH=f"{tmp_path}:{Path(__file__).parents[2]}")
    before = champion(modelled)
    with reading(modelled) as failed:
        crashing = train(modelled)
        assert problem(promote(modelled, crashing)) == (409, "gates-failed")
        wish = {"action": "approve", "reason": "never mind", "overrides": ["warm_up"]}
        answer = modelled.as_("approver").post(f"/models/versions/{crashing}/approvals", json=wish)
        assert problem(answer) == (422, "nothing-to-override")
        assert forecast_by(modelled, before)
    gates = modelled.as_("mlops").get(f"/models/versions/{crashing}").json()["gates"]
    (warm_up,) = [gate for gate in gates if gate["gate"] == "warm_up"]
    assert (warm_up["passed"], "MemoryError" in warm_up["detail"]) == (False, True)
    assert (champion(modelled), failed) == (before, [])
