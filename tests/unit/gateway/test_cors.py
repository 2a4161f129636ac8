"""Pages of named origins may call from a browser; to all others the gateway does not speak of it."""

import httpx2
import pytest

from services.gateway.app import create_app
from tests.unit.gateway.conftest import ADMIN, answer, caller, listening

ITEMS = "/v1/areas/north/items"
PLANNING, COCKPIT, STRANGER = "https://planning.example", "https://cockpit.example", "https://stranger.example"
WISH = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}


@pytest.fixture(scope="module")
def open_url(settings, admin):
    with listening(create_app(settings.model_copy(update={"cors_origins": f"{PLANNING}, {COCKPIT}"}))) as url:
        yield url


def fields(response):
    return {name for name in response.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [PLANNING, COCKPIT])
def test_a_page_asks_before_it_calls_and_needs_no_key_for_that(open_url, origin):
    response = httpx2.options(open_url + ITEMS, headers={"Origin": origin} | WISH)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "authorization,if-match"
    assert "access-control-allow-credentials" not in response.headers


def test_a_page_reads_what_it_needs_of_an_answer(open_url, forecast):
    forecast.act = answer(200, b"{}", (b"etag", b'"7"'))
    with caller(open_url, ADMIN.text, Origin=PLANNING) as page:
        response = page.get(ITEMS)
    assert response.headers["access-control-allow-origin"] == PLANNING
    assert "Origin" in response.headers["vary"]
    exposed = {name.strip().lower() for name in response.headers["access-control-expose-headers"].split(",")}
    told = {"etag", "ratelimit", "ratelimit-policy", "x-request-id"}
    assert told <= set(response.headers)
    assert told | {"location", "retry-after"} <= exposed


def test_a_page_sees_why_it_was_refused(open_url):
    response = httpx2.get(open_url + ITEMS, headers={"Origin": PLANNING})
    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == PLANNING


@pytest.mark.parametrize("origin", [STRANGER, "null", PLANNING + ".evil", "http" + PLANNING[5:]])
def test_other_origins_get_no_field(open_url, origin, forecast):
    asked = httpx2.options(open_url + ITEMS, headers={"Origin": origin} | WISH)
    assert (asked.status_code, asked.headers["content-type"]) == (405, "application/problem+json")
    with caller(open_url, ADMIN.text, Origin=origin) as page:
        called = page.get(ITEMS)
    assert called.status_code == 200
    assert fields(asked) == fields(called) == set()


def test_by_default_no_origin_may(url, admin, forecast):
    asked = httpx2.options(url + ITEMS, headers={"Origin": PLANNING} | WISH)
    assert asked.status_code == 405
    assert fields(asked) == fields(admin.get(ITEMS, headers={"Origin": PLANNING})) == set()
