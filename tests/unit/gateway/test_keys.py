import datetime
import re
import time

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.gateway.access import OPERATIONS
from services.gateway.app import create_app
from services.gateway.keys.credential import Credential
from tests.unit.gateway.conftest import ADMIN, caller, listening, problem

ITEMS = "/v1/areas/north/items"


def test_me(url, admin, key_of):
    me = admin.get("/v1/me").json()
    assert (me["name"], me["on_behalf_of"], me["roles"]) == ("administrator", None, [{"area": "*", "role": "admin"}])
    with caller(url, key_of(("north", "planner"), ("*", "auditor"))) as client:
        roles = client.get("/v1/me").json()["roles"]
        assert roles == [{"area": "*", "role": "auditor"}, {"area": "north", "role": "planner"}]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        f"Basic {ADMIN.text}",
        f"Bearer {Credential('local', ADMIN.id, 'B' * 43).text}",
        f"Bearer {Credential('production', ADMIN.id, ADMIN.secret).text}",
        f"Bearer {Credential('local', 'b' * 12, ADMIN.secret).text}",
        f"Bearer {ADMIN.text}x",
    ],
)
def test_nobody_comes_in_without_a_key_that_holds(url, admin, forecast, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    with caller(url, None, **headers) as client:
        for path in (ITEMS, "/v1/me", "/v1/areas/nowhere"):
            response = client.get(path)
            assert problem(response) == (401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
    assert forecast.seen == []


def test_two_keys_at_once_are_none(url, admin):
    with caller(url, None) as client:
        twice = [("Authorization", f"Bearer {ADMIN.text}")] * 2
        assert problem(client.get("/v1/me", headers=twice)) == (400, "bad-request")


def test_a_key_is_shown_once_and_its_secret_is_not_stored(admin, server, key_of):
    key = Credential.parse(key_of(("north", "viewer"), label="the scanner"))
    listed = admin.get("/v1/api-keys", params={"limit": 1000}).json()["items"]
    mine = next(each for each in listed if each["id"] == key.id)
    assert mine["label"] == "the scanner"
    assert "key" not in mine
    with server.connect("gateway") as connection:
        row = connection.execute("SELECT k::text FROM api_keys k WHERE id = %s", [key.id]).fetchone()[0]
    assert key.secret not in row
    assert key.hash().hex() in row


def test_a_revoked_key_is_refused_at_once(url, admin, key_of):
    key = key_of(("north", "viewer"))
    with caller(url, key) as client:
        assert client.get(ITEMS).status_code == 200
        assert admin.delete(f"/v1/api-keys/{Credential.parse(key).id}").status_code == 204
        assert problem(client.get(ITEMS)) == (401, "unauthorized")
    assert admin.delete(f"/v1/api-keys/{Credential.parse(key).id}").status_code == 204
    assert problem(admin.delete("/v1/api-keys/nokey")) == (404, "not-found")


def test_an_expired_key_is_refused(url, server, key_of, settings):
    key = key_of(("north", "viewer"), expires_in_days=1)
    with server.connect("gateway", "owner") as connection:
        past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
        connection.execute("UPDATE api_keys SET expires_at = %s WHERE id = %s", [past, Credential.parse(key).id])
    with caller(url, key) as client:
        assert problem(client.get(ITEMS)) == (401, "unauthorized")


def test_another_process_learns_of_it_within_the_time_that_is_promised(settings, url, admin, key_of):
    key = key_of(("north", "viewer"))
    other = create_app(settings.model_copy(update={"cache_seconds": 0.3}))
    with listening(other) as at, caller(at, key) as client:
        assert client.get(ITEMS).status_code == 200
        admin.delete(f"/v1/api-keys/{Credential.parse(key).id}")
        time.sleep(0.35)
        assert problem(client.get(ITEMS)) == (401, "unauthorized")


def test_a_warm_call_asks_the_database_nothing(settings, admin, forecast):
    with listening(create_app(settings)) as at, caller(at, ADMIN.text) as client:
        assert client.get(ITEMS).status_code == 200
        before = transactions(settings)
        for _ in range(20):
            assert client.get(ITEMS).status_code == 200
        assert len(forecast.seen) == 21
        assert transactions(settings) - before < 5  # counting is a transaction, and statistics come late


def transactions(settings):
    url = settings.database_url.replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        time.sleep(0.1)
        connection.execute("SELECT pg_stat_clear_snapshot()")
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        return connection.execute(query).fetchone()[0]


def test_a_key_with_delegate_speaks_for_a_person(url, admin, forecast, key_of):
    with caller(url, key_of(("north", "planner"), delegate=True), **{"On-Behalf-Of": "person-7"}) as client:
        assert client.get(ITEMS).status_code == 200
        assert forecast.identity.on_behalf_of == "person-7"
        assert forecast.identity.actor == "person-7"
        assert "on-behalf-of" not in forecast.headers
        assert client.get("/v1/me").json()["on_behalf_of"] == "person-7"


def test_other_keys_speak_for_nobody(url, admin, forecast, key_of):
    with caller(url, key_of(("north", "planner")), **{"On-Behalf-Of": "person-7"}) as client:
        assert problem(client.get(ITEMS)) == (403, "forbidden")
        assert problem(client.get("/v1/me")) == (403, "forbidden")
    assert forecast.seen == []


@pytest.mark.parametrize("person", ["", "a b", "x" * 129, "somebody@example.org", "../x", "-"])
def test_persons_are_opaque_ids(url, admin, forecast, key_of, person):
    with caller(url, key_of(("north", "planner"), delegate=True), **{"On-Behalf-Of": person}) as client:
        assert problem(client.get(ITEMS)) == (400, "bad-request")
    assert forecast.seen == []


def test_a_role_everywhere_counts_in_each_area(url, forecast, key_of):
    with caller(url, key_of(("*", "viewer"), ("north", "planner"))) as client:
        assert client.get(ITEMS).status_code == 200
        assert forecast.identity.roles == {"viewer", "planner"}
        assert problem(client.get("/v1/areas/nowhere/items")) == (404, "unknown-area")


def test_where_there_is_no_role_there_is_no_area(url, admin, forecast, key_of):
    admin.post("/v1/areas", json={"area": "south", "frequency": "M", "currency": "USD", "time_zone": "UTC"})
    with caller(url, key_of(("south", "planner"))) as client:
        hidden, absent = client.get(ITEMS), client.get("/v1/areas/nowhere/items")
        assert problem(hidden) == problem(absent) == (404, "unknown-area")
        assert hidden.json()["detail"] == absent.json()["detail"]
        assert problem(client.put("/v1/areas/south/items", json=[])) == (403, "forbidden")
    assert forecast.seen == []


def test_methods_that_a_path_does_not_have(admin):
    response = admin.patch(ITEMS)
    assert problem(response) == (405, "method-not-allowed")
    assert response.headers["allow"] == "DELETE, GET, PUT"
    assert admin.post("/v1/me").headers["allow"] == "GET"


def test_roles_are_replaced_as_a_whole(url, admin, key_of):
    key = key_of(("north", "viewer"), ("north", "planner"))
    with caller(url, key) as client:
        principal = client.get("/v1/me").json()["id"]
        at = f"/v1/principals/{principal}"
        roles = [{"area": "*", "role": "auditor"}]
        assert admin.put(f"{at}/roles", json={"roles": roles}).json()["roles"] == roles
        assert admin.get(at).json()["roles"] == roles
        assert client.get("/v1/me").json()["roles"] == roles


@pytest.mark.parametrize(
    "role",
    [{"area": "nowhere", "role": "viewer"}, {"area": "north", "role": "king"}, {"area": "**", "role": "viewer"}, {}],
)
def test_roles_that_cannot_be_given(admin, role):
    name = f"nobody-{time.time_ns()}"
    body = {"name": name, "kind": "person", "roles": [{"area": "north", "role": "viewer"}, role]}
    response = admin.post("/v1/principals", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"].startswith("#/roles/1")
    listed = admin.get("/v1/principals", params={"limit": 1000}).json()["items"]
    assert name not in {each["name"] for each in listed}


def test_a_principal_is_made_once(admin):
    body = {"name": f"erp-{time.time_ns()}", "kind": "system"}
    made = admin.post("/v1/principals", json=body)
    assert made.status_code == 201
    assert admin.get(made.headers["location"]).json() == made.json()
    assert problem(admin.post("/v1/principals", json=body)) == (409, "principal-exists")


def test_a_key_is_for_somebody(admin):
    response = admin.post("/v1/api-keys", json={"principal": "01a2093d-689e-735a-99e3-2e322dce1295"})
    assert problem(response) == (422, "unknown-reference")
    assert response.json()["errors"][0]["pointer"] == "#/principal"


def test_another_key_in_the_environment_ends_the_one_before(settings, admin, key_of):
    before = Credential.draw("local")
    after = Credential.draw("local")
    old = settings.model_copy(update={"planner_service_key": type(settings.planner_service_key)(before.text)})
    new = settings.model_copy(update={"planner_service_key": type(settings.planner_service_key)(after.text)})
    with listening(create_app(old)) as at, caller(at, before.text) as client:
        assert client.get("/v1/me").json()["name"] == "planner service"
    with listening(create_app(new)) as at:
        with caller(at, before.text) as client:
            assert problem(client.get("/v1/me")) == (401, "unauthorized")
        with caller(at, after.text) as client:
            assert client.get("/v1/me").json()["roles"] == [{"area": "*", "role": "service"}]


@pytest.mark.parametrize("end", ["%0a", "%0A", "/", "%2f", "%20", ";x", "?limit=1%0a"])
def test_a_path_that_is_almost_an_operation_lets_nobody_in(url, admin, end):
    body = {"principal": admin.get("/v1/me").json()["id"]}
    keys = len(admin.get("/v1/api-keys", params={"limit": 1000}).json()["items"])
    with caller(url, None) as client:
        for method, path in (
            ("GET", "/v1/api-keys"),
            ("POST", "/v1/api-keys"),
            ("GET", "/v1/me"),
            ("GET", "/v1/areas"),
        ):
            answer = client.request(method, path + end, json=body)
            assert problem(answer) in {(404, "not-found"), (401, "unauthorized")}, path + end
    assert len(admin.get("/v1/api-keys", params={"limit": 1000}).json()["items"]) == keys


@pytest.mark.parametrize("spelling", ["urn:uuid:{}", "%7B{}%7D", "{}%0a", "%20{}"])
def test_another_spelling_of_an_id_lets_nobody_in(url, admin, spelling):
    path = f"/v1/principals/{spelling.format(admin.get('/v1/me').json()['id'])}"
    with caller(url, None) as client:
        assert problem(client.get(path)) == (404, "not-found")
        assert problem(client.put(f"{path}/roles", json={"roles": []})) == (404, "not-found")
    assert admin.get("/v1/me").json()["roles"] == [{"area": "*", "role": "admin"}]


def test_an_encoded_slash_separates_nothing(admin, forecast):
    for path in ("/v1/areas/north%2fitems", "/v1/areas%2Fnorth/items", "/v1%2fapi-keys"):
        assert problem(admin.get(path)) == (404, "not-found")
    assert forecast.seen == []


def test_no_operation_of_the_gateway_answers_a_call_that_nobody_admitted(settings):
    with TestClient(create_app(settings).app._inside, raise_server_exceptions=False) as inside:
        for operation in (each for each in OPERATIONS if not each.service):
            path = re.sub(r"\{\w+\}", "7" * 32, operation.path)
            assert inside.request(operation.method, path, json={}).status_code == 404, operation
