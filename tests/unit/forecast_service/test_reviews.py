"""The review of forecasts that are stored, by hand: what is queued for the planner, and what is not."""

import datetime
import json
from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.forecast import jobs
from services.forecast.engine.cells import QUANTILES
from services.forecast.forecasts.tables import Forecast, ForecastSeries
from services.forecast.models.tables import ModelVersion, TrainingRun
from services.forecast.reviews import filing, reviewing
from shared.errors import Unavailable
from tests.factories import week

FIRST = 3  # week(3) begins a block of eight: 2784 weeks after 1970
STEPS = (-20.0, -8, -6, -4, -2, 0, 2, 4, 6, 10, 20)  # beside the mean, at QUANTILES


def day(number):
    return datetime.date.fromisoformat(week(number))


@pytest.fixture
def book(area, database):
    """An area with items A, B and N, which has no cost, and a model."""
    items = [{"item": "A", "unit_cost": "2.50"}, {"item": "B", "unit_cost": "0.50"}, {"item": "N"}]
    area.ok("PUT", "/items", json=items)
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    name = area.area.area
    profile = {"area": name, "frequency": "W", "season_length": 52, "horizon": 12, "seed": 7}
    with database.write() as session:
        run = TrainingRun(
            id=uuid4(), reason="x", origins=3, requested_by="x", warnings=[], status="succeeded", **profile
        )
        session.add(run)
        session.flush()
        facts = {"mlflow_run": "x", "features": [], "dataset_digest": "", "artifact_digest": "", "code_version": ""}
        last = {"last_period": day(0), "training_run": run.id}
        session.add(ModelVersion(version=1, metrics={}, **profile, **facts, **last))
    return Book(area, database)


class Book:
    def __init__(self, area, database):
        self.area, self.database = area, database

    def forecast(self, origin, periods=12, **means):
        """Told at the end of week `origin`: the same mean in every period, quantiles `STEPS` beside it."""
        with self.database.write() as session:
            run = Forecast(
                id=uuid4(), area=self.area.area.area, status="succeeded", model_version=1, origin=day(origin), seed=7,
                horizon=periods, periods=[day(origin + 1 + step) for step in range(periods)], requested_by="x",
                quantiles=list(QUANTILES), series_count=len(means), warnings=[],
            )  # fmt: skip
            session.add(run)
            session.flush()
            for item, mean in means.items():
                quantiles = [float(max(mean + step, 0)) for step in STEPS] * periods
                row = {"item": item, "location": "L1", "mean": [float(mean)] * periods, "quantiles": quantiles}
                session.add(ForecastSeries(forecast_id=run.id, dependence=0.0, **row))
            return run.id

    def demand(self, item, first, *quantities):
        rows = [
            {"item": item, "location": "L1", "period": week(first + step), "quantity": quantity}
            for step, quantity in enumerate(quantities)
        ]
        self.area.ok("POST", "/demand", json=rows)

    def review(self, forecast):
        """What the review queues for filing."""
        reviewing.review(self.database, forecast)
        return self.queued()

    def queued(self):
        with Session(self.database.engine) as session, session.begin():
            taken = "DELETE FROM procrastinate_jobs WHERE task_name = 'forecast:file_recommendations' RETURNING args"
            bodies = [args for (args,) in session.execute(text(taken)) if args["area"] == self.area.area.area]
        return [one for args in bodies for one in json.loads(args["body"])["recommendations"]]


def test_what_moves_by_less_than_three_tenths_has_not_jumped(book):
    """From 100 to 140 of a spread of 140 x 0.1 a period is a z of 2.86, to 150 one of 3.33."""
    assert book.review(book.forecast(FIRST, A=100, B=100)) == []
    (found,) = book.review(book.forecast(FIRST + 1, A=140, B=150))
    assert (found["item"], found["jump"]["z"]) == ("B", pytest.approx(10 / 3, abs=1e-6))


def test_evidence_and_rank(book):
    before = book.forecast(FIRST, A=100, B=100, N=100)
    later = book.forecast(FIRST + 1, A=200, B=300, N=400)
    found = book.review(later)
    assert [(one["item"], one["stake"]) for one in found] == [
        ("A", {"units": 1100.0, "value": "2750.00", "rank": 1, "flagged": 3}),
        ("B", {"units": 2200.0, "value": "1100.00", "rank": 2, "flagged": 3}),
        ("N", {"units": 3300.0, "value": None, "rank": 3, "flagged": 3}),
    ]
    jump = found[0]["jump"]
    assert (jump["previous"], jump["periods"]) == (str(before), [week(FIRST + 2 + step) for step in range(11)])
    assert (jump["before"], jump["after"], jump["change"]) == ([100.0] * 11, [200.0] * 11, 1100.0)
    spread = max(10 / 1.2815515655446004 * 11**0.5, 0.1 * 2200)
    assert (jump["spread"], jump["z"]) == pytest.approx((spread, 1100 / spread), abs=1e-6)
    assert found[0]["expires_on"] == week(FIRST + 14)
    assert found[0]["origins"] != found[1]["origins"]
    assert book.review(later) == found


def test_only_the_first_are_shown(book, monkeypatch):
    monkeypatch.setattr(reviewing, "MOST_SHOWN", 2)
    book.forecast(FIRST, A=100, B=100, N=100)
    found = book.review(book.forecast(FIRST + 1, A=200, B=300, N=400))
    assert [(one["item"], one["stake"]["flagged"]) for one in found] == [("A", 3), ("B", 3)]


def test_misses_by_hand(book):
    """Of eight weeks four lie above 120 or below 80: that is told, and what was unknown or inside is not."""
    book.forecast(FIRST - 1, A=100, B=100)
    book.demand("A", FIRST, 100, 121, 125, 79, 120, 80, 100)
    book.demand("B", FIRST, 100, 121, 125, 79, 120, 80, 100)
    assert book.review(book.forecast(FIRST + 6, A=100, B=100)) == []
    book.demand("A", FIRST + 7, 130)
    book.demand("B", FIRST + 7, 118)
    (found,) = book.review(book.forecast(FIRST + 7, A=100, B=100))
    misses = found["misses"]
    assert (found["item"], "jump" in found) == ("A", False)
    assert misses["periods"] == [week(FIRST + step) for step in range(8)]
    assert misses["lags"] == [1, 2, 3, 4, 5, 6, 7, 1]
    assert misses["demand"] == [100, 121, 125, 79, 120, 80, 100, 130]
    assert (misses["low"], misses["high"], misses["level"]) == ([80.0] * 8, [120.0] * 8, 0.95)
    assert (misses["above"], misses["below"], misses["fewest"], misses["block"]) == (3, 1, 4, 8)
    assert misses["false_alarm"] == pytest.approx(0.000372)
    assert found["stake"] == {"units": 1 + 5 + 1 + 10, "value": "42.50", "rank": 1, "flagged": 1}
    again = book.review(book.forecast(FIRST + 7, A=100, B=100))
    assert again[0]["origins"] == found["origins"]


def test_a_jump_and_misses_of_one_item_are_one_recommendation_with_both_origins(book):
    book.forecast(FIRST - 1, A=100)
    book.demand("A", FIRST, 300, 300, 300, 300)
    (review,) = book.review(book.forecast(FIRST + 3, A=300))
    assert review["type"] == "review_forecast"
    assert {"jump", "misses"} <= review.keys()
    assert len(review["origins"]) == 2


def test_what_if_s_and_forecasts_that_look_back_are_not_reviewed(book, database):
    book.forecast(FIRST + 2, A=100)
    back = book.forecast(FIRST, A=900)
    assert book.review(back) == []
    assert book.review(uuid4()) == []
    with database.write() as session:
        session.get_one(Forecast, back).base = back
    assert book.review(back) == []


def test_the_gateway_away_comes_back_later(settings, database):
    context = SimpleNamespace(additional_context={"settings": settings, "database": database})
    with pytest.raises(Unavailable):
        jobs.file_recommendations.func(context, area="x", body='{"recommendations": []}')
    assert jobs.FILING_RETRY.max_attempts is None


def test_origins_tell_codes_apart_however_they_are_cut():
    assert len({filing.origin("jump", *key) for key in (("a", "b:c"), ("a:b", "c"), ("a", "b", "c"))}) == 3
    assert len(filing.origin("misses", "x" * 200, "y" * 200)) <= 200
