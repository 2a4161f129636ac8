"""What the forecast service recommends reaches the planner's log, once, and what is accepted there has its effect."""

import math

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from services.forecast.reviews.filing import REVIEWS
from shared.jobs import defer
from tests.factories import history, load_history, put, train_and_promote, week
from tests.faults.conftest import until

WEEKS = 120
NEW = 4


def reviews(area):
    found = area.as_("planner").get("/recommendations?type=review_forecast").json()["items"]
    return [one for one in found if one["status"] == "proposed"]


def values(area, forecast, item):
    """Mean, deciles and median by period."""
    rows = area.as_("planner").get(f"/forecasts/{forecast}/values?item={item}").json()["items"]
    return {row["period"]: row for row in rows}


def forecast(area):
    return area.succeed(area.as_("planner").post("/forecasts", json={}))["id"]


def jobs(system, about, task):
    """Those that are queued, at work or have failed: what succeeded is gone."""
    query = "SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = %s AND args::text LIKE %s"
    with system.server.connect("forecast") as database:
        return database.execute(query, (f"forecast:{task}", f"%{about}%")).fetchall()


def retraining(area):
    return area.as_("planner").get("/recommendations?type=retrain_model").json()["items"]


def trainings(area, reason):
    return [run for run in area.as_("viewer").get("/training-runs").json()["items"] if run["reason"] == reason]


@pytest.fixture
def now(system):
    """Has the worker do at once what it does every few minutes."""
    engine = create_engine(system.server.url("forecast"))

    def do(task):
        with Session(engine) as session, session.begin():
            defer(session, f"forecast:{task}", queue=REVIEWS, timestamp="0")

    yield do
    engine.dispose()


@pytest.fixture(scope="module")
def stepped(alone):
    """An area with a forecast, and then four weeks in which demand of A is three times what it was."""
    area = alone.area()
    load_history(area, WEEKS)
    train_and_promote(area)
    before = forecast(area)
    rows = [row for row in history(WEEKS + NEW) if row["period"] >= week(WEEKS)]
    tripled = [row | {"quantity": row["quantity"] * (3 if row["item"] == "A" else 1)} for row in rows]
    put(area.as_("integrator"), "POST", "/demand", tripled)
    return area, before


def test_a_level_that_triples_is_told_once_though_the_planner_was_down(system, stepped, restarted):
    area, before = stepped
    system.kill(["planner"])
    after = forecast(area)
    until(lambda: any(attempts for _, attempts in jobs(system, area.name, "file_recommendations")))
    restarted("planner")
    until(lambda: reviews(area))
    until(lambda: not jobs(system, area.name, "file_recommendations"))
    (review,) = reviews(area)
    assert (review["item"], review["location"], review["forecast"]) == ("A", "L1", after)
    _check(area, review, before, after)
    again = forecast(area)
    until(lambda: not jobs(system, again, "review_forecast"))
    until(lambda: not jobs(system, area.name, "file_recommendations"))
    assert [one["id"] for one in reviews(area)] == [review["id"]]
    chains = area.as_("auditor").post("/decisions:verify").json()["chains"]
    assert [chain["first_bad"] for chain in chains] == [None, None]
    filed = [one for one in area.as_("auditor").get("/decisions").json()["items"] if one["action"] == "file"]
    assert [one for entry in filed for one in entry["body"]["recommendations"]].count(review["id"]) == 1


def _check(area, review, before, after):
    """The evidence against the values of both forecasts, as anybody may read them."""
    was, now = (values(area, one, "A") for one in (before, after))
    shared = sorted(was.keys() & now.keys())
    jump = review["jump"]
    assert (jump["previous"], jump["periods"]) == (before, shared)
    assert len(shared) == 8 - NEW
    assert jump["before"] == pytest.approx([was[period]["mean"] for period in shared])
    assert jump["after"] == pytest.approx([now[period]["mean"] for period in shared])
    change = sum(jump["after"]) - sum(jump["before"])
    sigma = [(was[one]["quantiles"]["0.9"] - was[one]["quantiles"]["0.5"]) / 1.2815515655446004 for one in shared]
    independent, together = math.sqrt(sum(one**2 for one in sigma)), sum(sigma)
    floor = 0.1 * sum(jump["after"])
    assert max(independent, floor) - 1e-6 <= jump["spread"] <= max(together, floor) + 1e-6
    assert (jump["change"], jump["z"]) == pytest.approx((change, change / jump["spread"]))
    assert jump["z"] >= 3
    assert review["stake"] == {"units": jump["change"], "value": f"{change * 10:.2f}", "rank": 1, "flagged": 1}


def test_an_alarm_that_a_person_accepts_trains_a_challenger(stepped, now):
    """Half of what is sold is not forecast: decay, which the monitors find once the data has stayed as it is."""
    area, _ = stepped
    for _ in range(2):
        now("monitor")
    (alarm,) = until(lambda: retraining(area))
    told, champion = alarm["decay"], area.as_("viewer").get("/models/champion").json()["model"]["version"]
    assert (alarm["status"], alarm["model_version"]) == ("proposed", champion)
    assert (told["first"], told["last"], told["cells"]) == (week(WEEKS), week(WEEKS + NEW - 1), 3 * NEW)
    assert area.as_("viewer").get("/drift").json()["models"][0]["decay"] == told
    decision = {"json": {"action": "accept"}, "headers": {"If-Match": f'"{alarm["version"]}"'}}
    decided = area.as_("planner").post(f"/recommendations/{alarm['id']}/decisions", **decision)
    assert decided.status_code == 201, decided.text
    now("follow_recommendations")
    (challenger,) = until(lambda: trainings(area, "drift"))
    assert challenger["requested_by"] == "forecast"
    area.as_("mlops").post(f"/training-runs/{challenger['id']}/cancel")


def test_what_is_stable_is_told_of_nobody(system, alone):
    area = alone.area()
    load_history(area, WEEKS)
    train_and_promote(area)
    forecast(area)
    rows = [row for row in history(WEEKS + NEW) if row["period"] >= week(WEEKS)]
    put(area.as_("integrator"), "POST", "/demand", rows)
    after = forecast(area)
    until(lambda: not jobs(system, after, "review_forecast"))
    until(lambda: not jobs(system, area.name, "file_recommendations"))
    assert reviews(area) == []
