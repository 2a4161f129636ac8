"""Challengers and forecasts from elsewhere beside the champion: stored, measured, tested, never served."""

import numpy as np
import pytest
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.engine.metrics import decile_loss
from services.forecast.external.schemas import QUANTILES
from services.forecast.forecasts.consensus import replaced
from services.forecast.forecasts.grid import Grid
from tests.factories import history, week
from tests.unit.forecast_service.test_runs import promoted, trained, work  # noqa: F401  fixtures

TRAINED = "rivals"
WEEKS, HORIZON, NEW = 70, 3, 4
FUTURE = [row for row in history(WEEKS + NEW) if row["period"] >= week(WEEKS)]


def problem(answer):
    return answer.status_code, answer.json()["type"].rpartition("#")[2]


def challenge(area, version, etag, **more):
    body = {"version": version, "reason": "same recipe, another seed"}
    return area("PUT", "/models/challenger", json=body, headers={"If-Match": etag}, **more)


def queued(database, task, area=None):
    """The arguments of jobs that wait."""
    with database.read() as session:
        found = text("SELECT args, queue_name FROM procrastinate_jobs WHERE task_name = :task ORDER BY id")
        rows = session.execute(found, {"task": f"forecast:{task}"}).all()
    return [(args, queue) for args, queue in rows if area is None or args.get("area") == area]


def forecast(area, work, database, **wish):  # noqa: F811
    """A champion's run with what follows it: its id, and its shadow's, if one was made."""
    run = area.ok("POST", "/forecasts", json=wish)
    work(jobs.forecast, run_id=run["id"])
    work(jobs.hold_rivals_against, forecast=run["id"])
    shadows = [one for one in area.ok("GET", "/forecasts")["items"] if one["base"] == run["id"]]
    return run["id"], shadows[0]["id"] if shadows else None


@pytest.fixture(scope="module")
def challenged(promoted, work):  # noqa: F811
    """Version 1 is champion, version 2 challenges it."""
    run = promoted.ok("POST", "/training-runs", json={"reason": "another seed", "parameters": {"seed": 11}})
    work(jobs.train, run_id=run["id"])
    assert challenge(promoted, 2, '"0"').status_code == 200
    return promoted


def test_before_there_is_one(area):
    answer = area("GET", "/models/challenger")
    assert (answer.json()["version"], answer.json()["active"], answer.headers["etag"][:3]) == (None, False, '"0-')


@pytest.mark.parametrize(
    ("version", "etag", "expected"),
    [
        (1, None, (409, "champion-already")),
        (9, None, (422, "unknown-model-version")),
        (2, '"99"', (412, "stale-version")),
        ("2", None, (422, "invalid")),
    ],
)
def test_what_cannot_challenge(challenged, version, etag, expected):
    before = challenged("GET", "/models/challenger")
    assert problem(challenge(challenged, version, etag or before.headers["etag"])) == expected
    assert challenged.ok("GET", "/models/challenger") == before.json()


def test_nobody_challenges_an_area_without_a_champion(area):
    assert problem(challenge(area, 1, '"0"')) == (409, "no-champion")


def test_it_is_in_the_ledger_and_in_mlflow(challenged, work, settings):  # noqa: F811
    from services.forecast.models.registry import CHALLENGER, Registry  # noqa: PLC0415

    work(jobs.mirror_champion, area=TRAINED)
    assert Registry(settings).pointed(TRAINED, CHALLENGER) == 2
    shown = challenged.ok("GET", "/models/challenger")
    assert (shown["version"], shown["active"], shown["mirrored_at"] is not None) == (2, True, True)
    assert challenged.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_an_alias_that_somebody_moved_is_told_and_put_back(challenged, work, settings, database):  # noqa: F811
    from services.forecast.models.registry import CHALLENGER, Registry  # noqa: PLC0415

    registry = Registry(settings)
    work(jobs.mirror_champion, area=TRAINED)
    registry.point(TRAINED, CHALLENGER, 1)
    work(jobs.mirror_champion, area=TRAINED)
    assert registry.pointed(TRAINED, CHALLENGER) == 2
    with database.read() as session:
        told = text("SELECT data FROM outbox WHERE area = :area AND type = 'models.registry_diverged'")
        found = session.execute(told, {"area": TRAINED}).scalars().all()
    assert found == [{"alias": "challenger", "found": 1, "challenger": 2}]


@pytest.fixture(scope="module")
def shadowed(challenged, work, database):  # noqa: F811
    """A champion's forecast and its shadow, both made."""
    first, shadow = forecast(challenged, work, database)
    work(jobs.forecast, run_id=shadow)
    return challenged, first, shadow


def values(area, run):
    return area.ok("GET", f"/forecasts/{run}/values?limit=1000")["items"]


def test_a_shadow_is_of_the_same_data_and_origin(shadowed, database):
    area, champion, shadow = shadowed
    ours, theirs = (area.ok("GET", f"/forecasts/{run}") for run in (champion, shadow))
    assert (theirs["stage"], theirs["model_version"], theirs["status"]) == ("shadow", 2, "succeeded")
    same = ("origin", "input_digest", "periods", "series_count")
    assert [theirs[name] for name in same] == [ours[name] for name in same]
    assert values(area, shadow) != values(area, champion)
    assert ({"run_id": shadow}, "shadows") in queued(database, "forecast")


def test_a_look_that_is_repeated_makes_no_second_shadow(shadowed, work):  # noqa: F811
    area, champion, shadow = shadowed
    work(jobs.hold_rivals_against, forecast=champion)
    assert [one["id"] for one in area.ok("GET", "/forecasts")["items"] if one["stage"] == "shadow"] == [shadow]


def test_a_shadow_is_never_served(shadowed):
    area, champion, shadow = shadowed
    assert area.ok("GET", "/forecasts/latest")["id"] == champion
    assert problem(area("POST", "/forecasts", json={"consensus": True, "base": shadow})) == (422, "base-unusable")
    twice = {"base": shadow, "overlays": [{"item": "A", "scale": 2}]}
    assert problem(area("POST", "/forecasts", json=twice)) == (422, "base-unusable")


def test_a_challenger_that_cannot_forecast_leaves_the_champion_alone(shadowed, work, database, settings):  # noqa: F811
    """Its files are gone from the cache and, as far as this worker sees, from MLflow."""
    area, *_ = shadowed
    run = area.ok("POST", "/forecasts", json={})
    work(jobs.forecast, run_id=run["id"])
    work(jobs.hold_rivals_against, forecast=run["id"])
    (shadow,) = [one for one in area.ok("GET", "/forecasts")["items"] if one["base"] == run["id"]]
    with database.write() as session:
        wrong = text("UPDATE model_versions SET artifact_digest = 'x' WHERE area = :area AND version = 2")
        kept = session.execute(
            text("SELECT artifact_digest FROM model_versions WHERE area = :area AND version = 2"), {"area": TRAINED}
        ).scalar()
        session.execute(wrong, {"area": TRAINED})
    try:
        work(jobs.forecast, run_id=shadow["id"])
    finally:
        with database.write() as session:
            session.execute(
                text("UPDATE model_versions SET artifact_digest = :kept WHERE area = :area AND version = 2"),
                {"area": TRAINED, "kept": kept},
            )
    failed = area.ok("GET", f"/forecasts/{shadow['id']}")
    assert (failed["status"], failed["error"]["type"].rpartition("#")[2]) == ("failed", "artifact-corrupt")
    assert area.ok("GET", "/forecasts/latest")["id"] == run["id"]
    assert area.ok("GET", f"/forecasts/{run['id']}")["status"] == "succeeded"


def outside(demand, *, off=0.0, **more):
    """What an agency tells: quantiles around the demand that will come, the median `off` it."""
    spread = np.linspace(-1, 1, len(QUANTILES))
    return [
        {key: row[key] for key in ("item", "location", "period")}
        | {"mean": row["quantity"] + off}
        | {name: max(row["quantity"] + off + step, 0) for name, step in zip(QUANTILES, spread.tolist(), strict=True)}
        | more
        for row in demand
    ]


@pytest.fixture(scope="module")
def come(shadowed, work, database):  # noqa: F811
    """An agency that knows what comes for A and B, sent before; then the demand, and the champion's next forecast."""
    area, *_ = shadowed
    told = [row for row in FUTURE if row["item"] in "AB" and row["period"] < week(WEEKS + HORIZON)]
    area.ok("POST", "/external-forecasts?name=agency", json=outside(told))
    area.ok("POST", "/demand", json=FUTURE)
    prices = [{"item": item, "period": week(WEEKS + n), "value": 4} for item in "ABC" for n in range(NEW + HORIZON)]
    area.ok("POST", "/drivers/price/values", json=prices)
    area.ok("POST", "/external-forecasts?name=hindsight&origin=" + week(WEEKS - 1), json=outside(told))
    forecast(area, work, database)
    return area


def rival(area, name, **more):
    query = "&".join(f"{key}={value}" for key, value in {"rival": name, **more}.items())
    (found,) = area.ok("GET", f"/models/comparison?{query}")["items"]
    return found


def test_who_is_compared(come):
    shown = come.ok("GET", "/models/comparison")
    assert shown["champion"] == 1
    kinds = [(one["kind"], one["rival"], one["loss"]) for one in shown["items"]]
    assert kinds == [
        ("challenger", "2", "wql"),
        ("baseline", "seasonal_naive", "wmape"),
        ("external", "agency", "wql"),
        ("external", "hindsight", "wql"),
    ]


def test_the_figures_are_those_of_the_same_cells(come, shadowed):
    """By hand from the values of both, the demand and the item-locations that the agency has."""
    _, champion, _ = shadowed
    demand = {(row["item"], row["period"]): row["quantity"] for row in FUTURE}
    told = [one for one in values(come, champion) if one["item"] in "AB"]
    actual = np.array([demand[one["item"], one["period"]] for one in told])
    levels = np.array([list(one["quantiles"].values()) for one in told])
    expected = decile_loss(actual, levels).sum() / actual.sum()
    everything = rival(come, "agency")["segments"][0]
    assert (everything["segment"], everything["n"], everything["series"], everything["periods"]) == ("all", 6, 2, 3)
    assert everything["champion"]["wql"] == pytest.approx(expected)
    assert everything["champion"]["bias"] == pytest.approx(sum(one["mean"] for one in told) / actual.sum() - 1)
    assert everything["rival"]["bias"] == pytest.approx(0)
    assert everything["rival"]["coverage_80"] == 1
    assert everything["low"] < everything["improvement"] < everything["high"]
    assert rival(come, "agency", lag=1)["segments"][0]["n"] == 2


def test_what_was_known_when_it_came_in_is_no_forecast(come):
    found = rival(come, "hindsight")
    assert (found["forecasts"], found["segments"], found["test"]["rounds"]) == (0, [], 0)
    assert "hindsight" in [row["group"] for row in come.ok("GET", "/accuracy")["items"]]


def test_a_point_has_no_distribution(come):
    found = rival(come, "seasonal_naive")["segments"][0]
    assert (found["rival"]["wql"], found["rival"]["coverage_80"]) == (None, None)
    assert found["rival"]["wmape"] > 0
    assert found["champion"]["coverage_80"] is not None


def test_the_challenger_is_measured_like_the_champion(come):
    measured = {row["group"]: row for row in come.ok("GET", "/accuracy")["items"]}
    shown = rival(come, "2")["segments"][0]
    assert measured["2"]["wql"] == pytest.approx(shown["rival"]["wql"])
    assert measured["2"]["n"] == shown["n"] == 9


def test_a_round_is_judged_once_by_what_was_told_before(come, work, database):  # noqa: F811
    """From the first forecast's origin to the second's: the three periods of its horizon, as no other tells of them."""
    test = rival(come, "agency")["test"]
    assert (test["rounds"], test["first"], test["last"]) == (1, week(WEEKS), week(WEEKS + HORIZON - 1))
    assert (test["verdict"], test["alpha"]) == ("open", 0.05)
    corrected = [row | {"quantity": row["quantity"] + 1000} for row in FUTURE]
    come.ok("POST", "/demand", json=corrected)
    forecast(come, work, database)
    assert rival(come, "agency")["test"] == test
    come.ok("POST", "/demand", json=FUTURE)


def test_a_name_that_nobody_has(come, area):
    assert problem(come("GET", "/models/comparison?rival=nobody")) == (404, "not-found")
    assert problem(area("GET", "/models/comparison")) == (404, "no-champion")


def test_an_external_forecast_is_taken_into_the_consensus(come, work, shadowed):  # noqa: F811
    _, champion, _ = shadowed
    run = come.ok("POST", "/forecasts", json={"consensus": True, "base": champion, "external": ["agency"]})
    work(jobs.consensus, run_id=run["id"])
    made = come.ok("GET", f"/forecasts/{run['id']}")
    assert [one["name"] for one in made["sources"]] == ["agency"]
    theirs = {(one["item"], one["period"]): one for one in values(come, made["sources"][0]["forecast"])}
    before = {(one["item"], one["period"]): one for one in values(come, champion)}
    for one in values(come, run["id"]):
        source = theirs if one["item"] in "AB" else before
        assert one["mean"] == pytest.approx(source[one["item"], one["period"]]["mean"])
        assert one["quantiles"] == pytest.approx(source[one["item"], one["period"]]["quantiles"])


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"consensus": True, "external": ["nobody"]}, (422, "no-external-forecast")),
        ({"external": ["agency"]}, (422, "invalid")),
        ({"consensus": True, "external": ["9"]}, (422, "invalid")),
    ],
)
def test_what_no_consensus_takes(come, wish, expected):
    assert problem(come("POST", "/forecasts", json=wish)) == expected


@pytest.mark.parametrize(
    ("row", "slug"),
    [
        ({"q0.5": 900.0}, "crossing-quantiles"),
        ({"q0.1": None}, "missing-quantiles"),
        ({"mean": "NaN"}, "invalid"),
        ({"median": 3}, "invalid"),
    ],
    ids=["crossing", "missing", "no number", "a strange column"],
)
def test_a_bad_external_forecast_is_named_and_the_champion_stays(come, row, slug):
    champion, rows = come.ok("GET", "/forecasts/latest"), outside(FUTURE[:1])
    answer = come("POST", "/external-forecasts?name=agency", json=[rows[0] | row])
    assert problem(answer) == (422, slug)
    assert come.ok("GET", "/forecasts/latest") == champion
    assert come.ok("GET", "/models/champion")["model"]["version"] == 1


def test_one_that_becomes_the_champion_challenges_nobody(come, work, database):  # noqa: F811
    """Last in this file: the champion is another one from here on."""
    version = {"version": 2, "reason": "x"}
    with database.write() as session:
        session.execute(
            text("UPDATE model_versions SET gates = '[]' WHERE area = :area AND version = 2"), {"area": TRAINED}
        )
    come.ok("POST", "/models/promotions", json=version, headers={"If-Match": '"1"'})
    assert come.ok("GET", "/models/challenger")["active"] is False
    assert forecast(come, work, database)[1] is None
    assert [one["kind"] for one in come.ok("GET", "/models/comparison")["items"]].count("challenger") == 0


def test_a_grid_takes_what_both_have():
    days = np.array(["2026-01-05", "2026-01-12"], dtype="datetime64[D]")
    base = Grid(["A", "B"], ["L", "L"], days, np.ones((2, 2)), np.ones((2, 2, 3)), np.array([0.4, 0.5]))
    other = Grid(["B", "C"], ["L", "L"], days[1:], np.full((2, 1), 7.0), np.full((2, 1, 3), 8.0), np.zeros(2))
    found = replaced(base, other)
    assert found.mean.tolist() == [[1, 1], [1, 7]]
    assert found.quantiles[1].tolist() == [[1, 1, 1], [8, 8, 8]]
    assert found.dependence.tolist() == [0.4, 0.5]
