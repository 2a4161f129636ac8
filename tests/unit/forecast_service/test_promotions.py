"""The champion is the newest promotion; of two that saw the same champion one is refused; the ledger has them all."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from services.forecast.models import artifacts
from services.forecast.models.tables import ModelVersion, Promotion, TrainingRun

FILES = {"model.json": b"{}"}
METRICS = {"overall": {"model": {"wql": 0.1}}, "improvement": {"wql": {"estimate": 0.2}}, "origins": []}


@pytest.fixture
def modelled(area, database, settings):
    """An area with the model versions 1 to 3, trained for 4 periods, that passed their gates against any champion."""
    name = area.area.area
    time_profile = {"frequency": "W", "season_length": 52, "horizon": 4, "seed": 7}
    run = TrainingRun(id=uuid4(), area=name, reason="test", origins=3, requested_by="person-1", **time_profile)
    lineage = {
        "dataset_digest": "d",
        "artifact_digest": artifacts.digest(FILES),
        "code_version": "c",
        "mlflow_run": "r",
    }
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
                gates=[],
                **time_profile,
                **lineage,
            )
            for version in (1, 2, 3)
        )
    for version in "123":
        place = settings.model_cache / name / version
        place.mkdir(parents=True)
        for file, content in FILES.items():
            (place / file).write_bytes(content)

    def judged_anew():
        newest = select(Promotion.version).where(Promotion.area == name).order_by(Promotion.sequence.desc()).limit(1)
        with database.write() as session:
            here = update(ModelVersion).where(ModelVersion.area == name)
            session.execute(here.values(judged_against=session.scalar(newest)))

    area.judged_anew = judged_anew
    return area


def promote(area, version, etag, reason="better"):
    headers = {} if etag is None else {"If-Match": etag}
    area.judged_anew()
    return area("POST", "/models/promotions", json={"version": version, "reason": reason}, headers=headers)


def problem(answer):
    return answer.status_code, answer.json()["type"].partition("#")[2]


def test_without_a_promotion_there_is_no_champion(modelled):
    champion = modelled("GET", "/models/champion")
    assert problem(champion) == (404, "no-champion")
    promotions = modelled("GET", "/models/promotions")
    assert (champion.headers["etag"], promotions.headers["etag"][:3]) == ('"0"', '"0-')
    assert problem(modelled("POST", "/forecasts", json={})) == (409, "no-champion")


def test_a_promotion_makes_the_champion(modelled):
    first = promote(modelled, 2, '"0"', "first")
    second = promote(modelled, 3, first.headers["etag"], "second")
    champion = modelled("GET", "/models/champion")
    assert (first.status_code, second.headers["etag"], champion.headers["etag"][:3]) == (201, '"2"', '"2-')
    assert champion.json()["model"]["version"] == 3
    assert champion.json()["promotion"] == second.json()
    assert second.json()["previous_version"] == 2
    assert [row["sequence"] for row in modelled.ok("GET", "/models/promotions")["items"]] == [2, 1]


def roll_back(area, etag, reason="too high"):
    return area("POST", "/models/rollbacks", json={"reason": reason}, headers={"If-Match": etag})


def test_rollbacks_return_to_one_champion_after_the_other(modelled):
    for version in (1, 2, 3):
        promote(modelled, version, f'"{version - 1}"')
    first, second = roll_back(modelled, '"3"'), roll_back(modelled, '"4"')
    assert (first.json()["action"], first.json()["version"], first.json()["previous_version"]) == ("rollback", 2, 3)
    assert (second.json()["version"], second.headers["etag"]) == (1, '"5"')
    assert problem(roll_back(modelled, '"5"')) == (409, "nothing-to-roll-back")
    promote(modelled, 3, '"5"')
    assert roll_back(modelled, '"6"').json()["version"] == 1
    assert problem(roll_back(modelled, '"6"')) == (412, "stale-version")
    assert modelled.ok("POST", "/decisions:verify")["chains"][0]["intact"]


def test_a_promotion_and_a_rollback_at_once_are_one(modelled):
    promote(modelled, 1, '"0"')
    promote(modelled, 2, '"1"')
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: roll_back(modelled, '"2"').status_code, range(8)))
    assert sorted(answers) == [201, *[412] * 7]


def test_files_that_were_swapped_are_no_champion(modelled, settings):
    promote(modelled, 1, '"0"')
    (settings.model_cache / modelled.area.area / "2" / "model.json").write_bytes(b"{ }")
    assert problem(promote(modelled, 2, '"1"')) == (409, "model-files-away")
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
