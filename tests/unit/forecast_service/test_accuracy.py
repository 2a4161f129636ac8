"""Forecasts against the demand that came: a case by hand, what counts and what does not, and on equal terms."""

import datetime
from uuid import uuid4

import numpy as np
import pytest

from services.forecast.accuracy import measurement, service
from services.forecast.engine import metrics
from services.forecast.engine.cells import QUANTILES
from services.forecast.external.schemas import QUANTILES as NAMES
from tests.factories import week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.inside import profile

ORIGIN = 5  # the last period before the forecasts


def demand(item, first, quantities, **fields):
    return [
        {"item": item, "location": "L1", "period": week(first + step), "quantity": quantity} | fields
        for step, quantity in enumerate(quantities)
        if quantity is not None
    ]


def told(item, means, first=ORIGIN + 1, **quantiles):
    return [
        {"item": item, "location": "L1", "period": week(first + step), "mean": mean}
        | {name: quantiles.get(name, mean) for name in NAMES}
        for step, mean in enumerate(means)
    ]


@pytest.fixture
def known(client, area):
    """Two items of one category and one of none; A's demand steps by 2, two periods apart it is the same plus 4."""
    area = Caller(client, profile(area.area.area, season_length=2))
    items = [{"item": "A", "category": "food"}, {"item": "B", "category": "food"}, {"item": "N"}]
    area.ok("PUT", "/items", json=items)
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    area.ok("POST", "/demand", json=demand("A", 0, [2, 4, 6, 8, 10, 12]) + demand("B", 2, [5, 5, 5, 5]))
    return area


def post(area, name, rows, **query):
    options = "".join(f"&{key}={value}" for key, value in query.items())
    return area.ok("POST", f"/external-forecasts?name={name}{options}", json=rows)["made"]


def measured(area, query=""):
    return {row["group"]: row for row in area.ok("GET", f"/accuracy{query}")["items"]}


def test_a_case_by_hand(known):
    post(known, "agency", told("A", [12, 20]) + told("B", [4, 4]))
    known.ok("POST", "/demand", json=demand("A", 6, [10, 16]) + demand("B", 6, [5, 5]))
    found = measured(known, "?by=item")
    assert found["A"] == {
        "group": "A",
        "n": 2,
        "censored": 0,
        "series": 1,
        "wmape": pytest.approx((2 + 4) / 26),
        "wql": pytest.approx((2 + 4) / 26),  # one quantile at all levels
        "bias": pytest.approx((2 + 4) / 26),
        "rmsse": pytest.approx(np.sqrt((4 + 16) / 2) / 2),
        "rmsse_left_out": 0,
        "scaled_pinball": pytest.approx((2 + 4) / 2 / 4),
        "scaled_pinball_left_out": 0,
        "coverage_80": 0.0,
        "coverage_95": 0.0,
    }
    assert (found["B"]["wmape"], found["B"]["bias"]) == (pytest.approx(0.2), pytest.approx(-0.2))
    assert (found["B"]["rmsse"], found["B"]["rmsse_left_out"]) == (None, 1)  # its demand never changed
    (both,) = measured(known).values()
    assert (both["group"], both["n"], both["series"]) == ("agency", 4, 2)
    assert both["bias"] == pytest.approx((2 + 4 - 1 - 1) / 36)
    assert (both["rmsse"], both["rmsse_left_out"]) == (pytest.approx(found["A"]["rmsse"]), 1)


def test_groups(known):
    first = post(known, "agency", told("A", [12, 20]) + told("B", [4, 4]) + told("N", [1, 1]))
    known.ok("POST", "/demand", json=demand("A", 6, [10, 16]) + demand("B", 6, [5, 5]) + demand("N", 6, [1, 2]))
    counts = {
        by: {group: row["n"] for group, row in measured(known, f"?by={by}").items()}
        for by in ("model", "forecast", "item", "location", "category", "lag")
    }
    assert counts == {
        "model": {"agency": 6},
        "forecast": {first: 6},
        "item": {"A": 2, "B": 2, "N": 2},
        "location": {"L1": 6},
        "category": {"food": 4, None: 2},
        "lag": {"1": 3, "2": 3},
    }
    lags = measured(known, "?by=lag")
    assert lags["1"]["bias"] == pytest.approx((2 - 1 + 0) / 16)
    assert lags["2"]["rmsse"] == pytest.approx(4 / 2)


def test_a_lag_counts_from_the_origin(known):
    post(known, "agency", told("A", [12, 20]), origin=week(ORIGIN - 2))
    known.ok("POST", "/demand", json=demand("A", 6, [10, 16]))
    assert set(measured(known, "?by=lag")) == {"3", "4"}


def test_stock_outs_are_left_out_and_counted_and_silence_is_zero_demand(known):
    post(known, "agency", told("A", [12, 20, 7]) + told("N", [1, 1, 1]))
    rows = demand("A", 6, [10], in_stock=False) + demand("B", 6, [5, 5]) + demand("N", 7, [3])
    known.ok("POST", "/demand", json=rows)
    found = measured(known, "?by=item")
    a = found["A"]  # out of stock, then no row where the area has demand, then beyond the area's last demand
    assert (a["n"], a["censored"], a["wmape"]) == (1, 1, None)
    assert a["rmsse"] == pytest.approx(20 / 2)
    assert (found["N"]["n"], found["N"]["censored"]) == (1, 0)  # before its first row it is not known at all


def test_a_stock_out_in_the_history_is_no_step(known):
    post(known, "agency", told("A", [14]))
    known.ok("POST", "/demand", json=demand("A", 3, [1], in_stock=False) + demand("A", 6, [12]))
    (row,) = measured(known).values()
    assert row["rmsse"] == pytest.approx(2 / np.sqrt((4 + 4 + 4) / 3))


def test_a_period_that_is_not_over_is_not_measured(known):
    today = datetime.datetime.now(datetime.UTC).date()
    monday = today - datetime.timedelta(days=today.weekday())
    starts = [(monday + datetime.timedelta(weeks=step)).isoformat() for step in (-1, 0)]
    rows = [row | {"period": start} for row, start in zip(told("A", [1, 1]), starts, strict=True)]
    post(known, "agency", rows)
    known.ok("POST", "/demand", json=[{"item": "A", "location": "L1", "period": day, "quantity": 1} for day in starts])
    (row,) = measured(known).values()
    assert row["n"] == 1


def test_from_and_to(known):
    post(known, "agency", told("A", [10, 20, 30, 40]))
    known.ok("POST", "/demand", json=demand("A", 6, [1, 1, 1, 1]))
    (row,) = measured(known, f"?from={week(7)}&to={week(8)}").values()
    assert (row["n"], row["bias"]) == (2, pytest.approx((19 + 29) / 2))
    assert measured(known, f"?from={week(10)}") == {}


def test_models_side_by_side_on_the_cells_that_all_have(known):
    post(known, "one", told("A", [11, 13, 14]) + told("B", [5, 5, 5]))
    post(known, "two", told("A", [12, 14]))
    post(known, "two", told("A", [9, 9], first=8))  # from a later origin: no cell of the other's
    known.ok("POST", "/demand", json=demand("A", 6, [10, 12, 14, 9]) + demand("B", 6, [5, 6, 7, 8]))
    alone = measured(known)
    assert {name: row["n"] for name, row in alone.items()} == {"one": 6, "two": 4}
    common = measured(known, "?common=true")
    assert {name: row["n"] for name, row in common.items()} == {"one": 2, "two": 2}
    assert [common[name]["bias"] for name in ("one", "two")] == [pytest.approx(2 / 22), pytest.approx(4 / 22)]
    post(known, "three", told("N", [1]))
    assert measured(known, "?common=true") == {}


def test_named_forecasts_only(known):
    ids = [post(known, name, told("A", [mean])) for name, mean in (("one", 11), ("two", 13), ("three", 9))]
    known.ok("POST", "/demand", json=demand("A", 6, [10]))
    assert set(measured(known, f"?forecast={ids[0]},{ids[2]}")) == {"one", "three"}
    answer = known("GET", f"/accuracy?forecast={uuid4()}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs/errors#not-found")
    assert known("GET", f"/accuracy?forecast={ids[0]},").status_code == 422
    assert known("GET", "/accuracy?forecast=latest").status_code == 422


def test_what_one_call_may_measure_is_bounded(known, monkeypatch):
    post(known, "one", told("A", [11, 12]))
    known.ok("POST", "/demand", json=demand("A", 6, [10, 10]))
    monkeypatch.setattr(service, "MOST_CELLS", 1)
    answer = known("GET", "/accuracy")
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#too-much-to-measure")
    assert measured(known, f"?to={week(6)}")["one"]["n"] == 1
    monkeypatch.setattr(service, "MOST_FORECASTS", 1)
    post(known, "two", told("A", [11]))
    assert known("GET", f"/accuracy?to={week(6)}").status_code == 422


def test_areas_are_walls(known, client):
    post(known, "agency", told("A", [12]))
    known.ok("POST", "/demand", json=demand("A", 6, [10]))
    other = Caller(client, profile(f"{known.area.area}-other"))
    nothing = other.ok("GET", "/accuracy")
    assert nothing.pop("value_added") == {
        "measure": "wmape",
        "first": None,
        "last": None,
        "first_lag": None,
        "last_lag": None,
        "forecasts": 0,
        "left_out": 0,
        "items": [],
    }
    assert nothing == {"by": "model", "common": False, "forecasts": 0, "items": []}
    other.ok("PUT", "/items", json={"item": "A"})
    other.ok("PUT", "/locations", json={"location": "L1"})
    other.ok("POST", "/demand", json=demand("A", 6, [999]))
    assert measured(other) == {}
    assert measured(known)["agency"]["bias"] == pytest.approx(0.2)


@pytest.mark.parametrize(("frequency", "season"), [("D", 7), ("W", 4), ("M", 12)])
def test_random_data_in_blocks_gives_the_engines_scores(client, area, monkeypatch, frequency, season):
    """Against `Scores.of` on matrices made here, by a calendar made here."""
    monkeypatch.setattr(measurement, "BLOCK_SERIES", 3)
    rng = np.random.default_rng(11)
    n, length, horizon = 10, 40, 5
    where = Caller(client, profile(f"{area.area.area}-{frequency}", frequency=frequency, season_length=season))
    where.ok("PUT", "/items", json=[{"item": f"i{number}"} for number in range(n)])
    where.ok("PUT", "/locations", json={"location": "L1"})
    days = calendar(frequency, length)
    quantity, there = rng.poisson(3, (n, length)).astype(float), rng.random((n, length)) < 0.8
    there[0, -1] = True
    stocked = rng.random((n, length)) < 0.9
    rows = [
        {"item": f"i{row}", "location": "L1", "period": days[column], "quantity": quantity[row, column]}
        | {"in_stock": bool(stocked[row, column])}
        for row, column in np.argwhere(there)
    ]
    where.ok("POST", "/demand", json=rows)
    truth = np.where(there, np.where(stocked, quantity, np.nan), 0)
    for row in range(n):
        truth[row, : there[row].argmax()] = np.nan
    grid = np.sort(rng.gamma(2, 2, (n, horizon, len(QUANTILES))), axis=-1)
    mean = rng.gamma(2, 2, (n, horizon))
    post(where, "random", [
        {"item": f"i{row}", "location": "L1", "period": days[length - horizon + step], "mean": mean[row, step]}
        | dict(zip(NAMES, grid[row, step].tolist(), strict=True))
        for row in range(n)
        for step in range(horizon)
    ])  # fmt: skip
    (found,) = measured(where).values()
    history, actual = truth[:, :-horizon], truth[:, -horizon:]
    scores = metrics.Scores.of(history, actual, mean, grid, season).to_dict()
    names = ("wmape", "bias", "rmsse", "coverage_80", "coverage_95")
    assert {name: found[name] for name in names} == pytest.approx({name: scores[name] for name in names})
    assert found["n"] == (~np.isnan(actual)).sum()
    assert found["censored"] == (there & ~stocked)[:, -horizon:].sum()


def calendar(frequency, length):
    match frequency:
        case "D":
            days = [datetime.date(2024, 2, 1) + datetime.timedelta(days=step) for step in range(length)]
        case "W":
            days = [datetime.date(2024, 1, 1) + datetime.timedelta(weeks=step) for step in range(length)]
        case "M":
            days = [datetime.date(2020 + step // 12, step % 12 + 1, 1) for step in range(length)]
    return [day.isoformat() for day in days]
