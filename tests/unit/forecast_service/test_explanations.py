"""Explanations through the API process and the process that explains, on forecasts that the jobs have made."""

import itertools
import os
import signal
import time
from types import SimpleNamespace

import pyarrow as pa
import pytest
from sqlalchemy import text

from services.forecast import jobs
from services.forecast.explanations import process
from tests.factories import history, week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.inside import profile

WEEKS = 70
HORIZON = 4
ITEMS = ("A", "B", "C", "D", "E", "F")
DEAL = {week(number) for number in range(0, WEEKS, 5)}
AHEAD = {week(WEEKS), week(WEEKS + 2)}
_numbers = itertools.count()


def demand(weeks):
    """Twice the usual in weeks with a deal."""
    return [
        row | {"quantity": row["quantity"] * (2 if row["period"] in DEAL | AHEAD else 1)}
        for row in history(weeks, ITEMS)
    ]


def carry_out(database, settings, task, run):
    context = SimpleNamespace(
        additional_context={"database": database, "settings": settings},
        job=SimpleNamespace(attempts=0),
        should_abort=lambda: False,
    )
    task.func(context, run_id=run["id"])


@pytest.fixture(scope="module")
def promoted(client, database, settings):
    """An area with prices, deals and a champion."""
    area = Caller(client, profile(f"explained-{next(_numbers)}", horizon=HORIZON))
    area.ok("PUT", "/items", json=[{"item": item, "category": "even" if item in "BDF" else "odd"} for item in ITEMS])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    area.ok("POST", "/demand", json=demand(WEEKS))
    area.ok("PUT", "/drivers/price", json={"kind": "price", "known_ahead": True, "scope": "item"})
    area.ok("PUT", "/drivers/deal", json={"kind": "promotion", "known_ahead": True, "scope": "item-location"})
    prices = [
        {"item": item, "period": week(number), "value": 5 - ((number + place) % 4) / 4}
        for place, item in enumerate(ITEMS)
        for number in range(WEEKS + HORIZON)
    ]
    area.ok("POST", "/drivers/price/values", json=prices)
    deals = [
        {"item": item, "location": "L1", "period": period, "value": 1}
        for item, period in itertools.product(ITEMS, sorted(DEAL | AHEAD))
        if (item, period) != ("A", week(0))  # the first deal of all is another item's
    ]
    area.ok("POST", "/drivers/deal/values", json=deals)
    run = area.ok("POST", "/training-runs", json={"reason": "first"})
    carry_out(database, settings, jobs.train, run)
    answer = area("POST", "/models/promotions", json={"version": 1, "reason": "r"}, headers={"If-Match": '"0"'})
    assert answer.status_code == 201, answer.text
    return area


@pytest.fixture(scope="module")
def forecasts(promoted, database, settings):
    """Makes a forecast: `forecasts(origin=...)`."""

    def make(**wish):
        run = promoted.ok("POST", "/forecasts", json=wish)
        carry_out(database, settings, jobs.forecast, run)
        run = promoted.ok("GET", f"/forecasts/{run['id']}")
        assert run["status"] == "succeeded", run["error"]
        return run

    return make


@pytest.fixture(scope="module")
def forecast(forecasts):
    return forecasts()


def path(run, item="A", location="L1", **more):
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/forecasts/{run['id']}/explanation?item={item}&location={location}{extra}"


def asked(area, where):
    """The answer, from a machine that may be too busy to begin the process that explains in time."""
    while (answer := area("GET", where)).status_code == 503:
        time.sleep(int(answer.headers["retry-after"]))
    return answer


def explained(area, where):
    answer = asked(area, where)
    assert answer.status_code == 200, answer.text
    return answer.json()


def units(period):
    return {cause["cause"]: cause["units"] for cause in period["causes"]}


def test_base_and_causes_sum_to_what_is_stored(promoted, forecast):
    for item in ITEMS:
        found = explained(promoted, path(forecast, item))
        values = promoted.ok("GET", f"/forecasts/{forecast['id']}/values?item={item}")["items"]
        assert [row["mean"] for row in found["periods"]] == [row["mean"] for row in values]
        for period, value in zip(found["periods"], values, strict=True):
            assert period["base"] + sum(units(period).values()) == pytest.approx(period["mean"], rel=1e-9)
            assert "reconciliation" not in units(period)  # the part sees what the whole saw, save rounding
            assert period["upside"] == pytest.approx(value["quantiles"]["0.9"] / value["mean"])
            product = period["base"]
            for cause in period["causes"]:
                product *= cause["effect"]
            assert product == pytest.approx(period["mean"], rel=1e-9)


def test_a_deal_explains_the_weeks_that_have_it(promoted, forecast):
    found = explained(promoted, path(forecast, "B"))
    with_deal = [period["period"] in AHEAD for period in found["periods"]]
    assert [units(period)["promotion"] > 0 for period in found["periods"]] == with_deal


def test_latest_is_explained_too(promoted, forecast):
    found = explained(promoted, "/forecasts/latest/explanation?item=A&location=L1")
    assert (found["forecast"], found["change"], found["unexplained"]) == (forecast["id"], None, None)


def test_why_it_changed_since_the_forecast_before(promoted, forecasts, forecast):
    earlier = forecasts(origin=week(WEEKS - 3))
    later = forecasts(origin=week(WEEKS - 1))
    found = explained(promoted, path(later, "C", since="previous"))["change"]
    assert (found["since"], found["origin"], found["model_version"]) == (earlier["id"], week(WEEKS - 3), 1)
    assert [period["period"] for period in found["periods"]] == [week(WEEKS), week(WEEKS + 1)]
    told = {
        run["id"]: {
            row["period"]: row["mean"] for row in promoted.ok("GET", f"/forecasts/{run['id']}/values?item=C")["items"]
        }
        for run in (earlier, later)
    }
    for period in found["periods"]:
        assert period["before"] == pytest.approx(told[earlier["id"]][period["period"]], rel=1e-9)
        assert period["after"] == pytest.approx(told[later["id"]][period["period"]], rel=1e-9)
        causes = units(period)
        assert sum(causes.values()) == pytest.approx(period["after"] - period["before"], rel=1e-9, abs=1e-9)
        # the same model, and nothing of the past is known otherwise today
        assert abs(causes["model_version"]) < 1e-6
        assert abs(causes["data_revision"]) < 1e-6


def test_a_late_booking_is_a_revision(promoted, forecasts, forecast):
    rows = [row | {"quantity": row["quantity"] * 1.5} for row in demand(WEEKS)]
    promoted.ok("POST", "/demand", json=[row for row in rows if row["item"] == "E" and row["period"] > week(WEEKS - 5)])
    later = forecasts()
    found = explained(promoted, path(later, "E", since=forecast["id"]))["change"]
    for period in found["periods"]:
        causes = units(period)
        assert causes.pop("data_revision") == pytest.approx(period["after"] - period["before"], rel=1e-6)
        assert max(map(abs, causes.values())) < 1e-6 * period["after"]


@pytest.fixture(scope="module")
def all_explained(promoted, forecasts):
    """With a shock, and an item-location without history."""
    promoted.ok("PUT", "/items", json={"item": "M", "category": "even"})
    out = {"item": "M", "location": "L1", "period": week(WEEKS - 1), "quantity": 0, "in_stock": False}
    promoted.ok("POST", "/demand", json=out)
    overlays = [{"item": "B", "scale": 2}, {"driver": "deal", "item": "C", "value": 1}]
    return forecasts(explain=True, overlays=overlays)


def test_many_are_explained_as_each_one_is(promoted, all_explained):
    rows = promoted.ok("GET", f"/forecasts/{all_explained['id']}/explanations?limit=1000")["items"]
    assert {row["item"] for row in rows} == set(ITEMS)
    assert len(rows) == len(ITEMS) * HORIZON
    for item in "ABC":
        one = explained(promoted, path(all_explained, item))["periods"]
        mine = [row for row in rows if row["item"] == item]
        assert [row["mean"] for row in mine] == [period["mean"] for period in one]
        for row, period in zip(mine, one, strict=True):
            assert row["base"] + sum(row["units"].values()) == pytest.approx(row["mean"], rel=1e-9)
            assert row["base"] == pytest.approx(period["base"], rel=1e-5)
            alone = units(period)
            assert row["units"] == pytest.approx(row["units"] | alone, rel=1e-3, abs=1e-4 * row["mean"])
            assert (row["units"]["shock"] > 0) == (item == "B")


def test_explanations_leave_as_tables_and_by_pages(promoted, all_explained):
    where = f"/forecasts/{all_explained['id']}/explanations?item=C"
    first = promoted.ok("GET", f"{where}&limit=3")
    assert len(first["items"]) == 3
    rows = first["items"] + promoted.ok("GET", f"{where}&limit=3&cursor={first['next_cursor']}")["items"]
    content = promoted("GET", where, headers={"Accept": "application/vnd.apache.arrow.stream"}).content
    table = pa.ipc.open_stream(content).read_all().to_pylist()
    assert [row["period"].isoformat() for row in table] == [row["period"] for row in rows]
    for row, told in zip(rows, table, strict=True):
        assert (row["item"], row["mean"], row["base"]) == (told["item"], told["mean"], told["base"])
        assert row["units"] == {cause: told[f"units_{cause}"] for cause in all_explained["causes"]}


def test_no_database_session_is_held_while_the_answer_is_waited_for(promoted, forecast, client, monkeypatch):
    state, held = client.app.state, []
    ask = state.explaining.ask
    monkeypatch.setattr(
        state.explaining, "ask", lambda question: held.append(state.database.engine.pool.checkedout()) or ask(question)
    )
    explained(promoted, path(forecast))
    assert set(held) == {0}


def test_an_item_location_that_the_earlier_forecast_lacks_says_so(promoted, forecasts, forecast):
    earlier = forecasts()
    promoted.ok("PUT", "/items", json={"item": "J", "category": "odd"})
    rows = [row | {"item": "J"} for row in demand(WEEKS) if row["item"] == "A" and row["period"] > week(WEEKS - 9)]
    promoted.ok("POST", "/demand", json=rows)
    later = forecasts()
    for since in ("previous", earlier["id"]):
        found = explained(promoted, path(later, "J", since=since))
        assert all(period["causes"] for period in found["periods"])
        change = found["change"]
        assert (change["since"], change["unexplained"], change["periods"]) == (earlier["id"], "not-forecast-then", [])
    assert explained(promoted, path(later, "A", since="previous"))["change"]["unexplained"] is None


def refused(answer, status, slug):
    assert (answer.status_code, answer.json()["type"]) == (status, f"/docs/errors#{slug}"), answer.text
    return answer.json()


def test_what_cannot_be_explained_says_why(promoted, forecast, forecasts, database):
    refused(asked(promoted, path(forecast, "nobody")), 404, "not-found")
    refused(asked(promoted, path(forecast, location="L2")), 404, "not-found")
    refused(asked(promoted, path(forecast, since="sometime")), 422, "invalid")
    refused(promoted("GET", f"/forecasts/{forecast['id']}/explanation?item=A"), 422, "invalid")
    queued = promoted.ok("POST", "/forecasts", json={})
    refused(asked(promoted, path(queued)), 409, "forecast-not-ready")
    refused(asked(promoted, path(forecast, since=queued["id"])), 409, "forecast-not-ready")
    promoted.ok("POST", f"/forecasts/{queued['id']}/cancel")
    far = forecasts(origin=week(WEEKS - 20))
    refused(asked(promoted, path(forecast, since=far["id"])), 422, "not-comparable")
    refused(asked(promoted, path(far, since=forecast["id"])), 422, "not-comparable")
    rows = [{"item": "A", "location": "L1", "period": week(WEEKS), "mean": 5.0}]
    made = promoted("POST", "/external-forecasts?name=agency", json=rows).json()["made"]
    refused(asked(promoted, path({"id": made})), 409, "nothing-to-explain")
    refused(asked(promoted, path(forecast, since=made)), 409, "nothing-to-explain")
    with database.write() as session:
        session.execute(text("UPDATE forecasts SET profile = NULL WHERE id = :id"), {"id": far["id"]})
    refused(asked(promoted, path(far)), 409, "nothing-to-explain")
    refused(promoted("GET", f"/forecasts/{forecast['id']}/explanations"), 409, "not-explained")
    wish = {"base": forecast["id"], "overlays": [{"scale": 2}], "explain": True}
    refused(promoted("POST", "/forecasts", json=wish), 422, "invalid")


def test_a_dataset_that_is_gone(promoted, forecasts, database, settings):
    run = forecasts(origin=week(WEEKS - 30))
    digest = run["input_digest"]
    (settings.datasets / digest[:2] / digest).unlink()
    refused(asked(promoted, path(run)), 410, "dataset-gone")
    with database.write() as session:
        session.execute(text("UPDATE datasets SET pruned_at = now() WHERE digest = :digest"), {"digest": digest})
    refused(asked(promoted, path(run)), 410, "dataset-gone")


def test_a_model_that_is_not_at_hand_is_not_fetched(promoted, forecast, forecasts, client, settings):
    place = settings.model_cache / promoted.area.area / "1"
    away = place.with_name("away")
    place.rename(away)
    client.app.state.explaining.stop()
    try:
        refused(asked(promoted, path(forecast)), 409, "model-away")
    finally:
        away.rename(place)


def test_an_item_location_without_history_says_so(promoted, database, settings, forecasts):
    promoted.ok("PUT", "/items", json={"item": "N", "category": "odd"})
    out = [
        {"item": "N", "location": "L1", "period": week(number), "quantity": 0, "in_stock": False}
        for number in range(WEEKS - 3, WEEKS)
    ]
    promoted.ok("POST", "/demand", json=out)
    run = forecasts()
    found = explained(promoted, path(run, "N"))
    assert found["unexplained"] == "no-history"
    assert all(period["mean"] > 0 for period in found["periods"])
    assert {(period["base"], len(period["causes"])) for period in found["periods"]} == {(None, 0)}


def test_the_process_that_explains_is_begun_anew_when_it_is_gone(promoted, forecast, client):
    first = explained(promoted, path(forecast))
    explaining = client.app.state.explaining
    number = explaining._process.pid
    os.kill(number, signal.SIGKILL)
    explaining._process.wait()
    assert explained(promoted, path(forecast)) == first
    assert explaining._process.pid != number


@pytest.fixture
def stopped(promoted, forecast, client, monkeypatch):
    """The process that explains, which stands still; a question was put to it in vain."""
    explained(promoted, path(forecast))
    explaining = client.app.state.explaining
    number = explaining._process.pid
    os.kill(number, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(process, "LONGEST_SECONDS", 0.2)
        answer = promoted("GET", path(forecast, "A"))
    refused(answer, 503, "unavailable")
    assert answer.headers["retry-after"]
    return explaining


def test_one_that_was_slow_answers_the_next_question_not_the_last(promoted, forecast, stopped):
    number = stopped._process.pid
    os.kill(number, signal.SIGCONT)
    found = explained(promoted, path(forecast, "B"))
    assert found == explained(promoted, path(forecast, "B"))
    assert units(found["periods"][0]) != units(explained(promoted, path(forecast, "A"))["periods"][0])
    assert stopped._process.pid == number


def test_one_that_does_not_come_back_is_ended(promoted, forecast, stopped, monkeypatch):
    number = stopped._process.pid
    monkeypatch.setattr(process, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(process, "LOST_SECONDS", 0)
    refused(promoted("GET", path(forecast)), 503, "unavailable")
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_more_than_may_wait_are_sent_away(promoted, forecast, client):
    explaining = client.app.state.explaining
    for _ in range(process.MOST_ASKING):
        explaining._places.acquire()
    try:
        refused(promoted("GET", path(forecast)), 503, "too-many-explanations")
    finally:
        for _ in range(process.MOST_ASKING):
            explaining._places.release()
