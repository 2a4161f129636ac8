"""Forecasts from elsewhere: stored whole or not at all, read as ours, and never what plans rest on unasked."""

import io
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.csv
import pytest
from sqlalchemy import text

from services.forecast.engine.cells import QUANTILES
from services.forecast.external import derivation
from services.forecast.external.schemas import LEVELS
from services.forecast.external.schemas import QUANTILES as NAMES
from tests.factories import history, week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.inside import profile

WEEKS = 70
PATH = "/external-forecasts?name=agency"
GRID = dict(zip(NAMES, range(1, 12), strict=True))


def rows(items="AB", steps=3, first=WEEKS, **fields):
    return [
        {"item": item, "location": "L1", "period": week(first + step), "mean": 10.0 * (step + 1)} | fields
        for item in items
        for step in range(steps)
    ]


@pytest.fixture
def known(area):
    area.ok("PUT", "/items", json=[{"item": item} for item in "ABC"])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    area.ok("POST", "/demand", json=history(WEEKS))
    return area


def posted(area, path=PATH, **body):
    """The forecast that a call made or found."""
    made = area.ok("POST", path, **body)["made"]
    return area.ok("GET", f"/forecasts/{made}")


def values(area, forecast):
    return area.ok("GET", f"/forecasts/{forecast['id']}/values?limit=1000")["items"]


def test_the_levels_are_the_engines():
    assert LEVELS == QUANTILES


def test_it_is_a_forecast_like_ours(known):
    answer = known("POST", PATH, json=rows(**GRID))
    counts = {"received": 6, "created": 6, "updated": 0, "unchanged": 0}
    assert (answer.status_code, answer.json()) == (201, counts | {"made": answer.json()["made"]})
    assert answer.headers["location"].endswith(f"/forecasts/{answer.json()['made']}")
    forecast = known.ok("GET", f"/forecasts/{answer.json()['made']}")
    told = ("status", "source", "name", "model_version", "origin", "horizon", "series_count", "warnings", "accuracy")
    assert [forecast[name] for name in told] == [
        "succeeded", "external", "agency", None, week(WEEKS - 1), 3, 2, [], {},
    ]  # fmt: skip
    assert forecast["periods"] == [week(WEEKS + step) for step in range(3)]
    assert forecast["quantiles"] == list(QUANTILES)
    assert forecast["finished_at"] is not None
    levels = {f"{level:g}": float(number) for number, level in enumerate(QUANTILES, start=1)}
    assert values(known, forecast) == [
        {"item": item, "location": "L1", "period": week(WEEKS + step), "mean": 10.0 * (step + 1), "quantiles": levels}
        for item in "AB"
        for step in range(3)
    ]


def test_csv_and_arrow_give_back_what_came_in_as_csv(known):
    columns = ["item", "location", "period", "mean", *NAMES]
    lines = [",".join(columns)]
    lines += [",".join(str(row[name]) for name in columns) for row in reversed(rows(**GRID))]
    body, csv = "\n".join(lines), {"Content-Type": "text/csv"}
    forecast = posted(known, content=body, headers=csv)
    path = f"/forecasts/{forecast['id']}/values"
    read = pyarrow.csv.read_csv(io.BytesIO(known("GET", path, headers={"Accept": "text/csv"}).content))
    arrow = known("GET", path, headers={"Accept": "application/vnd.apache.arrow.stream"}).content
    assert read.to_pylist() == pa.ipc.open_stream(arrow).read_all().to_pylist()
    assert [row | {"period": row["period"].isoformat()} for row in read.drop_columns("dependence").to_pylist()] == [
        row | {name: float(row[name]) for name in NAMES} for row in rows(**GRID)
    ]


def test_what_is_sent_again_changes_nothing_and_says_so(known):
    first = known("POST", PATH, json=rows(**GRID))
    again = known("POST", PATH, json=rows(**GRID)[::-1])
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"created": 0, "unchanged": 6}
    assert again.headers["location"] == first.headers["location"]
    assert known("POST", PATH, json=rows(**GRID | {"q0.975": 12})).status_code == 201
    assert known("POST", PATH, json=rows(**GRID)).status_code == 201
    back, other, forecast = (one["output_digest"] for one in known.ok("GET", "/forecasts")["items"])
    assert back == forecast != other


def test_another_name_origin_item_or_period_is_another_forecast(known):
    posted(known, json=rows(**GRID))
    for path, body in (
        ("/external-forecasts?name=other", rows(**GRID)),
        (f"{PATH}&origin={week(WEEKS - 2)}", rows(**GRID)),
        (PATH, rows("AC", **GRID)),
        (PATH, rows(first=WEEKS + 1, **GRID)),
    ):
        assert known("POST", path, json=body).status_code == 201


def test_two_at_once_are_one(known):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: known("POST", PATH, json=rows(**GRID)), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["made"] for answer in answers}) == 1


def test_lists_by_source_and_name(known):
    ids = {name: posted(known, f"/external-forecasts?name={name}", json=rows())["id"] for name in ("b1", "b2")}
    assert [one["id"] for one in known.ok("GET", "/forecasts?source=external&name=b1")["items"]] == [ids["b1"]]
    assert {one["id"] for one in known.ok("GET", "/forecasts?source=external")["items"]} == set(ids.values())
    assert known.ok("GET", "/forecasts?source=model")["items"] == []


def test_the_latest_forecast_is_never_an_external_one(known):
    posted(known, json=rows())
    answer = known("GET", "/forecasts/latest")
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs/errors#no-forecast")


def test_cancelling_it_leaves_it_as_it_is(known):
    forecast = posted(known, json=rows())
    assert known.ok("POST", f"/forecasts/{forecast['id']}/cancel")["status"] == "succeeded"


WHOLE = rows(**GRID)
WRONG = [
    (WHOLE[:-1], "uneven-periods", "#/3", "does not have all of the 3 periods"),
    ([WHOLE[0], WHOLE[2], WHOLE[3], WHOLE[5]], "uneven-periods", "#/1/period", "before this one is missing"),
    ([*WHOLE, WHOLE[0]], "invalid", "#/0", "same key"),
    ([WHOLE[0] | {"item": "ghost"}], "unknown-reference", "#/0/item", "is no item"),
    ([WHOLE[0] | {"location": "ghost"}], "unknown-reference", "#/0/location", "is no location"),
    ([WHOLE[0] | {"period": "2024-01-02"}], "off-calendar", "#/0/period", "2024-01-01"),
    ([WHOLE[0], WHOLE[1] | {"q0.5": 4.5}], "crossing-quantiles", "#/1/q0.5", "below the one before it"),
    ([WHOLE[0], WHOLE[1] | {"q0.1": None}], "missing-quantiles", "#/1/q0.1", "is missing"),
    ([WHOLE[0], rows()[1]], "missing-quantiles", "#/1/q0.025", "is missing"),
    ([WHOLE[0] | {"q0.025": -1}], "invalid", "#/0/q0.025", "greater than or equal to 0"),
    ([WHOLE[0] | {"mean": -1}], "invalid", "#/0/mean", "greater than or equal to 0"),
    ([WHOLE[0] | {"q0.15": 1}], "invalid", "#/0/q0.15", "Extra inputs"),
]


@pytest.mark.parametrize(("body", "slug", "pointer", "says"), WRONG, ids=lambda value: str(value)[:30])
def test_rows_that_do_not_hold_together_store_nothing(known, body, slug, pointer, says):
    answer = known("POST", PATH, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, f"/docs/errors#{slug}")
    assert problem["errors"][0]["pointer"] == pointer
    assert says in problem["errors"][0]["detail"]
    assert known.ok("GET", "/forecasts")["items"] == []


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("", "invalid"),
        ("?name=7", "invalid"),
        ("?name=a%20b", "invalid"),
        (f"?name=a&origin={week(WEEKS)}", "origin-not-before"),
        ("?name=a&origin=2022-01-01", "off-calendar"),
    ],
)
def test_a_name_or_an_origin_that_cannot_be(known, query, slug):
    answer = known("POST", f"/external-forecasts{query}", json=rows())
    assert (answer.status_code, answer.json()["type"]) == (422, f"/docs/errors#{slug}")
    assert "parameter" in answer.json()["errors"][0]
    assert known.ok("GET", "/forecasts")["items"] == []


def test_a_large_one_is_an_import_that_names_its_forecast(known, finish):
    large = rows("ABC", steps=400, **GRID)
    run = finish(known, known("POST", PATH, json=large))
    assert (run["status"], run["received"], run["created"], run["rejected"]) == ("succeeded", 1200, 1200, 0)
    forecast = known.ok("GET", f"/forecasts/{run['made']}")
    assert (forecast["name"], forecast["horizon"], forecast["series_count"]) == ("agency", 400, 3)
    again = finish(known, known("POST", PATH, json=large))
    assert (again["made"], again["created"], again["unchanged"]) == (forecast["id"], 0, 1200)


def test_who_skips_bad_rows_keeps_the_item_locations_that_are_whole(known, finish):
    body = [*rows("AB", **GRID), *rows("C", **GRID | {"q0.5": 99}, steps=2)]
    run = finish(known, known("POST", f"{PATH}&on_error=skip", json=[*body, WHOLE[0] | {"item": "ghost"}]))
    assert (run["status"], run["created"], run["rejected"]) == ("succeeded", 6, 3)
    assert {row["item"] for row in values(known, {"id": run["made"]})} == {"A", "B"}
    body[0]["q0.5"] = 0
    run = finish(known, known("POST", f"{PATH}&on_error=skip", json=body))
    assert {row["item"] for row in values(known, {"id": run["made"]})} == {"B"}
    rejects = known.ok("GET", f"/imports/{run['id']}/rejects")["items"]
    assert [(one["row"], one["field"]) for one in rejects[:3]] == [(0, "q0.5"), (1, None), (2, None)]


def test_validating_only_makes_no_forecast(known, finish):
    run = finish(known, known("POST", f"{PATH}&validate_only=true", json=WHOLE))
    assert (run["status"], run["created"], run["made"]) == ("succeeded", 6, None)
    assert known.ok("GET", "/forecasts")["items"] == []


def test_an_import_with_a_gap_fails_and_says_where(known, finish):
    run = finish(known, known("POST", f"{PATH}&on_error=skip", json=[WHOLE[0], WHOLE[2]]))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#uneven-periods")
    assert run["error"]["errors"] == [{"pointer": "#/1/period", "detail": "the period before this one is missing"}]


def test_an_origin_off_the_calendar_is_refused_before_the_import(known):
    answer = known("POST", f"{PATH}&origin=2022-01-01&on_error=skip", json=WHOLE)
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#off-calendar")
    assert known.ok("GET", "/imports")["items"] == []


def test_no_rows_are_no_forecast(known):
    assert known("POST", PATH, json=[]).status_code == 422


def test_a_mean_alone_gets_its_quantiles_from_the_history_and_says_so(known):
    forecast = posted(known, json=rows("A"))
    (warning,) = forecast["warnings"]
    assert (warning["code"], warning["count"]) == ("derived-quantiles", 1)
    for row in values(known, forecast):
        grid = list(row["quantiles"].values())
        assert grid == sorted(grid)
        assert grid[0] < row["mean"] < grid[-1]
    again = known("POST", PATH, json=rows("A"))
    assert (again.status_code, again.json()["made"]) == (200, forecast["id"])


def test_quantiles_come_from_demand_until_the_origin_only(known):
    before = posted(known, json=rows("A", first=WEEKS - 10))
    later = [row | {"quantity": 9000} for row in history(WEEKS, ("A",))[-10:]]
    known.ok("POST", "/demand", json=later)
    assert known("POST", PATH, json=rows("A", first=WEEKS - 10)).json()["made"] == before["id"]
    earlier = [row | {"quantity": 9000} for row in history(WEEKS, ("A",))[-14:-10]]
    known.ok("POST", "/demand", json=earlier)
    after = posted(known, json=rows("A", first=WEEKS - 10))
    assert values(known, after)[0]["quantiles"]["0.975"] > values(known, before)[0]["quantiles"]["0.975"]


def test_silence_after_the_last_demand_is_not_taken_for_zeros(known):
    near = values(known, posted(known, json=rows("A")))
    far = values(known, posted(known, json=rows("A", first=WEEKS + 30)))
    assert [row["quantiles"] for row in far] == [row["quantiles"] for row in near]


def test_a_new_item_location_takes_the_others_spread(known):
    known.ok("PUT", "/items", json={"item": "N"})
    forecast = posted(known, json=rows("AN"))
    counts = {warning["code"]: warning["count"] for warning in forecast["warnings"]}
    assert counts == {"derived-quantiles": 2, "derived-from-others": 1}
    grids = {row["item"]: row["quantiles"] for row in values(known, forecast)}
    assert 0 < grids["N"]["0.025"] < grids["N"]["0.975"] < 100


def test_blocks_of_item_locations_change_nothing(known, monkeypatch):
    whole = posted(known, json=rows("ABC"))
    monkeypatch.setattr(derivation, "BLOCK_SERIES", 2)
    assert posted(known, json=rows("ABC"))["output_digest"] == whole["output_digest"]


def test_another_areas_history_of_the_same_codes_is_none_of_ours(known, client, area):
    other = Caller(client, profile(f"{area.area.area}-other", horizon=4))
    other.ok("PUT", "/items", json=[{"item": "A"}])
    other.ok("PUT", "/locations", json=[{"location": "L1"}])
    forecast = posted(other, json=rows("A"))
    assert forecast["series_count"] == 1
    assert {warning["code"] for warning in forecast["warnings"]} == {"derived-quantiles", "derived-from-others"}
    assert other("GET", f"/forecasts/{posted(known, json=rows())['id']}").status_code == 404


def test_the_previous_release_still_writes_its_forecasts(database):
    """It names neither source nor name, and always a model version."""
    columns = "SELECT column_default FROM information_schema.columns WHERE table_name = 'forecasts'"
    with database.read() as session:
        default = session.execute(text(f"{columns} AND column_name = 'source'")).scalar_one()
    assert default == "'model'::text"


@pytest.mark.parametrize("frequency", ["D", "M"])
def test_days_and_months(client, area, frequency):
    where = Caller(client, profile(f"{area.area.area}-{frequency}", frequency=frequency))
    where.ok("PUT", "/items", json={"item": "A"})
    where.ok("PUT", "/locations", json={"location": "L1"})
    days = {"D": ["2024-02-28", "2024-02-29", "2024-03-01"], "M": ["2023-12-01", "2024-01-01", "2024-02-01"]}
    body = [{"item": "A", "location": "L1", "period": day, "mean": 1} for day in days[frequency]]
    forecast = posted(where, json=body)
    assert forecast["origin"] == {"D": "2024-02-27", "M": "2023-11-01"}[frequency]
    gap = where("POST", PATH, json=[body[0], body[2]])
    assert gap.json()["type"] == "/docs/errors#uneven-periods"


def test_the_first_period_that_there_is_has_none_before_it(known):
    answer = known("POST", PATH, json=[{"item": "A", "location": "L1", "period": "1900-01-01", "mean": 1}])
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "/docs/errors#origin-not-before")
    assert problem["errors"] == [{"parameter": "origin", "detail": "would be 1899-12-25, before the year 1900"}]
