"""What people know and the forecast does not: top-down by what is forecast, stacked, reversible, in the ledger."""

import datetime
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.adjustments import service
from services.forecast.adjustments.applying import Labels, applied
from services.forecast.forecasts.grid import Grid
from tests.unit.forecast_service.test_runs import trained, work  # noqa: F401  fixtures

TRAINED = "adjusted"

WEEKS = np.array(["2026-03-02", "2026-03-09"], dtype="datetime64[D]")
ANY = dict.fromkeys(("item", "location", "category", "region", "first", "last"))


def grid(mean):
    """Item-locations A and B in L1 and A in L2, two weeks; quantiles at half, whole and twice the mean."""
    mean = np.array(mean, dtype=float)
    return Grid(["A", "A", "B"], ["L1", "L2", "L1"], WEEKS, mean, mean[:, :, None] * [0.5, 1.0, 2.0], np.zeros(3))


LABELS = Labels(["food/dairy", "food/dairy", "food"], ["north", "south", "north"])


def one(action, value, **scope):
    return SimpleNamespace(action=action, value=value, **ANY | scope)


def test_a_total_is_shared_out_by_what_is_forecast():
    found = applied(grid([[10, 10], [30, 0], [5, 5]]), LABELS, [one("set", 80.0, item="A")])
    assert found.mean.tolist() == [[20, 80], [60, 0], [5, 5]]
    assert found.quantiles[0].tolist() == [[10, 20, 40], [40, 80, 160]]
    assert found.quantiles[2].tolist() == [[2.5, 5, 10]] * 2


def test_where_nothing_is_forecast_all_get_the_same_without_a_spread():
    found = applied(grid([[0, 0], [0, 0], [5, 5]]), LABELS, [one("add", 8.0, item="A")])
    assert found.mean.tolist() == [[4, 4], [4, 4], [5, 5]]
    assert found.quantiles[1].tolist() == [[4, 4, 4]] * 2


def test_what_was_next_to_nothing_is_treated_as_nothing():
    found = applied(grid([[5e-324, 0], [0, 0], [5, 5]]), LABELS, [one("add", 8.0, item="A", location="L1")])
    assert found.quantiles[0].tolist() == [[8, 8, 8]] * 2


def test_they_follow_each_other_in_their_order():
    """Half of 10 and 2 more is 7; 2 more and then half is 6."""
    half, more = one("scale", 0.5, item="B"), one("add", 2.0, item="B")
    before = grid([[1, 1], [1, 1], [10, 10]])
    assert applied(before, LABELS, [half, more]).mean[2].tolist() == [7, 7]
    assert applied(before, LABELS, [more, half]).mean[2].tolist() == [6, 6]


@pytest.mark.parametrize(
    ("scope", "doubled"),
    [
        ({"location": "L1"}, [0, 2]),
        ({"item": "A", "location": "L2"}, [1]),
        ({"category": "food/dairy"}, [0, 1]),
        ({"category": "food"}, [0, 1, 2]),
        ({"region": "north"}, [0, 2]),
        ({"category": "food/dairy", "region": "north"}, [0]),
        ({"item": "C"}, []),
    ],
)
def test_it_concerns_what_all_that_it_names_have_in_common(scope, doubled):
    found = applied(grid([[1, 1]] * 3), LABELS, [one("scale", 2.0, **scope)])
    assert np.flatnonzero(found.mean[:, 0] == 2).tolist() == doubled


def test_it_concerns_the_periods_that_begin_between_its_dates():
    first, last = datetime.date(2026, 3, 9), datetime.date(2026, 3, 15)
    found = applied(grid([[1, 1]] * 3), LABELS, [one("scale", 2.0, first=first, last=last)])
    assert found.mean.tolist() == [[1, 2]] * 3


numbers = st.floats(0, 1e6)


@given(st.lists(numbers, min_size=6, max_size=6), numbers)
def test_a_total_is_what_the_parts_add_up_to(mean, value):
    before = grid(np.reshape(mean, (3, 2)))
    found = applied(before, LABELS, [one("set", value)])
    np.testing.assert_allclose(found.mean.sum(axis=0), value, rtol=1e-9, atol=1e-9)
    added = applied(before, LABELS, [one("add", value)])
    np.testing.assert_allclose(added.mean.sum(axis=0), before.mean.sum(axis=0) + value, rtol=1e-9, atol=1e-9)


@pytest.fixture
def area(trained):  # noqa: F811
    return trained


def means(area, name):
    """By item, of the first period."""
    rows = area.ok("GET", f"/forecasts/{name}/values")["items"]
    first = min(row["period"] for row in rows)
    return {row["item"]: row["mean"] for row in rows if row["period"] == first}


def consensus(area, work, **wish):  # noqa: F811
    run = area.ok("POST", "/forecasts", json={"consensus": True} | wish)
    work(jobs.consensus, run_id=run["id"])
    return area.ok("GET", f"/forecasts/{run['id']}")


def test_a_consensus_holds_what_stands_and_the_champions_forecast_stays(area, work):  # noqa: F811
    run = area.ok("POST", "/forecasts", json={"model": 1})
    work(jobs.forecast, run_id=run["id"])
    plain = means(area, "latest")
    wish = {"action": "scale", "value": 1.5, "item": "A", "reason_code": "PROMOTION", "note": "flyer"}
    made = area.ok("POST", "/adjustments", json=wish)
    gone = area.ok("POST", "/adjustments", json=wish | {"item": "B"})
    past = area.ok("POST", "/adjustments", json=wish | {"item": "C", "expires_on": "2026-01-01"})
    assert (
        area.ok("DELETE", f"/adjustments/{gone['id']}")["withdrawn_by"]
        == area.ok("GET", "/adjustments")["items"][0]["author"]
    )
    found = consensus(area, work)
    assert (found["status"], found["stage"], found["base"]) == ("succeeded", "consensus", run["id"])
    assert [one["id"] for one in found["adjustments"]] == [made["id"]]
    adjusted = means(area, "consensus")
    assert adjusted == {"A": pytest.approx(1.5 * plain["A"]), "B": plain["B"], "C": plain["C"]}
    assert means(area, "latest") == plain
    assert area.ok("GET", "/forecasts/latest")["id"] == run["id"]
    assert [one["id"] for one in area.ok("GET", "/adjustments?standing=true")["items"]] == [made["id"], past["id"]]
    again = area("DELETE", f"/adjustments/{gone['id']}")
    assert (again.status_code, again.json()["type"]) == (409, "/docs/errors#adjustment-withdrawn")


def test_what_has_expired_takes_no_place(area, monkeypatch):
    wish = {"action": "scale", "value": 1.5, "reason_code": "PROMOTION", "note": "flyer"}
    standing = area.ok("GET", "/adjustments?standing=true")["items"]
    monkeypatch.setattr(service, "MOST", sum(one["expires_on"] is None for one in standing) + 1)
    area.ok("POST", "/adjustments", json=wish | {"expires_on": "2026-01-01"})
    area.ok("POST", "/adjustments", json=wish)
    over = area("POST", "/adjustments", json=wish)
    assert (over.status_code, over.json()["type"]) == (409, "/docs/errors#too-many-adjustments")


def test_what_is_stored_of_an_adjustment_is_held_against_the_ledger(area, database):
    before = area.ok("POST", "/decisions:verify")["chains"][0]
    assert before["intact"]
    wish = {"action": "add", "value": 9, "region": None, "reason_code": "CUSTOMER_INFO"}
    made = area.ok("POST", "/adjustments", json={name: value for name, value in wish.items() if value is not None})
    assert area.ok("POST", "/decisions:verify")["chains"][0]["entries"] == before["entries"] + 1
    for change, back in (
        ("value = 90", "value = 9"),
        ("withdrawn_by = 'x', withdrawn_at = now()", "withdrawn_by = NULL, withdrawn_at = NULL"),
    ):
        for told, intact in ((change, False), (back, True)):
            with database.write() as session:
                session.execute(text(f"UPDATE adjustments SET {told} WHERE id = :id"), {"id": made["id"]})  # noqa: S608
            assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"] is intact, told


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "scale", "value": -1},
        {"action": "set", "value": -1},
        {"action": "scale", "value": 1e7},
        {"reason_code": "NONE"},
        {"reason_code": "OTHER"},
        {"item": "unheard-of"},
        {"category": "foo"},
        {"from": "2026-03-09", "to": "2026-03-02"},
        {"value": "2"},
    ],
)
def test_what_makes_no_sense_is_refused(area, wrong):
    body = {"action": "scale", "value": 2, "reason_code": "PROMOTION"} | wrong
    assert area("POST", "/adjustments", json=body).status_code == 422


def test_a_consensus_takes_nothing_but_a_base(area):
    assert area("POST", "/forecasts", json={"consensus": True, "horizon": 2}).status_code == 422
    stranger = "01900000-0000-7000-8000-00000000dead"
    answer = area("POST", "/forecasts", json={"consensus": True, "base": stranger})
    assert answer.json()["type"] == "/docs/errors#base-unusable"


def test_a_waterfall_shows_what_was_expected_beside_what_came(area, work):  # noqa: F811
    run = area.ok("POST", "/forecasts", json={"model": 1})
    work(jobs.forecast, run_id=run["id"])
    made = consensus(area, work, base=run["id"])
    rows = area.ok("GET", f"/forecasts/{run['id']}/values?item=A")["items"]
    told = area.ok("GET", f"/waterfall?item=A&ids={run['id']},{made['id']}")
    assert told["periods"] == sorted(row["period"] for row in rows)
    assert [one["stage"] for one in told["snapshots"]] == ["champion", "consensus"]
    expected = {row["period"]: row["mean"] for row in rows}
    assert told["snapshots"][0]["expected"] == pytest.approx([expected[period] for period in told["periods"]])
    assert told["actual"] == [None] * len(told["periods"])
    whole = area.ok("GET", f"/waterfall?ids={run['id']}")
    assert whole["snapshots"][0]["expected"][0] > told["snapshots"][0]["expected"][0]
    assert area("GET", "/waterfall").status_code == 422
