"""The formats of tables, and which of them a caller wants (RFC 9110, 12.5.1)."""

import re

from fastapi import Request

from shared.errors import Problem

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
TABLES = (JSON, CSV, NDJSON, PARQUET, ARROW)
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class NotAcceptable(Problem):
    status, slug, title = 406, "not-acceptable", "No representation that was asked for"


def wanted(request: Request, *offers: str) -> str:
    """The one of our `offers` that the caller prefers, of equals the first; 406 where none is accepted."""
    ranges = _ranges(",".join(request.headers.getlist("accept")))
    weights = {offer: _weight(offer, ranges) for offer in offers}
    best = max(offers, key=lambda offer: weights[offer])
    if not weights[best]:
        raise NotAcceptable(f"This call answers with {', '.join(offers)}.")
    return best


def _ranges(accept: str) -> dict[str, float]:
    """Each media range with its weight; parameters of a range are not looked at, and of twins the higher counts."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (field.strip().lower() for field in part.split(";"))
        if name:
            found[name] = max(found.get(name, 0), _quality(parameters))
    return found or {"*/*": 1}


def _quality(parameters: list[str]) -> float:
    """The `q` of a range, by default 1; one that cannot be read accepts nothing."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 0
    return 1


def _weight(offer: str, ranges: dict[str, float]) -> float:
    """Of the ranges that an offer falls into the narrowest counts."""
    matching = (ranges.get(name) for name in (offer, offer.partition("/")[0] + "/*", "*/*"))
    return next((weight for weight in matching if weight is not None), 0)
