"""Who may call what: the one table. What is not in it does not exist (404).

Paths are templates below `/v1`. Roles count in the area of the path; a role granted in `*` counts in every area.
Outside areas only roles in `*` count. `admin` may call everything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "planner", "approver", "integrator", "mlops", "auditor", "admin", "service"]
Roles = frozenset[Role]
EVERYWHERE = "*"
AREA = "/v1/areas/{area}"


@dataclass(frozen=True)
class Operation:
    """One method on one path. service: who answers it, None for the gateway itself.

    roles: any of them suffices; None where every authenticated caller may.
    """

    method: str
    path: str
    persona: str
    service: str | None
    roles: Roles | None


def _may(*roles: Role) -> Roles:
    return frozenset({*roles, "admin"})


ANYONE = None
READ: Roles = frozenset(get_args(Role))
ADMIN = _may()
ERP = _may("integrator")
SUPPLY = _may("integrator", "planner")
PLANNER = _may("planner")
DECIDER = _may("planner", "approver")
APPROVER = _may("approver")
FORECASTER = _may("planner", "mlops")
FORECASTS = _may("planner", "mlops", "service")  # planner's jobs make the what-ifs of scenarios
MLOPS = _may("mlops")
OUTSIDE = _may("planner", "mlops", "integrator")
SERVICE = _may("service")
COMMENTER = _may("planner", "approver", "mlops", "integrator", "auditor", "viewer")
LOG = _may("planner", "auditor")

_Row = tuple[str, str, Roles | None]

_GATEWAY: dict[str, list[_Row]] = {
    "Areas": [
        ("GET", "/v1/areas", ANYONE),
        ("POST", "/v1/areas", ADMIN),
        ("GET", AREA, READ),
        ("PATCH", AREA, ADMIN),
    ],
    "Access": [
        ("GET", "/v1/me", ANYONE),
        ("GET", "/v1/principals", ADMIN),
        ("POST", "/v1/principals", ADMIN),
        ("GET", "/v1/principals/{principal}", ADMIN),
        ("PUT", "/v1/principals/{principal}/roles", ADMIN),
        ("GET", "/v1/api-keys", ADMIN),
        ("POST", "/v1/api-keys", ADMIN),
        ("DELETE", "/v1/api-keys/{key}", ADMIN),
    ],
    "Events": [
        ("GET", f"{AREA}/events", READ),
        ("POST", f"{AREA}/events", SERVICE),
        ("GET", f"{AREA}/webhook-endpoints", ERP),
        ("POST", f"{AREA}/webhook-endpoints", ERP),
        ("DELETE", f"{AREA}/webhook-endpoints/{{endpoint}}", ERP),
        ("GET", f"{AREA}/webhook-endpoints/{{endpoint}}/deliveries", ERP),
        ("POST", f"{AREA}/webhook-endpoints/{{endpoint}}/tests", ERP),
        ("POST", f"{AREA}/webhook-endpoints/{{endpoint}}/replays", ERP),
    ],
    "Recommendations and decisions": [
        ("GET", f"{AREA}/decisions/checkpoint", LOG),
        ("POST", f"{AREA}/decisions:verify", LOG),
    ],
}

_FORECAST: dict[str, list[_Row]] = {
    "Master data and demand": [
        ("GET", "items", READ),
        ("PUT", "items", ERP),
        ("DELETE", "items", ERP),
        ("GET", "locations", READ),
        ("PUT", "locations", ERP),
        ("DELETE", "locations", ERP),
        ("GET", "demand", READ),
        ("POST", "demand", ERP),
        ("GET", "drivers", READ),
        ("GET", "drivers/{driver}", READ),
        ("PUT", "drivers/{driver}", SUPPLY),
        ("GET", "drivers/{driver}/values", READ),
        ("POST", "drivers/{driver}/values", SUPPLY),
        ("GET", "imports", READ),
        ("GET", "imports/{import}", READ),
        ("GET", "imports/{import}/events", READ),
        ("GET", "imports/{import}/rejects", READ),
        ("POST", "imports/{import}/cancel", SUPPLY),
    ],
    "Models": [
        ("GET", "training-runs", READ),
        ("POST", "training-runs", MLOPS),
        ("GET", "training-runs/{run}", READ),
        ("GET", "training-runs/{run}/events", READ),
        ("POST", "training-runs/{run}/cancel", MLOPS),
        ("GET", "training-schedule", READ),
        ("PUT", "training-schedule", MLOPS),
        ("GET", "models/versions", READ),
        ("GET", "models/versions/{version}", READ),
        ("GET", "models/versions/{version}/card", READ),
        ("GET", "models/champion", READ),
        ("GET", "models/challenger", READ),
        ("PUT", "models/challenger", MLOPS),
        ("GET", "models/comparison", READ),
        ("GET", "models/promotions", READ),
        ("POST", "models/promotions", MLOPS),
        ("POST", "models/rollbacks", MLOPS),
        ("GET", "models/versions/{version}/approvals", READ),
        ("POST", "models/versions/{version}/approvals", APPROVER),
        ("GET", "models/promotion-rules", READ),
        ("PUT", "models/promotion-rules", APPROVER),
        ("GET", "datasets", READ),
        ("GET", "datasets/{digest}", READ),
        ("GET", "datasets/{digest}/tables/{table}", READ),
    ],
    "Forecasts": [
        ("GET", "forecasts", READ),
        ("POST", "forecasts", FORECASTS),
        ("GET", "forecasts/{forecast}", READ),
        ("GET", "forecasts/{forecast}/events", READ),
        ("POST", "forecasts/{forecast}/cancel", FORECASTER),
        ("GET", "forecasts/{forecast}/values", READ),
        ("GET", "forecasts/{forecast}/explanation", READ),
        ("GET", "forecasts/{forecast}/explanations", READ),
        ("POST", "external-forecasts", OUTSIDE),
        ("GET", "waterfall", READ),
        ("GET", "adjustments", READ),
        ("POST", "adjustments", PLANNER),
        ("DELETE", "adjustments/{adjustment}", PLANNER),
        ("GET", "accuracy", READ),
        ("GET", "drift", READ),
    ],
}

_PLANNER: dict[str, list[_Row]] = {
    "Supply": [
        ("GET", "inventory", READ),
        ("POST", "inventory", ERP),
        ("GET", "scheduled-receipts", READ),
        ("POST", "scheduled-receipts", ERP),
        ("DELETE", "scheduled-receipts", ERP),
        ("GET", "open-orders", READ),
        ("POST", "open-orders", ERP),
        ("DELETE", "open-orders", ERP),
        ("GET", "supply/sourcing-rules", READ),
        ("PUT", "supply/sourcing-rules", SUPPLY),
        ("DELETE", "supply/sourcing-rules", SUPPLY),
        ("GET", "supply/processes", READ),
        ("PUT", "supply/processes", SUPPLY),
        ("DELETE", "supply/processes", SUPPLY),
        ("GET", "supply/process-components", READ),
        ("PUT", "supply/process-components", SUPPLY),
        ("DELETE", "supply/process-components", SUPPLY),
        ("GET", "supply/process-loads", READ),
        ("PUT", "supply/process-loads", SUPPLY),
        ("DELETE", "supply/process-loads", SUPPLY),
        ("GET", "supply/resources", READ),
        ("PUT", "supply/resources", SUPPLY),
        ("DELETE", "supply/resources", SUPPLY),
        ("GET", "supply/resource-capacity", READ),
        ("PUT", "supply/resource-capacity", SUPPLY),
        ("DELETE", "supply/resource-capacity", SUPPLY),
        ("GET", "supply/planning-policies", READ),
        ("PUT", "supply/planning-policies", SUPPLY),
        ("GET", "supply/imports", READ),
        ("GET", "supply/imports/{import}", READ),
        ("GET", "supply/imports/{import}/events", READ),
        ("GET", "supply/imports/{import}/rejects", READ),
        ("POST", "supply/imports/{import}/cancel", SUPPLY),
    ],
    "Plans": [
        ("GET", "plans", READ),
        ("POST", "plans", PLANNER),
        ("GET", "plans/{plan}", READ),
        ("GET", "plans/{plan}/events", READ),
        ("POST", "plans/{plan}/cancel", PLANNER),
        ("GET", "plans/{plan}/lines", READ),
        ("GET", "plans/{plan}/exceptions", READ),
        ("GET", "plans/{plan}/pegging", READ),
        ("GET", "plans/{plan}/resources", READ),
        ("GET", "plans/{plan}/recommendations", READ),
        ("GET", "plans/{plan}/orders", SUPPLY),
        ("GET", "kpis", READ),
    ],
    "Scenarios": [
        ("GET", "scenarios", READ),
        ("GET", "scenarios/compare", READ),
        ("GET", "scenarios/base", READ),
        ("POST", "scenarios/base/rollbacks", PLANNER),
        ("GET", "scenarios/{scenario}", READ),
        ("PUT", "scenarios/{scenario}", PLANNER),
        ("DELETE", "scenarios/{scenario}", PLANNER),
        ("POST", "scenarios/{scenario}/promotions", PLANNER),
    ],
    "Planning cycles": [
        ("GET", "planning-cycles", READ),
        ("GET", "planning-cycles/{cycle}", READ),
        ("PUT", "planning-cycles/{cycle}", DECIDER),
        ("POST", "planning-cycles/{cycle}/steps", DECIDER),
        ("GET", "comments", READ),
        ("POST", "comments", COMMENTER),
        ("POST", "comments/{comment}/resolutions", COMMENTER),
    ],
    "Recommendations and decisions": [
        ("GET", "recommendations", READ),
        ("POST", "recommendations", SERVICE),
        ("GET", "recommendations/{recommendation}", READ),
        ("POST", "recommendations/{recommendation}/decisions", DECIDER),
        ("POST", "recommendations:decide", DECIDER),
        ("POST", "recommendations/{recommendation}/approvals", APPROVER),
        ("POST", "recommendations/{recommendation}/execution", ERP),
        ("GET", "decisions", LOG),
        ("GET", "decisions/outcomes", READ),
        ("GET", "outcomes", READ),
        ("GET", "orders", SUPPLY),
        ("GET", "reason-codes", READ),
        ("PUT", "reason-codes/{code}", ADMIN),
        ("GET", "automation", READ),
        ("PUT", "automation", ADMIN),
        ("GET", "auto-accept-policies", READ),
        ("GET", "auto-accept-policies/{policy}", READ),
        ("PUT", "auto-accept-policies/{policy}", APPROVER),
        ("POST", "auto-accept-policies/{policy}:simulate", DECIDER),
        ("GET", "approval-rules", READ),
        ("PUT", "approval-rules", ADMIN),
    ],
}


def _operations() -> Iterator[Operation]:
    for persona, rows in _GATEWAY.items():
        for method, path, roles in rows:
            yield Operation(method, path, persona, None, roles)
    for service, sections in (("forecast", _FORECAST), ("planner", _PLANNER)):
        for persona, rows in sections.items():
            for method, path, roles in rows:
                yield Operation(method, f"{AREA}/{path}", persona, service, roles)


OPERATIONS = tuple(_operations())
