"""Each write route with what it must not take: the right status, a problem document, and nothing stored."""

import json

import pytest

from tests.factories import load_history, load_supply, week

HISTORY = 110

# (method, path, a body that holds, a field that is a number or None)
TABLES = [
    ("PUT", "/items", {"item": "new", "unit_cost": "1.00", "shelf_life_days": 3}, "shelf_life_days"),
    ("PUT", "/locations", {"location": "new", "kind": "dc"}, None),
    ("POST", "/demand", {"item": "A", "location": "L1", "period": week(200), "quantity": 5}, "quantity"),
    ("POST", "/drivers/price/values", {"item": "A", "location": "L1", "period": week(200), "value": 5}, "value"),
    ("POST", "/inventory", {"item": "A", "location": "L1", "as_of": week(200), "on_hand": 5}, "on_hand"),
    (
        "POST",
        "/scheduled-receipts",
        {"reference": "PO-7", "item": "A", "location": "L1", "due": week(200), "quantity": 5},
        "quantity",
    ),
    (
        "POST",
        "/open-orders",
        {"reference": "SO-7", "item": "A", "location": "L1", "due": week(200), "quantity": 5},
        "quantity",
    ),
    ("PUT", "/supply/processes", {"process": "P", "item": "A", "location": "L1", "yield_rate": 0.9}, "yield_rate"),
    (
        "PUT",
        "/supply/process-components",
        {"process": "P", "component": "B", "quantity_per": 2, "scrap_rate": 0.1},
        "quantity_per",
    ),
    ("PUT", "/supply/process-loads", {"process": "P", "resource": "R", "hours_per_unit": 0.5}, "hours_per_unit"),
    ("PUT", "/supply/resources", {"resource": "R", "hours": 40}, "hours"),
    ("PUT", "/supply/resource-capacity", {"resource": "R", "day": week(200), "hours": 20}, "hours"),
    (
        "PUT",
        "/supply/sourcing-rules",
        {"item": "A", "location": "L2", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "1.00"},
        "lead_time",
    ),
    ("PUT", "/supply/planning-policies", {"item": "A", "location": "L1", "service_level": 0.9}, "service_level"),
]
IDS = [path for _, path, *_ in TABLES]


@pytest.fixture(scope="module")
def loaded(accord):
    area = accord.area()
    load_history(area, HISTORY, ("A",))
    load_supply(area, HISTORY, ("A",))
    price = {"kind": "price", "known_ahead": True, "scope": "item-location"}
    assert area.as_("integrator").put("/drivers/price", json=price).status_code == 200
    return area


def stored(area):
    """All rows that the tables' GET routes show."""
    viewer = area.as_("viewer")
    return {path: viewer.get(path, params={"limit": 1000}).json()["items"] for _, path, *_ in TABLES}


def assert_refused(area, answer, *statuses):
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == answer.headers["x-request-id"]


def send(area, method, path, text, media="application/json"):
    content = text if isinstance(text, bytes) else text.encode()
    return area.as_("integrator").request(method, path, content=content, headers={"content-type": media})


@pytest.mark.parametrize(("method", "path", "row", "number"), TABLES, ids=IDS)
def test_a_bad_table_is_refused_whole(loaded, method, path, row, number):
    before = stored(loaded)
    good = json.dumps(row)
    bad = [row | {"unknown_field": 1}, row | {next(iter(row)): 7}, row | {next(iter(row)): "a\u0000b"}]
    bad += [row | {next(iter(row)): "\ud800"}, {}, 7, None, "x", [row], {next(iter(row)): row}]
    if number:
        bad += [row | {number: wrong} for wrong in ("5", True, [1], {}, 1e16, 2**63)]
    if number and number != "value":  # a driver may be negative, a temperature for one
        bad += [row | {number: -1}]
    for one in bad:
        answer = send(loaded, method, path, f"[{good}, {json.dumps(one)}]")
        assert_refused(loaded, answer, 422)
        assert all(error["pointer"].startswith("#/1") for error in answer.json()["errors"]), answer.text
    assert stored(loaded) == before


@pytest.mark.parametrize(("method", "path", "row", "number"), TABLES, ids=IDS)
def test_a_body_that_is_no_table_is_refused(loaded, method, path, row, number):
    before = stored(loaded)
    good = json.dumps(row)
    for text in (
        "NaN",
        f"[{good}, NaN]",
        good[:-1],
        "",
        "[" * 5000,
        b"\xff\xfe",
        b"\x1f\x8b\x08",
        good[:-1] + ', "x": 1e999}',
    ):
        assert_refused(loaded, send(loaded, method, path, text), 400, 422)
    for media in ("text/plain", "application/xml", "multipart/form-data"):
        assert_refused(loaded, send(loaded, method, path, good, media), 415)
    assert_refused(loaded, send(loaded, method, path, f"[{good},{good}]"), 422)
    assert stored(loaded) == before


@pytest.mark.parametrize(("method", "path", "row", "number"), TABLES, ids=IDS)
def test_a_row_that_holds_is_stored_and_a_replay_changes_nothing(accord, method, path, row, number):
    area = accord.area()
    load_history(area, 2, ("A",))
    price = {"kind": "price", "known_ahead": True, "scope": "item-location"}
    assert area.as_("integrator").put("/drivers/price", json=price).status_code == 200
    first = send(area, method, path, json.dumps(row))
    again = send(area, method, path, json.dumps([row]))
    assert first.status_code == again.status_code == 200, first.text + again.text
    assert first.json() == {"received": 1, "created": 1, "updated": 0, "unchanged": 0}
    assert again.json() == {"received": 1, "created": 0, "updated": 0, "unchanged": 1}
    assert [one for one in stored(area)[path] if row.items() <= one.items()] != []


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "price", "known_ahead": true}',
        '{"kind": "price", "known_ahead": true, "scope": "item", "unit": "EUR"}',
        '{"kind": "price", "known_ahead": "true", "scope": "item"}',
        '{"kind": "price", "known_ahead": 1, "scope": "item"}',
        '{"kind": "luck", "known_ahead": true, "scope": "item"}',
        '{"kind": "price", "known_ahead": true, "scope": "item", "publication_delay": NaN}',
        '{"kind": "price", "known_ahead": true, "scope": "item", "publication_delay": 0}',
        '{"kind": "price", "kind": "event", "known_ahead": true, "scope": "item"}',
        '{"kind": "price", "known_ahead": true, "scope": "item", "description": "\\u0000"}',
        '[{"kind": "price", "known_ahead": true, "scope": "item"}]',
        "null",
    ],
)
def test_a_bad_driver_is_refused(loaded, text):
    for name in ("fresh", "price"):
        assert_refused(loaded, send(loaded, "PUT", f"/drivers/{name}", text), 422)
    drivers = loaded.as_("viewer").get("/drivers").json()["items"]
    assert [(one["driver"], one["version"], one["kind"], one["scope"]) for one in drivers] == [
        ("price", 1, "price", "item-location")
    ]


@pytest.mark.parametrize(
    ("row", "slug", "pointers"),
    [
        ({"item": "ghost", "location": "L1"}, "unknown-reference", ["#/1/item"]),
        ({"item": "A", "location": "nowhere"}, "unknown-reference", ["#/1/location"]),
        ({"item": "A"}, "wrong-scope", ["#/1/location"]),
        ({}, "wrong-scope", ["#/1/item", "#/1/location"]),
        ({"item": "A", "location": "L1", "period": "2024-01-02"}, "off-calendar", ["#/1/period"]),
    ],
)
def test_a_drivers_values_are_refused_whole(loaded, row, slug, pointers):
    good = {"item": "A", "location": "L1", "period": week(200), "value": 1}
    before = stored(loaded)
    answer = loaded.as_("integrator").post(
        "/drivers/price/values", json=[good, {"period": week(201), "value": 1} | row]
    )
    assert_refused(loaded, answer, 422)
    assert answer.json()["type"] == f"/docs/errors#{slug}"
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert stored(loaded) == before


def test_values_of_a_driver_that_nobody_defined(loaded):
    row = {"item": "A", "location": "L1", "period": week(200), "value": 1}
    assert_refused(loaded, loaded.as_("integrator").post("/drivers/unheard-of/values", json=row), 404)


def test_demand_names_its_missing_references(loaded):
    rows = [
        {"item": "A", "location": "L1", "period": week(200), "quantity": 1},
        {"item": "ghost", "location": "L1", "period": week(200), "quantity": 1},
        {"item": "A", "location": "nowhere", "period": week(200), "quantity": 1},
    ]
    before = stored(loaded)
    answer = loaded.as_("integrator").post("/demand", json=rows)
    assert_refused(loaded, answer, 422)
    assert answer.json()["type"] == "/docs/errors#unknown-reference"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/1/item", "#/2/location"]
    assert stored(loaded) == before


@pytest.mark.parametrize(
    ("frequency", "period", "right"),
    [("W", "2024-01-03", "2024-01-01"), ("M", "2024-02-15", "2024-02-01"), ("W", "2020-12-31", "2020-12-28")],
)
def test_a_period_off_the_calendar_is_told_the_right_one(accord, frequency, period, right):
    area = accord.area(frequency=frequency, horizon=6)
    load = [{"item": "A", "location": "L1", "period": period, "quantity": 1}]
    area.as_("integrator").put("/items", json=[{"item": "A"}])
    area.as_("integrator").put("/locations", json=[{"location": "L1"}])
    answer = area.as_("integrator").post("/demand", json=load)
    assert_refused(area, answer, 422)
    assert answer.json()["type"] == "/docs/errors#off-calendar"
    assert right in answer.text


def test_demand_that_has_not_come_yet_is_refused(loaded):
    row = {"item": "A", "location": "L1", "period": week(600), "quantity": 3}
    answer = loaded.as_("integrator").post("/demand", json=[row])
    assert_refused(loaded, answer, 422)
    assert answer.json()["type"] == "/docs/errors#future-period"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/0/period"]


def test_returns_are_to_be_netted(loaded):
    row = {"item": "A", "location": "L1", "period": week(200), "quantity": -3}
    answer = loaded.as_("integrator").post("/demand", json=[row])
    assert_refused(loaded, answer, 422)
    assert "net" in answer.text


def test_twins_in_unicode_are_one_item(accord):
    area = accord.area()
    erp = area.as_("integrator")
    assert erp.put("/items", json=[{"item": "cafe\u0301"}]).json()["created"] == 1
    assert erp.put("/items", json=[{"item": "caf\u00e9"}]).json()["unchanged"] == 1
    assert erp.put("/items", json=[{"item": "007"}, {"item": "7"}, {"item": "a/b"}]).json()["created"] == 3
    assert erp.get("/items", params={"item": "a/b"}).json()["items"][0]["item"] == "a/b"
    assert erp.delete("/items", params={"item": "a/b"}).status_code == 204


def test_an_item_in_use_stays(loaded):
    answer = loaded.as_("integrator").delete("/items", params={"item": "A"})
    assert_refused(loaded, answer, 409)
    assert answer.json()["type"] == "/docs/errors#in-use"


@pytest.mark.parametrize("path", ["/items", "/demand", "/recommendations", "/plans", "/forecasts"])
@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=1000000000", "limit=x", "cursor=x", "limt=5"])
def test_a_bad_page_is_refused(loaded, path, query):
    assert_refused(loaded, loaded.as_("viewer").get(f"{path}?{query}"), 422)


@pytest.mark.parametrize("after", ["-1", "2147483648", "18728261546894", "x"])
def test_a_sequence_that_cannot_be_is_refused(loaded, after):
    assert_refused(loaded, loaded.as_("auditor").get(f"/decisions?after={after}"), 422)


def test_a_forecast_without_a_champion_says_what_to_do(accord):
    area = accord.area()
    load_history(area, 10)
    answer = area.as_("planner").post("/forecasts", json={})
    assert_refused(area, answer, 409)
    assert answer.json()["type"] == "/docs/errors#no-champion"
    assert "training" in answer.text
    champion = area.as_("mlops").get("/models/champion")
    assert_refused(area, champion, 404)
    assert champion.json()["type"] == "/docs/errors#no-champion"


def test_a_plan_without_a_forecast_says_what_to_do(accord):
    area = accord.area()
    load_history(area, 10)
    load_supply(area, 10)
    run = area.finish(area.as_("planner").post("/plans", json={}))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#no-forecast")


def test_training_without_demand_says_what_to_do(accord):
    area = accord.area()
    run = area.finish(area.as_("mlops").post("/training-runs", json={"reason": "nothing here"}))
    assert (run["status"], run["error"]["type"]) == ("failed", "/docs/errors#no-demand")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/training-runs", {}),
        ("/training-runs", {"reason": 7}),
        ("/training-runs", {"reason": "x", "parameters": {"origins": 1000}}),
        ("/training-runs", {"reason": "x", "parametres": {}}),
        ("/models/promotions", {"version": "1", "reason": "x"}),
        ("/models/promotions", {"version": -1, "reason": "x"}),
    ],
)
def test_a_bad_wish_of_mlops_is_refused(loaded, path, body):
    answer = loaded.as_("mlops").post(path, json=body, headers={"If-Match": '"0"'})
    assert_refused(loaded, answer, 422)
    assert loaded.as_("viewer").get(path).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/forecasts", {"horizon": 0}),
        ("/forecasts", {"horizon": 1e9}),
        ("/forecasts", {"origin": "yesterday"}),
        ("/forecasts", {"model": "latest"}),
        ("/plans", {"forecast": "not-a-uuid"}),
        ("/plans", {"horizon": 0}),
        ("/plans", {"as_of": 0}),
    ],
)
def test_a_bad_wish_of_planners_is_refused(loaded, path, body):
    assert_refused(loaded, loaded.as_("planner").post(path, json=body), 422)
    assert loaded.as_("viewer").get(path).json()["items"] == []


def test_a_version_that_does_not_exist_cannot_be_promoted(loaded):
    body = {"version": 99, "reason": "x"}
    mlops = loaded.as_("mlops")
    assert_refused(loaded, mlops.post("/models/promotions", json=body), 428)
    assert_refused(loaded, mlops.post("/models/promotions", json=body, headers={"If-Match": '"7"'}), 412)
    assert_refused(loaded, mlops.post("/models/promotions", json=body, headers={"If-Match": '"0"'}), 422)
