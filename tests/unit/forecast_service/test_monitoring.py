"""Monitors on a real database: what fell, since when, at what cost, told once; and inputs that no longer come."""

import datetime
import json
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from scipy.special import ndtri
from sqlalchemy import text
from sqlalchemy.orm import make_transient

from services.forecast import jobs
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.cusum import Baseline
from services.forecast.engine.limits import Calibration, Limits
from services.forecast.external.schemas import QUANTILES as NAMES
from services.forecast.models.tables import ModelVersion, Promotion, TrainingRun
from services.forecast.monitoring import advice, looking
from services.forecast.monitoring.findings import raised_after
from services.forecast.monitoring.metrics import FIGURES, MonitorCollector
from services.forecast.reviews.filing import REVIEWS
from tests.factories import week

ITEMS, WEEKS, CHANGE = 12, 40, 34
FALLEN = {"I03", "I07"}
LEVEL, SPREAD = 100.0, 10.0
TODAY = datetime.date(2030, 1, 1)
LOCATION = "L1"


def names():
    return [f"I{number:02d}" for number in range(ITEMS)]


def demand(first, last):
    """Around LEVEL by SPREAD; those of FALLEN lose 40 % from CHANGE on."""
    noise = np.random.default_rng(2).standard_normal((ITEMS, WEEKS))
    return [
        {
            "item": item,
            "location": LOCATION,
            "period": week(number),
            "quantity": (LEVEL + SPREAD * noise[row, number]) * (0.6 if item in FALLEN and number >= CHANGE else 1),
        }
        for row, item in enumerate(names())
        for number in range(first, last)
    ]


def forecast(first):
    """Of 10 weeks from the `first` on, as is right for LEVEL and SPREAD."""
    levels = dict(zip(NAMES, LEVEL + SPREAD * ndtri(np.array(QUANTILES)), strict=True))
    return [
        {"item": item, "location": LOCATION, "period": week(first + step), "mean": LEVEL, **levels}
        for item in names()
        for step in range(10)
    ]


@pytest.fixture
def watched(area, database):
    """An area with a model, 10 weeks of history, and forecasts from elsewhere of the 30 weeks after it."""
    profile = {"frequency": "W", "season_length": 52, "horizon": 10, "seed": 7}
    name = area.area.area
    run = TrainingRun(id=uuid4(), area=name, reason="test", origins=3, requested_by="person-1", **profile)
    lineage = {"dataset_digest": "d", "artifact_digest": "a", "code_version": "c", "mlflow_run": "r"}
    with database.write() as session:
        session.add(run)
        session.flush()
        told = {"area": name, "version": 1, "training_run": run.id, "last_period": week(9), "features": []}
        session.add(ModelVersion(**told, metrics={}, **profile, **lineage))
    area.ok("PUT", "/items", json=[{"item": item, "unit_cost": "2.50"} for item in names()])
    area.ok("PUT", "/locations", json=[{"location": LOCATION}])
    area.ok("POST", "/demand", json=demand(0, 10))
    for first in range(10, WEEKS, 10):
        area.ok("POST", "/external-forecasts?name=agency", json=forecast(first))
    return area


@pytest.fixture
def look(watched, database):
    """As the worker does every five minutes: once when data has come, once when it stays; tells whether it computed."""

    def look(times=2):
        computed = []
        for _ in range(times):
            with database.write() as session:
                computed.append(looking.look_at(session, watched.area.area, TODAY))
        return computed

    return look


def events(database, area):
    query = text("SELECT subject, data FROM outbox WHERE area = :area AND type = 'drift.alarm' ORDER BY number")
    with database.read() as session:
        return session.execute(query, {"area": area.area.area}).all()


def test_what_sells_40_percent_less_is_found_dated_and_priced(watched, look, database):
    watched.ok("POST", "/demand", json=demand(10, WEEKS))
    assert look() == [False, True]
    found = watched.ok("GET", "/drift")
    (model,) = found["models"]
    assert (model["model"], model["until"]) == ("agency", week(WEEKS - 1))
    (fall,) = [one for one in model["alarms"] if one["scope"] == "items" and one["signal"] == "level"]
    assert {one["item"] for one in fall["items"]} == FALLEN
    assert (fall["segment"], fall["direction"], fall["recommends"]) == ("smooth", "down", "review_forecast")
    assert (fall["item_locations"], fall["watched"], fall["basis"], fall["rate"]) == (2, ITEMS, "normal", 0.05)
    for one in fall["items"]:
        assert one["since"] == week(CHANGE)
        assert week(CHANGE) <= one["raised"] <= week(CHANGE + 3)
        # Demand below all deciles of N(100, 10) costs 96.0 less it; 6.2 are expected.
        came = [row["quantity"] for row in demand(CHANGE, WEEKS) if row["item"] == one["item"]]
        assert one["units"] == pytest.approx(6 * (96.0 - 6.2) - sum(came), rel=0.03)
        assert float(one["value"]) == pytest.approx(one["units"] * 2.5, abs=0.01)
    assert fall["units"] == pytest.approx(sum(one["units"] for one in fall["items"]))
    (smooth,) = model["segments"]
    assert (smooth["segment"], smooth["n"], smooth["item_locations"]) == ("smooth", ITEMS * 30, ITEMS)
    lost = 2 * 6 * 40 / (ITEMS * 30 * LEVEL)
    assert smooth["bias"] == pytest.approx(lost, abs=0.006)


def test_each_alarm_is_told_once(watched, look, database):
    watched.ok("POST", "/demand", json=demand(10, CHANGE))
    look()
    before = len(events(database, watched))
    watched.ok("POST", "/demand", json=demand(CHANGE, CHANGE + 4))
    assert look() == [False, True]
    news = events(database, watched)[before:]
    falls = [data for subject, data in news if data["scope"] == "items" and data["signal"] == "level"]
    assert [subject for subject, _ in news] == ["models/agency"] * len(news)
    assert [{one["item"] for one in fall["items"]} for fall in falls] == [FALLEN]
    assert look() == [False, False]
    watched.ok("POST", "/demand", json=demand(CHANGE + 4, CHANGE + 5))
    look()
    later = [one["item"] for _, data in events(database, watched)[before + len(news) :] for one in data["items"]]
    assert not any(item in FALLEN for item in later)


def serve(database, area):
    """The forecasts become version 1's own, and it is champion."""
    with database.write() as session:
        as_ours = "UPDATE forecasts SET source = 'model', name = NULL, model_version = 1 WHERE area = :area"
        session.execute(text(as_ours), {"area": area.area.area})
        session.add(Promotion(area=area.area.area, sequence=1, version=1, reason="r", promoted_by="p"))


def filings(database, area):
    """What is taken from the planner's queue: the recommendations, and the origins withdrawn."""
    taken = text(
        "DELETE FROM procrastinate_jobs WHERE task_name = 'forecast:file_recommendations' AND args ->> 'area' = :area"
        " RETURNING id, args ->> 'body'"
    )
    with database.write() as session:
        found = session.execute(taken, {"area": area.area.area}).all()
    bodies = [json.loads(body) for _, body in sorted(found)]
    return [one for body in bodies for one in body["recommendations"]], [
        origin for body in bodies for origin in body["withdrawn"]
    ]


def test_an_alarm_is_one_recommendation_until_more_changes_and_is_withdrawn_with_its_champion(watched, look, database):
    serve(database, watched)
    watched.ok("POST", "/demand", json=demand(10, CHANGE + 4))
    look()
    filed, withdrawn = filings(database, watched)
    fall = next(one for one in filed if (one["drift"]["scope"], one["drift"]["signal"]) == ("items", "level"))
    (alarm,) = [
        one
        for one in watched.ok("GET", "/drift?model=1")["models"][0]["alarms"]
        if (one["scope"], one["signal"]) == ("items", "level")
    ]
    assert (fall["type"], fall["model_version"], withdrawn) == ("review_forecast", 1, [])
    assert fall["drift"] == {name: alarm[name] for name in advice.MEASURED} | {"model": "1", "until": week(CHANGE + 3)}
    assert {one["item"] for one in fall["drift"]["items"]} == FALLEN
    watched.ok("POST", "/demand", json=[demand(CHANGE + 3, CHANGE + 4)[0] | {"quantity": LEVEL}])
    assert look() == [False, True]
    assert filings(database, watched) == ([], [])
    none_of_it = [row | {"quantity": 0 if row["item"] == "I05" else LEVEL} for row in demand(CHANGE + 4, WEEKS)]
    watched.ok("POST", "/demand", json=none_of_it)
    look()
    grown, withdrawn = filings(database, watched)
    (more,) = [one for one in grown if (one["drift"]["scope"], one["drift"]["signal"]) == ("items", "level")]
    assert {one["item"] for one in more["drift"]["items"]} == {*FALLEN, "I05"}
    assert fall["origins"][0] in withdrawn
    with database.write() as session:
        other = session.get_one(ModelVersion, (watched.area.area, 1))
        make_transient(other)
        other.version = 2
        session.add(other)
        session.flush()
        session.add(Promotion(area=watched.area.area, sequence=2, version=2, reason="r", promoted_by="p"))
    watched.ok("POST", "/demand", json=[demand(WEEKS - 1, WEEKS)[0] | {"quantity": 99.0}])
    look()
    filed, withdrawn = filings(database, watched)
    assert filed == []
    assert more["origins"][0] in withdrawn


def test_decay_is_told_where_no_alarm_asks_for_a_model_and_withdrawn_when_it_is_over(watched, look, database):
    one = Calibration(Baseline(0.25, 2.0), Limits(level=99.0, spread=98.0, rate=0.02), "backtest").to_dict()
    metrics = {"monitoring": {"smooth": {"items": one, "segment": one}}, "overall": {"model": {"wmape": 0.2}}}
    with database.write() as session:
        session.get_one(ModelVersion, (watched.area.area, 1)).metrics = metrics
    serve(database, watched)
    doubled = [row | {"quantity": 2 * LEVEL} for row in demand(30, 34)]
    watched.ok("POST", "/demand", json=[row | {"quantity": LEVEL} for row in demand(10, 30)] + doubled)
    look()
    assert watched.ok("GET", "/drift")["models"][0]["alarms"] == []
    assert filings(database, watched) == ([], [])
    watched.ok("POST", "/demand", json=[row | {"quantity": 2 * LEVEL} for row in demand(34, 36)])
    look()
    (filed,), withdrawn = filings(database, watched)
    # Of sixteen weeks six are missed by 100 of 200, ten by nothing: 600 of 2200.
    assert filed["decay"] == watched.ok("GET", "/drift")["models"][0]["decay"] == {
        "first": week(20), "last": week(35), "cells": 16 * ITEMS, "measured": 0.272727, "backtest": 0.2,
        "ratio": 1.363636, "limit": 1.25,
    }  # fmt: skip
    assert (filed["type"], filed["model_version"], withdrawn) == ("retrain_model", 1, [])
    watched.ok("POST", "/demand", json=[row | {"quantity": 2 * LEVEL} for row in demand(36, 37)])
    look()
    assert filings(database, watched) == ([], [])
    watched.ok("POST", "/demand", json=[row | {"quantity": LEVEL} for row in demand(30, 37)])
    look()
    assert filings(database, watched) == ([], filed["origins"])


def test_models_from_elsewhere_are_looked_at_never_trained(watched, look, database):
    fallen = [
        row | {"quantity": row["quantity"] * (0.5 if row["period"] >= week(30) else 1)} for row in demand(10, WEEKS)
    ]
    watched.ok("POST", "/demand", json=fallen)
    look()
    filed, _ = filings(database, watched)
    (whole,) = [one for one in filed if (one["drift"]["scope"], one["drift"]["signal"]) == ("segment", "level")]
    assert (whole["type"], whole["model_version"], whole["drift"]["model"]) == ("review_forecast", None, "agency")
    assert (whole["drift"]["direction"], whole["drift"]["since"]) == ("down", week(30))
    assert {one["type"] for one in filed} == {"review_forecast"}


def test_demand_that_is_still_coming_is_not_judged(watched, look):
    watched.ok("POST", "/demand", json=demand(10, 30))
    assert look(1) == [False]
    watched.ok("POST", "/demand", json=demand(30, 31)[: ITEMS // 2])
    assert look(1) == [False]
    assert watched.ok("GET", "/drift") == {"inputs": None, "models": []}
    assert look(1) == [True]


def test_a_dead_driver_and_a_silent_item_location(watched, look, database):
    watched.ok("PUT", "/drivers/price", json={"kind": "price", "known_ahead": True, "scope": "global"})
    values = [{"period": week(number), "value": 1.0 + min(number, 30) % 5} for number in range(WEEKS)]
    watched.ok("POST", "/drivers/price/values", json=values)
    rows = [row for row in demand(10, WEEKS) if row["item"] != "I00" or row["period"] < week(26)]
    watched.ok("POST", "/demand", json=rows)
    look()
    inputs = watched.ok("GET", "/drift")["inputs"]
    (price,) = inputs["drivers"]
    assert (price["still"], price["dead_since"], price["recommends"]) == (9, week(31), "review_forecast")
    assert [subject for subject, _ in events(database, watched)].count("drivers/price") == 1
    told = {"driver": "price", "since": week(31), "still": 9}
    (filed,) = [one for one in filings(database, watched)[0] if "dead_driver" in one]
    assert (filed["type"], filed["dead_driver"]) == ("review_forecast", told)
    assert inputs["silent"] == {"count": 1, "items": [{"item": "I00", "location": LOCATION, "newest": week(25)}]}
    assert inputs["late"] > 0  # the demand is of another year


def test_a_version_is_held_to_the_limits_of_its_backtest(watched, look, database):
    """The same forecasts as if the version had made them, with limits that nothing crosses."""
    one = Calibration(Baseline(0.25, 2.0), Limits(level=99.0, spread=98.0, rate=0.02), "backtest").to_dict()
    metrics = {"monitoring": {"smooth": {"items": one, "segment": one}}}
    with database.write() as session:
        session.get_one(ModelVersion, (watched.area.area, 1)).metrics = metrics
    serve(database, watched)
    watched.ok("POST", "/demand", json=demand(10, WEEKS))
    look()
    (model,) = watched.ok("GET", "/drift?model=1")["models"]
    assert model["alarms"] == []
    assert filings(database, watched) == ([], [])
    assert model["segments"][0]["limits"] == {"level": 99.0, "spread": 98.0, "rate": 0.02, "basis": "backtest"}


def test_a_segment_and_a_model_alone(watched, look):
    watched.ok("POST", "/demand", json=demand(10, WEEKS))
    look()
    assert watched.ok("GET", "/drift?model=nobody")["models"] == []
    (model,) = watched.ok("GET", "/drift?segment=lumpy")["models"]
    assert (model["segments"], model["alarms"]) == ([], [])


def test_prometheus_reads_the_same(watched, look, client, database):
    watched.ok("POST", "/demand", json=demand(10, WEEKS))
    look()
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
    registry = CollectorRegistry(auto_describe=True)
    registry.register(MonitorCollector(database))
    told = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    labels = {"area": watched.area.area, "model": "agency", "segment": "smooth"}
    fall = labels | {"scope": "items", "signal": "level", "direction": "down"}
    (model,) = watched.ok("GET", "/drift")["models"]
    expected = {name: model["segments"][0][name] for name in FIGURES}
    assert expected["wmape"] is not None
    assert {name: told.get((f"accord_forecast_{name}", frozenset(labels.items()))) for name in FIGURES} == expected
    assert told["accord_forecast_alarms", frozenset(fall.items())] == 2
    assert registry.get_sample_value("accord_forecast_alarms", fall) == 2
    until = datetime.datetime.fromisoformat(week(WEEKS - 1)).replace(tzinfo=datetime.UTC).timestamp()
    assert told["accord_demand_until_timestamp_seconds", frozenset({("area", watched.area.area)})] == until


def test_the_worker_looks_at_every_area_whatever_becomes_of_one(watched, database, monkeypatch):
    seen = []

    def look_at(_session, area, _today):
        seen.append(area)
        raise ValueError

    monkeypatch.setattr(looking, "look_at", look_at)
    context = SimpleNamespace(additional_context={"database": database})
    jobs.monitor.func(context, 0)
    assert watched.area.area in seen
    assert len(seen) == len(set(seen))
    assert jobs.monitor.queue == REVIEWS


def test_only_what_was_raised_later_is_news():
    items = [
        {"item": "A", "location": "L", "since": "2024-01-01", "raised": "2024-01-08", "units": 5.0, "value": "10.00"},
        {"item": "B", "location": "L", "since": "2024-01-15", "raised": "2024-01-22", "units": 2.0, "value": "4.00"},
    ]
    alarm = {"segment": "smooth", "item_locations": 2, "units": 7.0, "value": "14.00", "items": items}
    (news,) = raised_after([alarm], datetime.date(2024, 1, 8))
    assert (news["items"], news["since"], news["units"], news["value"]) == (items[1:], "2024-01-15", 2.0, "4.00")
    assert raised_after([alarm], datetime.date(2024, 1, 22)) == []
    assert raised_after([alarm], None)[0]["items"] == items
