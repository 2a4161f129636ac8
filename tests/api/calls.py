"""Every call that writes, as the merged contract has it, each with a body that holds and what that is answered."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.factories import week

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads((ROOT / "openapi" / "accord.json").read_text())
WRITES = ("post", "put", "patch", "delete")
JSON = "application/json"
AREA = "/v1/areas/{area}"
INSTANT = "2026-03-02T08:00:00Z"
NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Call:
    """One operation. `names` are those of the placeholders in its path; `schema` that of one object of its body.

    `nothing` are the bodies that say no more than none does, where it can go without.
    """

    method: str
    path: str
    statuses: frozenset[int]
    media: tuple[str, ...]
    schema: dict[str, Any] | None
    nothing: tuple[bytes, ...] = ()

    @property
    def is_table(self) -> bool:
        return len(self.media) > 1

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(AREA)}"


@dataclass(frozen=True)
class Sample:
    """A body that holds, what the call says beside it, and the status when it is sent after all the bad ones."""

    body: dict[str, Any]
    status: int = 200
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def resolved(schema: Any) -> Any:
    """The schema with what it refers to in its place."""
    if isinstance(schema, list):
        return [resolved(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolved(CONTRACT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return {name: resolved(one) for name, one in schema.items()}


def _call(method: str, path: str, operation: dict[str, Any]) -> Call:
    content = operation.get("requestBody", {}).get("content", {})
    schema = resolved(content[JSON]["schema"]) if content else None
    if len(content) > 1:  # a list of rows, or one row
        schema = schema["anyOf"][1]
    statuses = frozenset(map(int, operation["responses"]))
    if content and not operation["requestBody"].get("required"):
        return Call(method.upper(), path, statuses, tuple(content), schema["anyOf"][0], (b"", b"null"))
    return Call(method.upper(), path, statuses, tuple(content), schema)


CALLS = [
    _call(method, path, operation)
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
    if method in WRITES
]
HERE = {"item": "A", "location": "L1"}
DEAD = {"driver": "price", "since": week(10), "still": 9}
SAMPLES = {
    "POST /v1/areas": Sample({"area": "{area}-b", "frequency": "M", "currency": "EUR", "time_zone": "UTC"}, 201),
    "PATCH ": Sample({"horizon": 9, "holding_rate": "0.30"}, headers={"If-Match": "{etag}"}),
    "POST /v1/principals": Sample({"name": "{area}-p", "kind": "system", "roles": []}, 201),
    "PUT /v1/principals/{principal}/roles": Sample({"roles": [{"area": "{area}", "role": "viewer"}]}),
    "POST /v1/api-keys": Sample({"principal": "{principal}", "label": "l", "expires_in_days": 1}, 201),
    "PUT /items": Sample({"item": "good", "unit_cost": "1.00", "shelf_life_days": 3, "uom": "box", "category": "c"}),
    "PUT /locations": Sample({"location": "good", "kind": "dc", "region": "r", "description": "d"}),
    "POST /demand": Sample(HERE | {"period": week(10), "quantity": 5, "in_stock": True}),
    "PUT /drivers/{driver}": Sample(
        {"kind": "price", "known_ahead": True, "scope": "item-location", "description": "d"}
    ),
    "POST /drivers/{driver}/values": Sample(HERE | {"period": week(10), "value": 5}),
    "POST /external-forecasts": Sample(HERE | {"period": week(31), "mean": 5}, 201, {"name": "after"}),
    "POST /inventory": Sample(HERE | {"as_of": week(10), "on_hand": 5, "reserved": 1}),
    "POST /scheduled-receipts": Sample(HERE | {"reference": "PO-7", "due": week(10), "quantity": 5}),
    "POST /open-orders": Sample(HERE | {"reference": "SO-7", "due": week(10), "quantity": 5, "customer": "c"}),
    "PUT /supply/processes": Sample(HERE | {"process": "P", "yield_rate": 0.5}),
    "PUT /supply/process-components": Sample({"process": "P", "component": "B", "quantity_per": 2, "uom": "kg"}),
    "PUT /supply/process-loads": Sample({"process": "P", "resource": "R", "hours_per_unit": 0.5, "setup_hours": 2}),
    "PUT /supply/resources": Sample({"resource": "R", "hours": 40, "overtime_cost": "7.50"}),
    "PUT /supply/resource-capacity": Sample({"resource": "R", "day": week(10), "hours": 20}),
    "PUT /supply/sourcing-rules": Sample(
        {"item": "A", "location": "L2", "mode": "buy", "source": "S", "lead_time": 1, "unit_cost": "1.00", "split": 0.5}
    ),
    "PUT /supply/planning-policies": Sample(HERE | {"service_level": 0.9, "review_period": 2}),
    "POST /training-runs": Sample({"reason": "r", "parameters": {"origins": 3, "seed": 1}}, 202),
    "POST /models/promotions": Sample({"version": 1, "reason": "r"}, 422, headers={"If-Match": '"0"'}),
    "PUT /models/challenger": Sample({"version": None, "reason": "r"}, headers={"If-Match": '"0"'}),
    "POST /models/rollbacks": Sample({"reason": "r"}, 409, headers={"If-Match": '"0"'}),
    "POST /models/versions/{version}/approvals": Sample({"action": "approve", "reason": "r", "overrides": []}, 404),
    "PUT /models/promotion-rules": Sample(
        {"approval_required": False, "most_bias": 0.5, "oldest_data_days": 99}, headers={"If-Match": '"0"'}
    ),
    "PUT /training-schedule": Sample(
        {"every_periods": 4, "new_actuals": 8, "on_drift": True, "distance_days": 30}, headers={"If-Match": '"0"'}
    ),
    "POST /recommendations": Sample(
        {
            "recommendations": [{"origins": ["o"], "type": "review_forecast", "dead_driver": DEAD}],
            "withdrawn": ["p"],
        }
    ),
    "POST /events": Sample(
        {"events": [{"id": NOBODY, "type": "t", "source": "planner", "subject": "s", "at": INSTANT, "data": {}}]}, 204
    ),
    "POST /webhook-endpoints": Sample({"url": "https://erp.example/", "types": ["plans.succeeded"], "after": 0}, 201),
    "POST /webhook-endpoints/{endpoint}/replays": Sample({"after": 0}, 404),
    "PUT /planning-cycles/{cycle}": Sample({"description": "d", "due": week(40)}, headers={"If-Match": '"0"'}),
    "POST /planning-cycles/{cycle}/steps": Sample({"action": "advance", "note": "n"}, 201, headers={"If-Match": '"1"'}),
    "POST /comments": Sample({"about": "cycle", "subject": "march", "text": "t", "assignee": "a"}, 201),
    "POST /adjustments": Sample({"action": "scale", "value": 2, "item": "A", "reason_code": "PROMOTION"}, 201),
    "POST /forecasts": Sample({"horizon": 4, "origin": week(10)}, 409),
    "POST /plans": Sample({"horizon": 4, "net_change": False}, 202),
    "PUT /scenarios/{scenario}": Sample({"description": "d", "deltas": [{"kind": "demand", "item": "A", "scale": 2}]}),
    "POST /scenarios/{scenario}/promotions": Sample({"version": 1, "reason": "r"}, 201, headers={"If-Match": '"0"'}),
    "POST /scenarios/base/rollbacks": Sample({"reason": "r"}, 409, headers={"If-Match": '"0"'}),
    "POST /recommendations/{recommendation}/decisions": Sample(
        {"action": "override", "quantity": 5, "due": week(40), "reason_code": "OTHER", "note": "n"},
        201,
        headers={"If-Match": "{etag}"},
    ),
    "POST /recommendations:decide": Sample(
        {"decisions": [{"recommendation": "{recommendation}", "action": "annotate", "note": "n"}]}, 201
    ),
    "POST /recommendations/{recommendation}/approvals": Sample(
        {"action": "refuse", "note": "n"}, 409, headers={"If-Match": "{etag}"}
    ),
    "POST /recommendations/{recommendation}/execution": Sample(
        {"reference": "PO-9", "status": "released", "quantity": 5, "due": week(40), "note": "n"}
    ),
    "PUT /reason-codes/{code}": Sample(
        {"meaning": "m", "note_required": False, "active_from": week(0), "active_until": week(400)},
        headers={"If-Match": '"0"'},
    ),
    "PUT /automation": Sample({"enabled": False, "review_limit": 100}, headers={"If-Match": '"0"'}),
    "PUT /auto-accept-policies/{policy}": Sample(
        {"action": "auto", "order": 5, "types": ["buy"], "order_value_at_most": "99.00", "sample": 0.1},
        headers={"If-Match": '"0"'},
    ),
    "POST /auto-accept-policies/{policy}:simulate": Sample({"action": "auto", "change_at_most": 0.2}),
    "PUT /approval-rules": Sample(
        {"order_value_above": "1000000.00", "cost_increase_above": "1000000.00", "frozen_fence": 1},
        headers={"If-Match": '"0"'},
    ),
}
