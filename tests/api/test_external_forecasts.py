"""A forecast from elsewhere, over the real stack: stored, planned on when named, measured beside ours."""

import pyarrow as pa
import pytest

from tests.factories import load_history, load_supply, put, train_and_promote, week

WEEKS = 120
ARROW = {"accept": "application/vnd.apache.arrow.stream"}


def agency(items="ABC", steps=8, first=WEEKS):
    return [
        {"item": item, "location": "L1", "period": week(first + step), "mean": 50.0 + step}
        for item in items
        for step in range(steps)
    ]


@pytest.fixture(scope="module")
def loaded(accord):
    area = accord.area()
    load_history(area, WEEKS)
    load_supply(area, WEEKS)
    return area


@pytest.fixture(scope="module")
def ours(loaded):
    version = train_and_promote(loaded)
    forecast = loaded.succeed(loaded.as_("planner").post("/forecasts", json={}))
    assert forecast["model_version"] == version
    return forecast


@pytest.fixture(scope="module")
def external(loaded, ours):
    """Newer than ours."""
    answer = loaded.as_("integrator").post("/external-forecasts", params={"name": "agency"}, json=agency())
    assert answer.status_code == 201, answer.text
    return loaded.as_("viewer").get(f"/forecasts/{answer.json()['made']}").json()


def test_a_plan_on_it_says_what_it_rests_on_and_recommends(loaded, external):
    planner = loaded.as_("planner")
    plan = loaded.succeed(planner.post("/plans", json={"forecast": external["id"]}))
    assert (plan["forecast"], plan["model_version"]) == (external["id"], None)
    assert ("external-forecast", 3) in {(warning["code"], warning["count"]) for warning in plan["warnings"]}
    assert plan["as_of"] == week(WEEKS)
    lines = planner.get(f"/plans/{plan['id']}/lines", params={"item": "A", "location": "L1"}).json()["items"]
    assert [line["demand"] for line in lines] == pytest.approx([50 + step for step in range(8)], rel=1e-3)
    inbox = planner.get("/recommendations", params={"status": "proposed"}).json()["items"]
    assert {one["item"] for one in inbox if one["type"] == "buy"} == {"A", "B", "C"}
    assert {one["model_version"] for one in inbox} == {None}


def test_latest_stays_ours(loaded, ours, external):
    planner = loaded.as_("planner")
    assert planner.get("/forecasts").json()["items"][0]["id"] == external["id"]
    assert planner.get("/forecasts/latest").json()["id"] == ours["id"]
    plan = loaded.succeed(planner.post("/plans", json={}))
    assert (plan["forecast"], plan["model_version"]) == (ours["id"], ours["model_version"])
    assert "external-forecast" not in {warning["code"] for warning in plan["warnings"]}


def test_its_values_have_the_columns_of_ours(loaded, ours, external):
    viewer = loaded.as_("viewer")
    tables = [
        pa.ipc.open_stream(viewer.get(f"/forecasts/{forecast['id']}/values", headers=ARROW).content).read_all()
        for forecast in (ours, external)
    ]
    assert tables[0].schema == tables[1].schema
    assert tables[0].select(["item", "location", "period"]) == tables[1].select(["item", "location", "period"])


def test_ours_has_aggregates_that_are_the_sums_of_its_items_and_it_has_none(loaded, ours, external):
    viewer = loaded.as_("viewer")
    items, total = (
        viewer.get(f"/forecasts/{ours['id']}/values{query}").json()["items"]
        for query in ("?limit=1000", "?level=total")
    )
    assert {row["node"] for row in total} == {"total"}
    for row in total:
        alone = [one["mean"] for one in items if one["period"] == row["period"]]
        assert len(alone) == ours["series_count"]
        assert row["mean"] == pytest.approx(sum(alone))
    assert external["levels"] == []
    answer = viewer.get(f"/forecasts/{external['id']}/values?level=total")
    assert (answer.status_code, answer.json()["type"]) == (409, "/docs/errors#no-levels")
    answer = viewer.get(f"/forecasts/{ours['id']}/values?level=colour")
    assert (answer.status_code, answer.json()["type"]) == (404, "/docs/errors#unknown-level")


def test_both_are_measured_on_the_same_cells(loaded, ours, external):
    rows = [
        {"item": item, "location": "L1", "period": week(WEEKS + step), "quantity": 50 + step + number}
        for number, item in enumerate("AB")
        for step in range(2)
    ]
    put(loaded.as_("integrator"), "POST", "/demand", rows)
    found = loaded.as_("viewer").get("/accuracy", params={"by": "model", "common": "true", "to": week(WEEKS + 1)})
    assert found.status_code == 200, found.text
    models = {row["group"]: row for row in found.json()["items"]}
    assert set(models) == {str(ours["model_version"]), "agency"}
    # C has no row: zero demand in both weeks
    assert {row["n"] for row in models.values()} == {6}
    absolute = models["agency"]["wmape"] * (50 + 51 + 51 + 52)
    medians = [
        row["quantiles"]["0.5"]
        for row in loaded.as_("viewer").get(f"/forecasts/{external['id']}/values").json()["items"]
        if row["period"] <= week(WEEKS + 1)
    ]
    actual = [50, 51, 51, 52, 0, 0]
    assert absolute == pytest.approx(sum(abs(a - f) for a, f in zip(actual, medians, strict=True)))
    assert models["agency"]["bias"] == pytest.approx((-1 - 1 + 50 + 51) / 204)


def test_a_replay_with_its_key_is_answered_again(loaded, external):
    client, key = loaded.as_("mlops"), {"Idempotency-Key": "external-1"}
    call = {"params": {"name": "again"}, "json": agency(first=WEEKS + 20)}
    first, again = (client.post("/external-forecasts", headers=key, **call) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
