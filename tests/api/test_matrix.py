"""Every route x every role x (own area, other area, no key, expired key): as the one table says."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from services.embedded import postgres
from services.embedded.directory import DataDirectory
from services.gateway.access import OPERATIONS
from tests.api.calls import CONTRACT, NOBODY
from tests.factories import client

ROLES = ("viewer", "planner", "approver", "integrator", "mlops", "auditor", "admin", "service")
SITUATIONS = ("own area", "other area", "everywhere", "no key", "expired key")
ABSENT = {"version": "999", "driver": "none", "key": "none"}
AT_ONCE = 6


class Matrix:
    """A client for each role and situation, and what each of their calls was answered."""

    def __init__(self, accord):
        self.own, self.other = accord.area().name, accord.area().name
        self.everybody = client(accord.url, None)
        self.keys = {}
        for role in ROLES:
            self.keys[role, "own area"] = self.keys[role, "other area"] = accord.key((self.own, role))
            self.keys[role, "everywhere"] = accord.key(("*", role))
            self.keys[role, "expired key"] = accord.key((self.own, role), ("*", role))
            self.keys[role, "no key"] = None
        expire(accord, [self.keys[role, "expired key"] for role in ROLES])

    def call(self, operation, role, situation) -> httpx2.Response:
        """A call that can be refused for its content, but changes nothing: no body, and ids that do not exist."""
        area = self.other if situation == "other area" else self.own
        path = re.sub(r"\{(\w+)\}", lambda found: (ABSENT | {"area": area}).get(found[1], NOBODY), operation.path)
        key = self.keys[role, situation]
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return self.everybody.request(operation.method, path, headers=headers)


def expire(accord, keys):
    directory = DataDirectory(accord.data_dir)
    ended = "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = ANY(%s)"
    with postgres.reachable(postgres.sockets(directory.postgres)) as place:
        server = postgres.login(place, directory.credentials)
        with server.connect("gateway", "owner") as connection:
            assert connection.execute(ended, [[key.split("_")[2] for key in keys]]).rowcount == len(keys)


def expected(operation, role, situation) -> str:
    """What the table says: `in`, or the slug of the refusal."""
    in_area = "{area}" in operation.path
    if situation in {"no key", "expired key"}:
        return "unauthorized"
    if situation == "other area" and in_area:
        return "unknown-area"
    if operation.roles is None or (role in operation.roles and (in_area or situation == "everywhere")):
        return "in"
    return "forbidden"


def outcome(answer) -> str:
    refusals = {401: "unauthorized", 403: "forbidden", 404: "unknown-area"}
    slug = answer.json()["type"].removeprefix("/docs/errors#") if answer.status_code in refusals else None
    return slug if slug == refusals.get(answer.status_code) and slug else "in"


@pytest.fixture(scope="module")
def matrix(accord):
    return Matrix(accord)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_route_answers_every_role_as_the_table_says(matrix, situation):
    cells = list(itertools.product(OPERATIONS, ROLES))

    def judged(cell):
        answer = matrix.call(*cell, situation)
        wrong = outcome(answer) != expected(*cell, situation) or answer.status_code >= 500
        if answer.status_code == 401:
            wrong |= answer.headers.get("www-authenticate") != "Bearer"
        operation, role = cell
        return [(operation.method, operation.path, role, answer.status_code, answer.text[:200])] if wrong else []

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert [wrong for found in pool.map(judged, cells) for wrong in found] == []


def test_the_contract_names_the_roles_of_every_route():
    told = {
        (method.upper(), path): frozenset(operation["x-accord-roles"]) if "x-accord-roles" in operation else None
        for path, methods in CONTRACT["paths"].items()
        for method, operation in methods.items()
    }
    shape = re.compile(r"\{\w+\}")
    assert {(method, shape.sub("{}", path)): roles for (method, path), roles in told.items()} == {
        (each.method, shape.sub("{}", each.path)): each.roles for each in OPERATIONS
    }
