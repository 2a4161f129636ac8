"""Digests that make a plan reproducible: of what went in, of what came out, of the code in between."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.planner import engine
from services.planner.scenarios import deltas
from shared import paths

ROWS = 2000  # put side by side at a time


def digest(facts: Mapping[str, Any], *parts: Any) -> str:
    """SHA-256 over JSON-safe facts and the arrays in `parts` (arrays, or dataclasses of them), names and shapes too."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for part in parts:
        for name, array in _arrays(type(part).__name__, part):
            sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def rows(context: bytes, *parts: Any) -> list[bytes]:
    """A digest per row, of `context` and of that row of every array in `parts` (arrays [n, ...] or dataclasses)."""
    arrays = [array for part in parts for _, array in _arrays("", part)]
    found = []
    for start in range(0, len(arrays[0]), ROWS):
        block = [_bytes(array[start : start + ROWS]) for array in arrays]
        found += [hashlib.sha256(context + row.tobytes()).digest() for row in np.hstack(block)]
    return found


def fault(found: Iterable[Any]) -> bytes:
    """A digest of what is to be mended of an item-location."""
    return hashlib.sha256(json.dumps([[one.code, one.detail] for one in found]).encode()).digest()


def _bytes(values: Any) -> Any:
    """[m, bytes] the rows of an array as they lie in memory."""
    return np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)


def code_version() -> str:
    """SHA-256 over the sources that turn inputs into numbers: the engine's, the paths' and the scenarios' deltas."""
    sha = hashlib.sha256()
    for source in (*sorted(Path(*engine.__path__).rglob("*.py")), Path(paths.__file__), Path(deltas.__file__)):
        sha.update(source.read_bytes())
    return sha.hexdigest()


def _arrays(name: str, part: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(part, np.ndarray):
        return [(name, part)]
    if is_dataclass(part):
        return [found for field in fields(part) for found in _arrays(f"{name}.{field.name}", getattr(part, field.name))]
    if isinstance(part, tuple):
        return [found for index, one in enumerate(part) for found in _arrays(f"{name}.{index}", one)]
    return [(name, np.asarray(part))]
