"""What one area holds does not exist in another: every route that names a thing, with a name that is there."""

import re

import pytest

from services.gateway.access import AREA, OPERATIONS
from tests.api.calls import NOBODY, SAMPLES
from tests.api.target import Target

ONE_CELL = {"item": "A", "location": "L1"}
PARAMETERS = {"explanation": ONE_CELL, "pegging": ONE_CELL}
SAMPLES_BY_SHAPE = {re.sub(r"{\w+}", "{}", call): sample for call, sample in SAMPLES.items()}
NOT_THERE = {"training-runs", "models", "datasets", "reason-codes"}  # the area of this test has trained nothing
PLACED = [
    operation
    for operation in OPERATIONS
    if re.match(rf"{re.escape(AREA)}/.*{{", operation.path)
    and operation.path.split("/")[4] not in NOT_THERE
    and not (operation.method == "PUT" and operation.path.endswith("}"))  # each area has names of its own
    and not operation.path.endswith(":simulate")  # of a policy that need not be stored
]


@pytest.fixture(scope="module")
def full(accord):
    """An area with things in it, and the name of one by the path of its collection."""
    target = Target(accord)
    erp, planner, approver = (target.area.as_(role) for role in ("integrator", "planner", "approver"))

    def sample(call):
        return {"json": target.filled(SAMPLES[call].body), "headers": SAMPLES[call].headers}

    made = {
        "adjustments": planner.post("/adjustments", **sample("POST /adjustments")),
        "webhook-endpoints": erp.post("/webhook-endpoints", **sample("POST /webhook-endpoints")),
        "imports": erp.put("/items", params={"validate_only": "true"}, json=[{"item": "A"}]),
        "supply/imports": erp.post("/inventory", params={"validate_only": "true"}, json=[]),
        "planning-cycles": planner.put("/planning-cycles/march", **sample("PUT /planning-cycles/{cycle}")),
        "scenarios": planner.put("/scenarios/flu", **sample("PUT /scenarios/{scenario}")),
        "auto-accept-policies": approver.put(
            "/auto-accept-policies/small", **sample("PUT /auto-accept-policies/{policy}")
        ),
        "comments": planner.post("/comments", **sample("POST /comments")),
    }
    assert {answer.status_code for answer in made.values()} <= {200, 201, 202}, [each.text for each in made.values()]
    names = {"planning-cycles": "march", "scenarios": "flu", "auto-accept-policies": "small", "drivers": "price"}
    names = {each: made[each].json()["id"] for each in made if each not in names} | names
    for each in ("plans", "forecasts", "recommendations"):
        names[each] = planner.get(f"/{each}").json()["items"][0]["id"]
    return target, names


def send(accord, operation, area, name):
    """The call with a body that holds, so that nothing but the name can be wrong."""
    path = re.sub(r"{\w+}", name, within(operation))
    sample = SAMPLES_BY_SHAPE.get(f"{operation.method} {re.sub(r'{\w+}', '{}', within(operation))}")
    body = {"json": sample.body} if sample else {}
    version = sample.headers.get("If-Match", "{etag}") if sample else "{etag}"
    headers = {"If-Match": version.replace("{etag}", '"1"')}
    parameters = PARAMETERS.get(path.rpartition("/")[2], {})
    return accord.admin.request(operation.method, f"/v1/areas/{area}{path}", params=parameters, headers=headers, **body)


def within(operation):
    return operation.path.removeprefix(AREA)


@pytest.mark.parametrize("operation", PLACED, ids=lambda each: f"{each.method} {within(each)}")
def test_what_one_area_holds_does_not_exist_in_another(accord, area, full, operation):
    target, names = full
    name = names[within(operation)[1:].partition("/{")[0]]
    hidden = send(accord, operation, area.name, name)
    assert hidden.status_code == 404, hidden.text
    absent = send(accord, operation, area.name, NOBODY)
    assert (absent.status_code, absent.json()["detail"]) == (404, hidden.json()["detail"])
    if operation.method == "GET":
        there = send(accord, operation, target.area.name, name)
        assert there.status_code in {200, 204, 409}, there.text
