"""Every route, every role: as the gateway's one table says, and nothing else."""

import re
import uuid
from importlib import import_module

import httpx2
import jwt
import pytest
from fastapi.testclient import TestClient

from services.gateway.access import OPERATIONS
from shared.settings import UpstreamSettings
from tests.factories import client

ROLES = ("viewer", "planner", "approver", "integrator", "mlops", "auditor", "admin", "service")
IN_AREA = [operation for operation in OPERATIONS if "{area}" in operation.path]
IDS = ("run", "forecast", "plan", "recommendation", "digest", "table", "import", "code", "scenario", "adjustment")
IDS += ("policy", "endpoint", "cycle", "comment")
OUTSIDE = [operation for operation in OPERATIONS if "{area}" not in operation.path]


def name(operation):
    return f"{operation.method} {operation.path}"


def call(caller: httpx2.Client, operation, area="nowhere"):
    """A call that can be refused for its content, but changes nothing: no body, and ids that do not exist."""
    values = {"area": area, "version": 999, "driver": "none", "key": "none"}
    path = re.sub(r"\{(\w+)\}", lambda part: str(values.get(part[1], uuid.UUID(int=7))), operation.path)
    return caller.request(operation.method, path)


@pytest.fixture(scope="module")
def shared_area(accord):
    return accord.area()


@pytest.fixture(scope="module")
def callers(accord, shared_area):
    return {role: client(accord.url, accord.key((shared_area.name, role))) for role in ROLES}


@pytest.mark.parametrize("operation", IN_AREA, ids=name)
def test_a_role_may_exactly_what_the_table_says(shared_area, callers, operation):
    for role in ROLES:
        answer = call(callers[role], operation, shared_area.name)
        allowed = role in operation.roles
        assert (answer.status_code not in {401, 403}) == allowed, (role, answer.text)
        assert answer.status_code < 500, (role, answer.text)
        if not allowed:
            assert answer.json()["type"] == "/docs/errors#forbidden"


@pytest.mark.parametrize("operation", OPERATIONS, ids=name)
def test_nobody_may_anything_without_a_key(accord, operation):
    answer = call(client(accord.url, None), operation)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "/docs/errors#unauthorized"


@pytest.mark.parametrize("service", ["forecast", "planner"])
def test_a_service_answers_to_nobody_but_the_gateway(service):
    settings = UpstreamSettings(
        database_url="postgresql+psycopg://nobody@/none",
        identity_secret="s" * 32,
        gateway_url="http://gateway",
        service_key="k" * 32,
    )
    past_the_gateway = TestClient(import_module(f"services.{service}.app").create_app(settings))
    for operation in (each for each in IN_AREA if each.service == service):
        forged = jwt.encode({"sub": "x", "aud": service, "iat": 1, "exp": 9**10}, "w" * 32, "HS256")
        for headers in ({}, {"X-Accord-Identity": forged}, {"X-Accord-Identity": ""}):
            path = operation.path.format(area="a", driver="d", version=1, **dict.fromkeys(IDS, uuid.UUID(int=7)))
            answer = past_the_gateway.request(operation.method, path, headers=headers | {"If-Match": '"1"'}, json={})
            assert (answer.status_code, answer.json()["type"]) == (401, "/docs/errors#unauthorized"), operation


@pytest.mark.parametrize("operation", IN_AREA, ids=name)
def test_another_area_does_not_exist(accord, callers, operation):
    other = accord.area()
    assert call(callers["admin"], operation, other.name).status_code == 404
    assert call(callers["admin"], operation, "never-made").status_code == 404


@pytest.mark.parametrize("operation", OUTSIDE, ids=name)
def test_roles_in_one_area_are_no_roles_outside(callers, operation):
    answer = call(callers["admin"], operation)
    assert (answer.status_code == 403) == (operation.roles is not None)


@pytest.mark.parametrize(
    "key",
    [
        "nonsense",
        "accord_local_aaaaaaaaaaaa_" + "a" * 43,
        "accord_local_aaaaaaaaaaaa_" + "a" * 42,
    ],
)
def test_a_made_up_key_is_refused(accord, key):
    assert client(accord.url, key).get("/v1/areas").status_code == 401


def test_a_key_with_another_secret_is_refused(accord):
    key = accord.key()
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert client(accord.url, key).get("/v1/me").status_code == 200
    assert client(accord.url, wrong).get("/v1/me").status_code == 401


def test_a_revoked_key_is_refused(accord):
    key = accord.key()
    assert client(accord.url, key).get("/v1/me").status_code == 200
    assert accord.admin.delete(f"/v1/api-keys/{key.split('_')[2]}").status_code == 204
    assert client(accord.url, key).get("/v1/me").status_code == 401


def test_speaking_for_somebody_needs_a_key_that_may(area):
    headers = {"On-Behalf-Of": "person-7"}
    plain, delegate = area.as_("planner"), area.as_("viewer", delegate=True)
    assert plain.get("/items", headers=headers).status_code == 403
    assert delegate.get("/items", headers=headers).status_code == 200
    assert delegate.get("/items", headers={"On-Behalf-Of": "two words\tand more"}).status_code in {400, 422}


def test_an_unknown_path_is_no_path(area):
    for path in ("/nothing", "/items/7", "/items/", "//items", "/items/..%2f..", "/%2e%2e/items"):
        answer = area.as_("viewer").get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_another_method_is_named_as_such(area):
    answer = area.as_("viewer").request("PATCH", "/items")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "PUT", "DELETE"}


def test_a_made_up_identity_does_not_pass_the_gateway(area):
    forged = {"X-Accord-Identity": "eyJhbGciOiJub25lIn0.e30."}
    assert area.as_("viewer").get("/items", headers=forged).status_code == 200
    assert area.as_("viewer").put("/items", json=[], headers=forged).status_code == 403
