"""What-ifs: what they change and leave alone, what they say of themselves, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.models.tables import ModelVersion
from services.forecast.overlays import application, rules
from services.forecast.overlays.problems import UnreadDriver
from services.forecast.overlays.schemas import OverlayIn
from tests.factories import week
from tests.unit.forecast_service.test_explanations import (
    HORIZON,
    WEEKS,
    asked,
    carry_out,
    explained,
    forecast,
    forecasts,
    path,
    promoted,
    refused,
    units,
)

__all__ = ["forecast", "forecasts", "promoted"]
PLAIN = {week(WEEKS + 1), week(WEEKS + 3)}  # no deal is announced
MORE = {"driver": "deal", "item": "B", "from": week(WEEKS + 1), "to": week(WEEKS + 1), "value": 1}


def numbers(area, run):
    """Mean and quantiles by item and period."""
    rows = area.ok("GET", f"/forecasts/{run['id']}/values?limit=1000")["items"]
    return {(row["item"], row["period"]): (row["mean"], *row["quantiles"].values()) for row in rows}


def codes(run):
    return {warning["code"]: warning["count"] for warning in run["warnings"]}


@pytest.mark.parametrize("with_base", [True, False])
def test_another_deal_raises_its_week_and_its_explanation_and_nothing_else(promoted, forecast, forecasts, with_base):
    run = forecasts(overlays=[MORE], **({"base": forecast["id"]} if with_base else {}))
    before, after = numbers(promoted, forecast), numbers(promoted, run)
    assert {key for key in before if before[key] != after[key]} == {("B", week(WEEKS + 1))}
    assert after["B", week(WEEKS + 1)][0] > 1.3 * before["B", week(WEEKS + 1)][0]
    shown = [{name: value for name, value in one.items() if value is not None} for one in run["overlays"]]
    assert (shown, run["base"]) == ([MORE], forecast["id"] if with_base else None)
    assert (run["input_digest"], run["seed"], run["origin"]) == tuple(
        forecast[name] for name in ("input_digest", "seed", "origin")
    )
    found = explained(promoted, path(run, "B", since=forecast["id"]))
    was = explained(promoted, path(forecast, "B"))
    promotion = [units(told["periods"][1])["promotion"] for told in (was, found)]
    assert promotion[0] < 0 < promotion[1]
    change = found["change"]["periods"][1]
    assert units(change)["promotion"] > 0.9 * (change["after"] - change["before"]) > 0
    assert not codes(run)


def test_a_cheaper_rival_is_felt_by_its_rivals_only(promoted, forecast, forecasts):
    """B, D and F are compared with each other; the price of B is no news to A, C and E."""
    cut = {"driver": "price", "item": "B", "scale": 0.9}
    run = forecasts(overlays=[cut], base=forecast["id"])
    before, after = numbers(promoted, forecast), numbers(promoted, run)
    changed = {item for item, period in before if before[item, period] != after[item, period]}
    assert "B" in changed
    assert changed <= set("BDF")
    whole = numbers(promoted, forecasts(overlays=[cut]))
    assert {key: mean for key, (mean, *_) in after.items()} == pytest.approx(
        {key: mean for key, (mean, *_) in whole.items()}, rel=1e-6
    )
    for item in "BD":
        for period in explained(promoted, path(run, item))["periods"]:
            assert period["base"] + sum(units(period).values()) == pytest.approx(period["mean"], rel=1e-9)
            assert "reconciliation" not in units(period)


def test_a_shock_is_a_layer_of_its_own(promoted, forecast, forecasts):
    double = {"item": "A", "scale": 2, "decay": 0.5, "from": week(WEEKS + 1)}
    more = {"category": "even", "location": "L1", "add": 7.5, "to": week(WEEKS)}
    less = {"item": "C", "add": -1e9}
    run = forecasts(overlays=[double, more, less], base=forecast["id"])
    before, after = numbers(promoted, forecast), numbers(promoted, run)
    factors = [1, 2, 1.5, 1.25]
    for step in range(HORIZON):
        period = week(WEEKS + step)
        assert after["A", period] == pytest.approx([value * factors[step] for value in before["A", period]])
        assert set(after["C", period]) == {0}
        assert after["E", period] == before["E", period]
        plus = 7.5 if step == 0 else 0
        assert after["B", period] == pytest.approx([value + plus for value in before["B", period]])
    was, found = (explained(promoted, path(one, "A"))["periods"] for one in (forecast, run))
    for period, old, factor in zip(found, was, factors, strict=True):
        assert {cause["cause"]: cause["effect"] for cause in period["causes"]}["shock"] == pytest.approx(factor)
        assert period["base"] == old["base"]
        assert period["base"] + sum(units(period).values()) == pytest.approx(period["mean"], rel=1e-9)
    change = explained(promoted, path(run, "B", since=forecast["id"]))["change"]["periods"]
    assert [units(period)["shock"] for period in change] == pytest.approx([7.5, 0, 0, 0], abs=1e-6)


scales = st.builds(OverlayIn, scale=st.just(0.0) | st.floats(0.1, 9), decay=st.none() | st.just(0.5))
adds = st.builds(OverlayIn, add=st.floats(-9, 9), item=st.none() | st.just("A"))


@given(st.lists(scales | adds, max_size=5))
def test_shocks_are_taken_back_where_they_have_left_something(shocks):
    series = pd.DataFrame({"item": ["A", "B"], "location": "L1"})
    future = np.array([week(number) for number in range(3)], dtype="datetime64[D]")
    values = np.array([[4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    found = application.before_shocks(application.shocked(values, shocks, series, future), shocks, series, future)
    known = np.isfinite(found)
    assert found[known] == pytest.approx(values[known], rel=1e-6)
    if all((shock.add is None and shock.scale > 0) or (shock.scale is None and shock.add >= 0) for shock in shocks):
        assert known.all()


RECONCILE = """
    UPDATE forecast_series SET mean = (SELECT array_agg(1.25 * value ORDER BY place) FROM unnest(mean)
    WITH ORDINALITY AS _ (value, place)) WHERE forecast_id = :id
"""


def test_a_shock_upon_a_reconciled_base_leaves_the_reconciliation_as_it_was(promoted, forecasts, database):
    """What is taken away here is more than the model's own mean in some period, and less than the base's."""
    base = forecasts()
    with database.write() as session:
        session.execute(text(RECONCILE), {"id": base["id"]})
    least = min(mean for (item, _), (mean, *_) in numbers(promoted, base).items() if item == "A")
    less, half = {"item": "A", "add": -0.9 * least}, {"item": "A", "scale": 0.5, "to": week(WEEKS + 1)}
    none = {"item": "A", "scale": 0, "from": week(WEEKS + 3)}
    run = forecasts(overlays=[less, half, none], base=base["id"])
    found = explained(promoted, path(run, "A", since=base["id"]))
    effects = [{cause["cause"]: cause["effect"] for cause in period["causes"]} for period in found["periods"]]
    assert [effect["reconciliation"] for effect in effects] == pytest.approx([1.25, 1.25, 1.25, 1], rel=1e-5)
    assert all(effect["shock"] < 1 for effect in effects)
    for period in found["periods"]:
        assert period["base"] + sum(units(period).values()) == pytest.approx(period["mean"], rel=1e-9, abs=1e-9)
    for period in found["change"]["periods"][:3]:
        moved = period["after"] - period["before"]
        assert units(period).pop("shock") == pytest.approx(moved, rel=1e-5)
        assert sum(units(period).values()) == pytest.approx(moved, rel=1e-9)


def test_what_lies_beyond_the_training_is_told(promoted, forecast, forecasts):
    wild = [{"driver": "price", "item": "B", "value": 50}, {"driver": "price", "item": "D", "value": 4.5}]
    run = forecasts(overlays=[*wild, {"item": "A", "to": week(3), "scale": 2}], base=forecast["id"])
    assert codes(run) == {"extrapolated": 1, "overlay-without-effect": 0}
    assert "4.25 to 5" in next(one["detail"] for one in run["warnings"] if one["code"] == "extrapolated")


def test_a_what_if_is_never_the_latest(promoted, forecasts, forecast):
    regular = forecasts()
    what_if = forecasts(overlays=[{"scale": 2}], base=forecast["id"])
    assert promoted.ok("GET", "/forecasts/latest")["id"] == regular["id"]
    assert promoted.ok("GET", "/forecasts")["items"][0]["id"] == what_if["id"]
    again = forecasts()
    assert explained(promoted, path(again, since="previous"))["change"]["since"] == regular["id"]


@pytest.mark.parametrize(
    ("overlay", "pointer", "slug"),
    [
        ({"driver": "nothing", "value": 1}, "#/overlays/1/driver", "unknown-reference"),
        ({"item": "Z", "scale": 1}, "#/overlays/1/item", "unknown-reference"),
        ({"location": "Z", "scale": 1}, "#/overlays/1/location", "unknown-reference"),
        ({"category": "Z", "scale": 1}, "#/overlays/1/category", "unknown-reference"),
        ({"scale": 1, "from": "2022-05-04"}, "#/overlays/1/from", "off-calendar"),
        ({"driver": "rain", "value": 1}, "#/overlays/1/driver", "unread-driver"),
        ({"driver": "deal"}, "#/overlays/1", "invalid"),
        ({"driver": "deal", "value": 1, "scale": 1}, "#/overlays/1", "invalid"),
        ({"driver": "deal", "value": 1, "decay": 0.5}, "#/overlays/1", "invalid"),
        ({"value": 1}, "#/overlays/1", "invalid"),
        ({"scale": -1}, "#/overlays/1/scale", "invalid"),
        ({"scale": 1, "decay": 1}, "#/overlays/1/decay", "invalid"),
        ({"scale": 1, "from": week(9), "to": week(8)}, "#/overlays/1", "invalid"),
        ({"scale": 1, "first": week(9)}, "#/overlays/1/first", "invalid"),
    ],
)
def test_an_overlay_that_does_not_hold(promoted, overlay, pointer, slug):
    promoted.ok("PUT", "/drivers/rain", json={"kind": "weather", "known_ahead": False, "scope": "global"})
    answer = promoted("POST", "/forecasts", json={"overlays": [{"scale": 1}, overlay]})
    assert [error["pointer"] for error in refused(answer, 422, slug)["errors"]] == [pointer]


def test_a_driver_that_has_become_known_ahead_needs_a_model_that_reads_it_ahead(promoted, database):
    promoted.ok("PUT", "/drivers/wind", json={"kind": "weather", "known_ahead": True, "scope": "global"})
    overlays = [OverlayIn(driver="wind", value=1)]
    past = ModelVersion(version=3, features=[{"name": "wind:latest"}, {"name": "wind:change"}])
    with database.read() as session, pytest.raises(UnreadDriver) as caught:
        rules.check(session, promoted.area, past, overlays)
    assert "train anew" in caught.value.errors[0]["detail"]
    ahead = ModelVersion(version=4, features=[{"name": "wind:then"}, {"name": "wind:now"}])
    with database.read() as session:
        rules.check(session, promoted.area, ahead, overlays)


@pytest.mark.parametrize("category", ["", " food / dairy ", "乳製品", "c" * 500])
def test_any_category_that_an_item_may_have_can_be_named(promoted, category):
    promoted.ok("PUT", "/items", json=[{"item": "Z", "category": category}])
    run = promoted.ok("POST", "/forecasts", json={"overlays": [{"category": category, "scale": 2}]})
    promoted.ok("POST", f"/forecasts/{run['id']}/cancel")


def test_a_base_that_does_not_hold(promoted, forecast, forecasts):
    what_if = forecasts(overlays=[{"scale": 2}])
    queued = promoted.ok("POST", "/forecasts", json={})
    for base in (what_if["id"], queued["id"], "00000000-0000-7000-8000-000000000000"):
        answer = promoted("POST", "/forecasts", json={"base": base, "overlays": [{"scale": 2}]})
        assert refused(answer, 422, "base-unusable")["errors"][0]["pointer"] == "#/base"
    promoted.ok("POST", f"/forecasts/{queued['id']}/cancel")
    for more in ({}, {"overlays": [{"scale": 2}], "horizon": 2}, {"overlays": [{"scale": 2}], "model": 1}):
        refused(promoted("POST", "/forecasts", json={"base": forecast["id"]} | more), 422, "invalid")
    refused(promoted("POST", "/forecasts", json={"overlays": [{"scale": 1}] * 101}), 422, "invalid")


@pytest.mark.parametrize("whom", [{}, {"driver": "price", "item": "B"}])
def test_overlays_that_lead_beyond_all_numbers_end_the_run(promoted, forecast, database, settings, whom):
    run = promoted.ok("POST", "/forecasts", json={"base": forecast["id"], "overlays": [whom | {"scale": 1e15}] * 30})
    carry_out(database, settings, jobs.forecast, run)
    run = promoted.ok("GET", f"/forecasts/{run['id']}")
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#overlays-too-large")


def test_overlays_that_revised_data_lead_beyond_all_numbers_are_the_callers_matter(promoted, forecasts):
    """The restated what-if has its old overlays on today's prices."""
    what_if = forecasts(overlays=[{"driver": "price", "item": "A", "scale": 1e14}])
    price = {"item": "A", "period": week(WEEKS), "value": 5}
    promoted.ok("POST", "/drivers/price/values", json=[price | {"value": 50}])
    later = forecasts()
    promoted.ok("POST", "/drivers/price/values", json=[price])
    refused(asked(promoted, path(later, "A", since=what_if["id"])), 422, "overlays-too-large")


def test_a_what_if_asked_for_twice_is_the_same(promoted, forecast, database, settings):
    runs = [promoted.ok("POST", "/forecasts", json={"base": forecast["id"], "overlays": [MORE]}) for _ in range(2)]
    for run in runs:
        carry_out(database, settings, jobs.forecast, run)
    first, second = (promoted.ok("GET", f"/forecasts/{run['id']}")["output_digest"] for run in runs)
    assert first == second is not None


def test_a_driver_of_one_without_history_leaves_what_its_peers_lend(promoted, forecasts):
    """Peers lend a level; what its own price and deals would do is not known, and its peers' have not changed."""
    promoted.ok("PUT", "/items", json={"item": "N", "category": "new"})
    period = {"location": "L1", "period": week(WEEKS - 1), "quantity": 0, "in_stock": False}
    promoted.ok("POST", "/demand", json=[{"item": "N"} | period])
    base = forecasts()
    run = forecasts(overlays=[{"driver": "deal", "item": "N", "value": 1}], base=base["id"])
    assert numbers(promoted, base)["N", week(WEEKS)][0] > 0
    assert numbers(promoted, run) == numbers(promoted, base)
