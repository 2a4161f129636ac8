"""A version that passes its gates and beats the champion is recommended; one that does not is not."""

import json

import pytest
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.engine.gates import Gate
from services.forecast.reviews.contest import recommended
from tests.factories import week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.forecast_service.test_runs import work  # noqa: F401  a fixture
from tests.unit.inside import profile

WEEKS, HORIZON, ORIGINS = 60, 4, 3
BEATS = Gate("beats_champion", passed=True, detail="d", value=0.5, low=0.25, high=0.75, bound=0.0)
SIZE = Gate("size", passed=True, detail="d", value=1.0, bound=2.0)


def test_what_the_gates_measured_is_the_evidence():
    [found] = recommended("a", 4, [BEATS, SIZE], 3)
    assert (found["type"], found["model_version"]) == ("promote_model", 4)
    assert found["contest"] == {
        "champion": 3,
        "gates": ["beats_champion", "size"],
        "improvement": 0.5,
        "low": 0.25,
        "high": 0.75,
        "level": 0.9,
    }


@pytest.mark.parametrize(
    ("gates", "champion"),
    [
        ([SIZE], None),
        ([BEATS, Gate("size", passed=False, detail="d", value=3.0, bound=2.0)], 3),
        ([Gate("beats_champion", passed=False, detail="nothing to compare", bound=0.0), SIZE], 3),
        ([Gate("beats_champion", passed=True, detail="allowed", value=0.1, low=-0.01, high=0.2, bound=-0.02)], 3),
    ],
    ids=["no champion", "a gate fails", "no comparison", "no better, as the area allows"],
)
def test_what_does_not_win_is_not_recommended(gates, champion):
    assert recommended("a", 4, gates, champion) == []


def flat(number):
    return 100 + number % 3


def beat(number):
    return 40 if number % 4 else 400


def load(area, pattern, weeks):
    rows = [
        {"item": item, "location": "L1", "period": week(number), "quantity": pattern(number) * (1 + place)}
        for place, item in enumerate("ABCD")
        for number in range(weeks)
    ]
    area.ok("POST", "/demand", json=rows)


def train(area, work, database):  # noqa: F811
    """The version with its gates, and what was queued for filing of it."""
    run = area.ok("POST", "/training-runs", json={"reason": "again", "parameters": {"origins": ORIGINS}})
    work(jobs.train, run_id=run["id"])
    version = area.ok("GET", f"/training-runs/{run['id']}")["model_version"]
    with database.write() as session:
        taken = "SELECT args FROM procrastinate_jobs WHERE task_name = 'forecast:file_recommendations'"
        bodies = [args["body"] for (args,) in session.execute(text(taken)) if args["area"] == "contest"]
    queued = [one for body in bodies for one in json.loads(body)["recommendations"]]
    shown = area.ok("GET", f"/models/versions/{version}")
    return shown, [one for one in queued if one["model_version"] == version]


def test_a_version_that_learned_what_is_new_is_recommended_and_not_promoted(client, work, database):  # noqa: F811
    """Demand gets a beat that the champion has never seen, for three horizons more."""
    area = Caller(client, profile("contest", horizon=HORIZON, season_length=4))
    area.ok("PUT", "/items", json=[{"item": item} for item in "ABCD"])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    lenient = {"most_bias": 1.0, "coverage_within": 0.9}
    area.ok("PUT", "/models/promotion-rules", json=lenient, headers={"If-Match": '"0"'})
    load(area, flat, WEEKS)
    first, told = train(area, work, database)
    assert told == []  # nobody to beat
    wish = {"version": first["version"], "reason": "x"}
    area.ok("POST", "/models/promotions", json=wish, headers={"If-Match": '"0"'})
    same, told = train(area, work, database)
    assert (same["version"], told) == (first["version"] + 1, [])  # as good, and no better
    load(area, beat, WEEKS + ORIGINS * HORIZON)
    better, [found] = train(area, work, database)
    assert all(gate["passed"] for gate in better["gates"]), better["gates"]
    gate = next(one for one in better["gates"] if one["gate"] == "beats_champion")
    assert found["contest"]["champion"] == first["version"]
    assert found["contest"]["improvement"] == pytest.approx(gate["value"], abs=1e-6)
    assert found["contest"]["gates"] == [one["gate"] for one in better["gates"]]
    assert area.ok("GET", "/models/champion")["model"]["version"] == first["version"]
