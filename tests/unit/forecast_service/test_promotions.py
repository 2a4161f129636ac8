"""The champion is the newest promotion; of two that saw the same champion one is refused; the ledger has them all."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from services.forecast.models.tables import ModelVersion, Promotion, TrainingRun

METRICS = {"overall": {"model": {"wql": 0.1}}, "improvement": {"wql": {"estimate": 0.2}}, "origins": []}


@pytest.fixture
def modelled(area, database):
    """An area with the model versions 1 to 3, trained for 4 periods."""
    name = area.area.area
    time_profile = {"frequency": "W", "season_length": 52, "horizon": 4, "seed": 7}
    run = TrainingRun(id=uuid4(), area=name, reason="test", origins=3, requested_by="person-1", **time_profile)
    lineage = {"dataset_digest": "d", "artifact_digest": "a", "code_version": "c", "mlflow_run": "r"}
    with database.write() as session:
        session.add(run)
        session.flush()
        session.add_all(
            ModelVersion(
                area=name,
                version=version,
                training_run=run.id,
                last_period="2024-01-01",
                features=[],
                metrics=METRICS,
                **time_profile,
                **lineage,
            )
            for version in (1, 2, 3)
        )
    return area


def promote(area, version, etag, reason="better"):
    headers = {} if etag is None else {"If-Match": etag}
    return area("POST", "/models/promotions", json={"version": version, "reason": reason}, headers=headers)


def problem(answer):
    return answer.status_code, answer.json()["type"].partition("#")[2]


def test_without_a_promotion_there_is_no_champion(modelled):
    champion = modelled("GET", "/models/champion")
    assert problem(champion) == (404, "no-champion")
    assert champion.headers["etag"] == modelled("GET", "/models/promotions").headers["etag"] == '"0"'
    assert problem(modelled("POST", "/forecasts", json={})) == (409, "no-champion")


def test_a_promotion_makes_the_champion(modelled):
    first = promote(modelled, 2, '"0"', "first")
    second = promote(modelled, 3, first.headers["etag"], "second")
    champion = modelled("GET", "/models/champion")
    assert (first.status_code, second.headers["etag"], champion.headers["etag"]) == (201, '"2"', '"2"')
    assert champion.json()["model"]["version"] == 3
    assert champion.json()["promotion"] == second.json()
    assert second.json()["previous_version"] == 2
    assert [row["sequence"] for row in modelled.ok("GET", "/models/promotions")["items"]] == [2, 1]


def test_a_rollback_is_a_promotion_of_an_earlier_version(modelled):
    promote(modelled, 2, '"0"')
    promote(modelled, 1, '"1"', "2 forecast too high")
    assert modelled.ok("GET", "/models/champion")["model"]["version"] == 1


@pytest.mark.parametrize(
    ("version", "etag", "expected"),
    [
        (1, None, (428, "version-required")),
        (1, '"7"', (412, "stale-version")),
        (1, "*", (400, "bad-request")),
        (9, '"0"', (422, "unknown-model-version")),
        (True, '"0"', (422, "invalid")),
    ],
)
def test_what_is_no_promotion_changes_nothing(modelled, version, etag, expected):
    assert problem(promote(modelled, version, etag)) == expected
    assert modelled.ok("GET", "/models/promotions")["items"] == []
    assert modelled.ok("POST", "/decisions:verify")["chains"][0]["entries"] == 0


def test_of_many_at_once_one_wins(modelled):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: promote(modelled, number % 3 + 1, '"0"'), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[412] * 7]
    assert len(modelled.ok("GET", "/models/promotions")["items"]) == 1
    assert modelled.ok("POST", "/decisions:verify")["chains"] == [
        {"service": "forecast", "entries": 1, "intact": True, "first_bad": None}
    ]


@pytest.mark.parametrize(
    "change", [{"version": 3}, {"previous_version": None}, {"reason": "other"}, {"promoted_by": "somebody else"}]
)
def test_verify_finds_a_promotion_that_was_changed_behind_the_ledger(modelled, database, change):
    promote(modelled, 1, '"0"')
    promote(modelled, 2, '"1"')
    with database.write() as session:
        second = update(Promotion).where(Promotion.area == modelled.area.area, Promotion.sequence == 2)
        session.execute(second.values(change))
    chain = modelled.ok("POST", "/decisions:verify")["chains"][0]
    assert (chain["intact"], chain["first_bad"]["sequence"]) == (False, 2)
    assert "promotion 2" in chain["first_bad"]["reason"]


def test_verify_finds_a_promotion_that_nobody_logged(modelled, database):
    promote(modelled, 1, '"0"')
    with database.write() as session:
        smuggled = text(
            "INSERT INTO promotions SELECT area, 2, 3, 1, reason, promoted_by FROM promotions WHERE area = :a"
        )
        session.execute(smuggled, {"a": modelled.area.area})
    chain = modelled.ok("POST", "/decisions:verify")["chains"][0]
    assert (chain["intact"], chain["first_bad"]["reason"]) == (False, "promotion 2 was never logged")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"horizon": 5}, (422, "horizon-too-long")),
        ({"model": 9}, (422, "unknown-model-version")),
        ({"origin": "2024-01-03"}, (422, "off-calendar")),
        ({"model": "challenger"}, (422, "invalid")),
        ({"horizon": 0}, (422, "invalid")),
        ({"overlays": [{}]}, (422, "invalid")),
    ],
)
def test_a_forecast_that_cannot_be_is_refused_at_once(modelled, wish, expected):
    promote(modelled, 1, '"0"')
    assert problem(modelled("POST", "/forecasts", json=wish)) == expected
    assert modelled.ok("GET", "/forecasts")["items"] == []


def test_a_forecast_keeps_the_version_that_was_champion_when_it_was_asked_for(modelled):
    promote(modelled, 1, '"0"')
    asked = modelled("POST", "/forecasts", json={})
    promote(modelled, 2, '"1"')
    run = modelled.ok("GET", f"/forecasts/{asked.json()['id']}")
    assert asked.status_code == 202
    assert asked.headers["location"].endswith(f"/forecasts/{run['id']}")
    assert (run["status"], run["model_version"], run["horizon"]) == ("queued", 1, 4)
    assert run["accuracy"] == {"overall": METRICS["overall"], "improvement": METRICS["improvement"]}


def test_a_forecast_without_values_says_so(modelled):
    promote(modelled, 1, '"0"')
    run = modelled.ok("POST", "/forecasts", json={})
    assert problem(modelled("GET", f"/forecasts/{run['id']}/values")) == (409, "forecast-not-ready")
    assert problem(modelled("GET", "/forecasts/latest")) == (404, "no-forecast")
    assert modelled.ok("POST", f"/forecasts/{run['id']}/cancel")["status"] == "cancelled"
    assert problem(modelled("GET", f"/forecasts/{uuid4()}")) == (404, "not-found")
    assert modelled("GET", "/forecasts/newest").status_code == 422
