"""The public contract: one OpenAPI document of the gateway's own operations and those of the services behind it."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from services.gateway.access import OPERATIONS, Operation
from shared.errors import MEDIA_TYPE

DOCUMENTS = Path(__file__).parents[2] / "openapi"
PUBLISHED = DOCUMENTS / "accord.json"
DESCRIPTION = (
    "Probabilistic demand forecasts, plan recommendations, and a log of what people decided. "
    "Errors are RFC 9457 problems; lists have cursors; writes that could overwrite somebody's change take If-Match."
)
PERSONAS = {
    "Areas": "Planning areas: tenant and time profile. Every other resource lives in one.",
    "Access": "Principals, their roles by area, and their API keys.",
    "Events": "What happened: pulled, followed, or delivered to webhooks.",
    "Master data and demand": "What an ERP system knows: items, locations, demand, and drivers of demand.",
    "Models": "For MLOps staff: train, look, promote.",
    "Forecasts": "Quantiles of demand per item-location and period.",
    "Supply": "Stock, receipts under way, sourcing rules and planning policies.",
    "Plans": "Time-phased projections.",
    "Planning cycles": "Rounds of planning from demand review to publication, and what people say to each other.",
    "Scenarios": "What-ifs: named changes of demand and supply, planned, compared, and made the base.",
    "Recommendations and decisions": "What the plan proposes, what people decided, and what is to be released.",
}
SECURITY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, `accord_<environment>_<id>_<secret>`. A key with `delegate` may send `On-Behalf-Of`.",
}
FROM_GATEWAY = (408, 413, 502, 503, 504)  # where a service answers
FROM_LIMITS = (429,)  # everywhere
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}

type Document = Mapping[str, Any]
type Shape = tuple[str, str]


class ContractError(Exception):
    """The documents and the table of operations do not fit together."""


def read(service: str) -> dict[str, Any]:
    """The committed document of a service."""
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{service}.json").read_text())
    return document


def merged(documents: Mapping[str, Document], operations: Iterable[Operation] = OPERATIONS) -> dict[str, Any]:
    """The one document. documents: by service, `gateway` among them.

    Raises ContractError where a service lacks an operation of the table, or two describe one schema differently.
    """
    described = {service: by_shape(document) for service, document in documents.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        source = operation.service or "gateway"
        shape = (operation.method, shape_of(operation.path))
        if shape not in described[source]:
            raise ContractError(f"{source} does not describe {operation.method} {operation.path}.")
        path, description = described[source][shape]
        paths.setdefault(path, {})[operation.method.lower()] = _published(description, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Accord", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": text} for name, text in PERSONAS.items()],
        "paths": paths,
        "components": {"securitySchemes": {"key": SECURITY}, "schemas": _schemas(documents)},
    }


def by_shape(document: Document) -> dict[Shape, tuple[str, Document]]:
    """A document's operations by method and shape of path: its path as written, and what it says of it."""
    return {
        (method.upper(), shape_of(path)): (path, description)
        for path, methods in document["paths"].items()
        for method, description in methods.items()
    }


def shape_of(path: str) -> str:
    """A path without the names of its parameters, which every document chooses for itself."""
    return re.sub(r"\{\w+\}", "{}", path)


def _published(description: Document, operation: Operation) -> dict[str, Any]:
    published = dict(description) | {"tags": [operation.persona]}
    if operation.roles is not None:
        published["x-accord-roles"] = sorted(operation.roles)
    problem = {"description": "Problem", "content": PROBLEM}
    statuses = FROM_LIMITS + (FROM_GATEWAY if operation.service else ())
    published["responses"] = published["responses"] | {str(status): problem for status in statuses}
    return published


def _schemas(documents: Mapping[str, Document]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for service, document in documents.items():
        for name, schema in document["components"]["schemas"].items():
            if schemas.setdefault(name, schema) != schema:
                raise ContractError(f"{service} describes the schema {name} differently from another service.")
    return dict(sorted(schemas.items()))
