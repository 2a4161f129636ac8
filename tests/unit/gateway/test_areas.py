import itertools

import pytest

from tests.unit.gateway.conftest import caller, problem

_numbers = itertools.count()


@pytest.fixture
def body():
    return {"area": f"area-{next(_numbers)}", "frequency": "D", "currency": "USD", "time_zone": "UTC"}


@pytest.mark.parametrize(("frequency", "season", "horizon"), [("D", 7, 28), ("W", 52, 13), ("M", 12, 12)])
def test_lengths_follow_from_the_frequency(admin, body, frequency, season, horizon):
    made = admin.post("/v1/areas", json=body | {"frequency": frequency})
    assert made.status_code == 201
    area = made.json()
    assert (area["season_length"], area["horizon"]) == (season, horizon)
    assert area["quantiles"] == [0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975]
    assert (area["week_start"], area["holding_rate"], area["shortage_factor"]) == (1, "0.20", "1.0")
    assert (area["version"], made.headers["etag"]) == (1, '"1"')
    assert admin.get(made.headers["location"]).json() == area


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("area", "-a"),
        ("area", "a/b"),
        ("area", ""),
        ("frequency", "H"),
        ("currency", "usd"),
        ("currency", "EURO"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("week_start", 0),
        ("week_start", 8),
        ("week_start", True),
        ("season_length", 0),
        ("season_length", 1.5),
        ("horizon", "13"),
        ("horizon", 367),
        ("holding_rate", 0.2),
        ("holding_rate", "-0.1"),
        ("shortage_factor", "NaN"),
        ("quantiles", [0.1, 0.5, 0.9]),
        ("quantiles", [True] * 11),
        ("name", "unknown field"),
    ],
)
def test_what_an_area_cannot_be(admin, body, field, value):
    response = admin.post("/v1/areas", json=body | {field: value})
    assert problem(response) == (422, "invalid")
    assert response.json()["errors"][0]["pointer"].startswith(f"#/{field}")
    assert admin.get(f"/v1/areas/{body['area']}").status_code == 404


@pytest.mark.parametrize("field", ["area", "frequency", "currency", "time_zone"])
def test_what_an_area_must_say(admin, body, field):
    del body[field]
    assert problem(admin.post("/v1/areas", json=body)) == (422, "invalid")


def test_an_area_is_made_once(admin, body):
    assert admin.post("/v1/areas", json=body).status_code == 201
    assert problem(admin.post("/v1/areas", json=body | {"frequency": "M"})) == (409, "area-exists")
    assert admin.get(f"/v1/areas/{body['area']}").json()["frequency"] == "D"


def test_a_change_needs_the_version_that_was_read(admin, body):
    at = admin.post("/v1/areas", json=body).headers["location"]
    assert problem(admin.patch(at, json={"horizon": 14})) == (428, "version-required")
    changed = admin.patch(at, json={"horizon": 14, "shortage_factor": "2.5"}, headers={"If-Match": '"1"'})
    assert (changed.json()["horizon"], changed.json()["shortage_factor"]) == (14, "2.5")
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"2"')
    assert problem(admin.patch(at, json={"horizon": 21}, headers={"If-Match": '"1"'})) == (412, "stale-version")
    assert admin.get(at).json() == changed.json()


def test_a_change_that_changes_nothing_is_no_version(admin, body):
    at = admin.post("/v1/areas", json=body).headers["location"]
    for nothing in ({}, {"horizon": 28}, {"holding_rate": "0.2"}):
        assert admin.patch(at, json=nothing, headers={"If-Match": '"1"'}).json()["version"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frequency", "W"),
        ("currency", "EUR"),
        ("time_zone", "UTC"),
        ("week_start", 7),
        ("area", "b"),
        ("quantiles", []),
    ],
)
def test_what_never_changes(admin, body, field, value):
    at = admin.post("/v1/areas", json=body).headers["location"]
    response = admin.patch(at, json={field: value}, headers={"If-Match": '"1"'})
    assert problem(response) == (422, "invalid")
    error = response.json()["errors"][0]
    assert error["pointer"] == f"#/{field}"
    assert "never changes" in error["detail"]


def test_the_services_learn_of_a_change_at_once(admin, body, forecast):
    at = admin.post("/v1/areas", json=body).headers["location"]
    admin.get(f"{at}/items")
    assert forecast.identity.area.horizon == 28
    admin.patch(at, json={"horizon": 5}, headers={"If-Match": '"1"'})
    admin.get(f"{at}/items")
    assert forecast.identity.area.horizon == 5


def test_callers_see_the_areas_in_which_they_have_a_role(url, admin, body, key_of):
    name = admin.post("/v1/areas", json=body).json()["area"]
    with caller(url, key_of((name, "viewer"))) as client:
        assert [area["area"] for area in client.get("/v1/areas").json()["items"]] == [name]
        assert client.get(f"/v1/areas/{name}").status_code == 200
        assert problem(client.get("/v1/areas/north")) == (404, "unknown-area")
        assert problem(client.patch(f"/v1/areas/{name}", json={})) == (403, "forbidden")
        assert problem(client.post("/v1/areas", json=body)) == (403, "forbidden")
    assert {name, "north"} <= {area["area"] for area in admin.get("/v1/areas", params={"limit": 1000}).json()["items"]}


def test_the_administrator_of_an_area_changes_it_and_no_other(url, admin, body, key_of):
    name = admin.post("/v1/areas", json=body).json()["area"]
    with caller(url, key_of((name, "admin")), **{"If-Match": '"1"'}) as client:
        assert client.patch(f"/v1/areas/{name}", json={"horizon": 9}).status_code == 200
        assert problem(client.patch("/v1/areas/north", json={"horizon": 9})) == (404, "unknown-area")
        assert problem(client.get("/v1/principals")) == (403, "forbidden")


def test_lists_come_in_pages(admin, body):
    names = [admin.post("/v1/areas", json=body | {"area": f"{body['area']}-{n}"}).json()["area"] for n in range(3)]
    found, cursor = [], None
    while True:
        page = admin.get("/v1/areas", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [area["area"] for area in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == sorted(set(found))
    assert set(names) <= set(found)
