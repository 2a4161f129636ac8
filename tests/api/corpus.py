"""What must not be taken: values by the kind of a field, and JSON that cannot be read.

`MARK` is in most texts: no answer may hold it.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

MARK = "zebra7f3q"
DEEP = 5000
LONG = MARK * 2000
TEXTS = [f"{MARK}\0", f"{MARK}\ud800", f"{MARK}\x07", f"{MARK}\x7f", f"{MARK}\x85", LONG]
NOT_DATES = [
    "0000-01-01",
    "0001-01-01",
    "1899-12-31",
    "2201-01-01",
    "9999-12-31",
    "2023-02-30",
    "2024-13-01",
    "2024-1-1",
]
NOT_DATES += ["2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "20240101", "2024-W01-1", "01/02/2024", " 2024-01-01"]
NOT_DATES += ["\u0662\u0660\u0662\u0664-01-01", "", MARK]
NOT_MONEY = ["1e5", "NaN", "Infinity", "1,5", "\u0663", "1" * 16, "1.0000001", "", " 1", "0x10", "1_000", MARK]
NOT_WHOLE = [1.5, 2**31, 2**63, 2**64, -(2**63), 1e300, -1e300]
LITERALS = ["NaN", "Infinity", "-Infinity", "1e309", "-1e999", "1" * 5000, "0x10", "01", "+1", "1.", ".5", "'x'"]


def _options(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return schema.get("anyOf", [schema])


def _kinds(schema: dict[str, Any]) -> set[str]:
    kinds = {one.get("type", "string") for one in _options(schema)}
    return kinds | {"number"} if "integer" in kinds else kinds


def wrong_values(schema: dict[str, Any]) -> list[Any]:
    """What a field must not hold, by its schema; all of it can be spelt in JSON."""
    kinds = _kinds(schema)
    found: list[Any] = [[[]], {"a": {MARK: 1}}] if not kinds & {"array", "object"} else ["x", [1], [None], {"a": 1}]
    found += [] if "boolean" in kinds else [True, False]
    found += [] if "number" in kinds else [7, 1.5, 2**70]
    found += [] if "null" in kinds else [None]
    found += TEXTS if "string" in kinds else [MARK, "5", "true", ""]
    for one in _options(schema):
        found += _out_of_bounds(one)
    return found


def _out_of_bounds(schema: dict[str, Any]) -> list[Any]:
    found: list[Any] = [""] if schema.get("minLength") else []
    if schema.get("maxLength") == 200:  # a code
        found += [" ", f" {MARK}", f"{MARK}\u00a0", f"{MARK}\u3000"]
    if schema.get("format") == "date":
        found += NOT_DATES
    if schema.get("format") == "uuid":
        found += [MARK, "", "g" * 32]
    if "[0-9]{1,15}" in schema.get("pattern", ""):
        found += NOT_MONEY
    if "enum" in schema or "const" in schema:
        found += [MARK, ""]
    if schema.get("type") in {"number", "integer"}:
        found += [1e308, -1e308, 2**63, 10**400]
        found += [-1] if "minimum" in schema or "exclusiveMinimum" in schema else []
    return found + (NOT_WHOLE if schema.get("type") == "integer" else [])


def wrong_objects(good: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(field, object) with one thing wrong each."""
    for name, one in schema["properties"].items():
        for value in wrong_values(one):
            yield name, good | {name: value}
    for name in schema.get("required", []):
        yield name, {key: value for key, value in good.items() if key != name}
    for extra in ("unknown", "__proto__", "", "\0", "\ud800", "x" * 300, next(iter(good)).upper()):
        yield extra, good | {extra: MARK}


def wrong_texts(good: dict[str, Any]) -> list[bytes]:
    """Bodies that are no JSON object, or none of which one can tell what it says."""
    text = json.dumps(good)
    name, rest = json.dumps(next(iter(good))), text[1:]
    found = ["", " ", "null", "7", '"x"', "[7]", "[null]", text[:-1], text[: len(text) // 2], text + "}", text + text]
    found += ["[" * DEEP, '{"a":' * DEEP, f"{{{name}: {'[' * DEEP}{']' * DEEP}, {rest}", "{" + text + "}"]
    found += [f"{{{name}: 1, {rest}", f"// x\n{text}", text[:-1] + ",}", text.replace('"', "'")]
    found += [f'{text[:-1]}, "x": {literal}}}' for literal in LITERALS]
    bodies = [one.encode() for one in found]
    bodies += [b"\xff\xfe", text.encode("utf-16"), text.encode("utf-32"), b"\0" + text.encode(), text.encode() + b"\0"]
    bodies += [b'{"x": "%b", %b' % (wrong, rest.encode()) for wrong in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80")]
    return [*bodies, gzip.compress(text.encode(), mtime=0), b"PAR1", b"\x1f\x8b\x08"]
