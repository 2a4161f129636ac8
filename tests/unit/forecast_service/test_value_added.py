"""Forecast value added on a real database: stages by hand, an adjustment that makes it worse, what is left out."""

from uuid import UUID

import pytest
from sqlalchemy import text

from services.forecast import jobs
from tests.factories import history, week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.forecast_service.test_runs import HORIZON, PRICES, WEEKS, work  # noqa: F401  a fixture
from tests.unit.inside import profile

TOLD = {  # naive, statistical and champion in the three weeks
    "A": ([8, 8, 8], [9, 9, 9], [10, 10, 10]),
    "B": ([30, 10, 30], [24, 18, 24], [20, 20, 20]),
    "C": ([5, 5, 5], [5, 5, 5], [5, 5, 5]),
}
CAME = {"A": [10, 12, 10], "B": [20, 20, 24], "C": [5, 5, 5]}


@pytest.fixture(scope="module")
def trained(client, work):  # noqa: F811
    area = Caller(client, profile("value-added", horizon=HORIZON))
    items = [{"item": item, "category": "food"} for item in "AB"] + [{"item": "C", "category": "other"}]
    area.ok("PUT", "/items", json=items)
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    area.ok("POST", "/demand", json=history(WEEKS))
    run = area.ok("POST", "/training-runs", json={"reason": "first"})
    work(jobs.train, run_id=run["id"])
    return area


def forecast(area, work, **wish):  # noqa: F811
    run = area.ok("POST", "/forecasts", json=wish or {"model": 1})
    work(jobs.consensus if wish.get("consensus") else jobs.forecast, run_id=run["id"])
    assert area.ok("GET", f"/forecasts/{run['id']}")["status"] == "succeeded"
    return run["id"]


def rewritten(database, name):
    """The forecast with the numbers of TOLD."""
    change = "UPDATE forecast_series SET naive = :naive, statistical = :statistical, mean = :mean"
    with database.write() as session:
        for item, (naive, statistical, mean) in TOLD.items():
            facts = {"naive": naive, "statistical": statistical, "mean": mean, "item": item, "id": UUID(name)}
            session.execute(text(f"{change} WHERE forecast_id = :id AND item = :item"), facts)


@pytest.fixture(scope="module")
def published(trained, work, database):  # noqa: F811
    """A champion with the numbers of TOLD, and a consensus for which somebody has doubled A; then demand came."""
    champion = forecast(trained, work)
    with database.read() as session:
        query = text("SELECT item, naive, statistical FROM forecast_series WHERE forecast_id = :id")
        kept = {item: both for item, *both in session.execute(query, {"id": UUID(champion)})}
    rewritten(database, champion)
    wish = {"action": "scale", "value": 2, "item": "A", "reason_code": "PROMOTION"}
    trained.ok("POST", "/adjustments", json=wish)
    agreed = forecast(trained, work, consensus=True, base=champion)
    rows = [
        {"item": item, "location": "L1", "period": week(WEEKS + step), "quantity": quantity}
        for item, numbers in CAME.items()
        for step, quantity in enumerate(numbers)
    ]
    trained.ok("POST", "/demand", json=rows)
    return champion, agreed, kept


def added(area, query="?by=stage"):
    return area.ok("GET", f"/accuracy{query}")["value_added"]


def steps(row):
    return {one["stage"]: one["value_added"] for one in row["stages"]}


def test_naive_is_the_demand_of_the_season_before(trained, published):
    """52 weeks before; the season of the history's 70 weeks is known as a whole."""
    _, _, kept = published
    past = {(row["item"], row["period"]): row["quantity"] for row in history(WEEKS)}
    for item, (naive, statistical) in kept.items():
        assert naive == pytest.approx([past[item, week(WEEKS + step - 52)] for step in range(HORIZON)], rel=1e-6)
        assert len(statistical) == HORIZON


def test_an_adjustment_that_made_it_worse_has_a_negative_value(trained, published):
    """111 units came. Of A 2 + 4 + 2 are missed by naive, 1 + 3 + 1 by statistics, 2 by the champion; doubled it is off
    by 10 + 8 + 10. Of B 10 + 10 + 6, then 4 + 2 + 0, then 4. Of C nothing: 34, 11, 6 and 32 of 111.
    With their signs A's are -8, -5, -2 and 28, B's 10 - 10 + 6, then 4 - 2, then -4.
    """
    found = added(trained)
    (row,) = found["items"]
    assert {name: found[name] for name in ("measure", "first", "last", "first_lag", "last_lag")} == {
        "measure": "wmape", "first": week(WEEKS), "last": week(WEEKS + 2), "first_lag": 1, "last_lag": 3,
    }  # fmt: skip
    assert (found["forecasts"], found["left_out"]) == (1, 0)
    assert (row["group"], row["n"], row["series"]) == (None, 9, 3)
    assert [one["stage"] for one in row["stages"]] == ["naive", "statistical", "champion", "consensus"]
    assert [one["wmape"] for one in row["stages"]] == pytest.approx([34 / 111, 11 / 111, 6 / 111, 32 / 111])
    assert [one["bias"] for one in row["stages"]] == pytest.approx([-2 / 111, -3 / 111, -6 / 111, 24 / 111])
    assert steps(row) == {
        "naive": None,
        "statistical": pytest.approx(23 / 111),
        "champion": pytest.approx(5 / 111),
        "consensus": pytest.approx(-26 / 111),
    }
    assert row["total"] == {"value_added": pytest.approx(2 / 111), "low": None, "high": None}


def test_by_item_category_lag_segment_model_and_forecast(trained, published):
    champion, agreed, _ = published
    by = {
        name: {row["group"]: (row["n"], steps(row)["consensus"]) for row in added(trained, f"?by={name}")["items"]}
        for name in ("item", "category", "location", "lag", "segment", "model", "forecast")
    }
    whole = pytest.approx(-26 / 111)
    assert by == {
        "item": {"A": (3, pytest.approx(-26 / 32)), "B": (3, 0), "C": (3, 0)},
        "category": {"food": (6, pytest.approx(-26 / 96)), "other": (3, 0)},
        "location": {"L1": (9, whole)},
        "lag": {"1": (3, pytest.approx(-10 / 35)), "2": (3, pytest.approx(-6 / 37)), "3": (3, pytest.approx(-10 / 39))},
        "segment": {"smooth": (9, whole)},
        "model": {"1": (9, whole)},
        "forecast": {champion: (9, whole)},
    }
    assert {row["group"]: row["n"] for row in trained.ok("GET", "/accuracy?by=segment")["items"]} == {"smooth": 9}
    named = [added(trained, f"?by=stage&forecast={name}")["items"] for name in (champion, agreed)]
    assert named[0] == named[1] == added(trained)["items"]


def test_of_one_lag_and_some_periods(trained, published):
    found = added(trained, "?by=stage&lag=2")
    assert (found["first"], found["last"], found["first_lag"], found["last_lag"]) == (*[week(WEEKS + 1)] * 2, 2, 2)
    (row,) = found["items"]
    assert (row["n"], steps(row)["consensus"]) == (3, pytest.approx(-6 / 37))
    assert trained.ok("GET", "/accuracy?by=lag&lag=2")["items"][0]["n"] == 3
    assert added(trained, "?lag=9")["items"] == []
    late = added(trained, f"?by=stage&from={week(WEEKS + 2)}")
    assert (late["first_lag"], steps(late["items"][0])["consensus"]) == (3, pytest.approx(-10 / 39))
    assert trained("GET", "/accuracy?lag=-1").status_code == 422


def test_forecasts_that_lack_a_stage_are_left_out_and_counted(trained, published, work, database):  # noqa: F811
    """Another champion of the same origin, that nobody adjusted; then without what it had been without its model."""
    champion, *_ = published
    other = forecast(trained, work, model=1, origin=week(WEEKS - 1))
    rewritten(database, other)
    found = added(trained)
    assert (found["forecasts"], found["left_out"], found["items"][0]["n"]) == (1, 1, 9)
    alone = added(trained, f"?by=stage&forecast={other}")
    assert steps(alone["items"][0]).keys() == {"naive", "statistical", "champion"}
    assert alone["items"][0]["total"]["value_added"] == pytest.approx(28 / 111)
    with database.write() as session:
        session.execute(
            text("UPDATE forecast_series SET naive = NULL, statistical = NULL WHERE forecast_id = :id"),
            {"id": UUID(other)},
        )
    gone = added(trained, f"?by=stage&forecast={other}")
    assert (gone["forecasts"], gone["left_out"], gone["items"]) == (0, 1, [])
    again = forecast(trained, work, consensus=True, base=champion)
    assert added(trained)["items"] == added(trained, f"?by=stage&forecast={again}")["items"]
