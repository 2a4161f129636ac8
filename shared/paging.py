"""Lists by keyset cursor: stable under inserts, opaque to the caller, bound to the filters they were made for."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from sqlalchemy import Connection, Engine, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.expression import ColumnElement

from shared.errors import Unprocessable
from shared.schemas import Schema

Limit = Annotated[int, Query(ge=1, le=1000)]


class Page[T](Schema):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None


class Asked:
    """What the caller asked for: how many, and from where on."""

    def __init__(self, limit: Limit = 100, cursor: Annotated[str | None, Query(max_length=2000)] = None) -> None:
        self.limit = limit
        self.cursor = cursor


Paging = Annotated[Asked, Depends()]


def page(
    session: Session,
    statement: Select[Any],
    keys: Sequence[InstrumentedAttribute[Any]],
    asked: Asked,
    *,
    descending: bool = False,
) -> tuple[list[Any], str | None]:
    """Rows of `statement` in the order of `keys` (unique together), and the cursor of the next page.

    The cursor holds the last row's keys and a digest of the statement with its filter values; one made for other
    filters, another area or another sort is 422.
    """
    binding = _binding(session.get_bind(), statement, keys, descending)
    order: list[ColumnElement[Any]] = [key.desc() if descending else key.asc() for key in keys]
    ordered = statement.order_by(*order).limit(asked.limit + 1)
    if asked.cursor is not None:
        after = tuple_(*_decode(asked.cursor, binding, keys))
        ordered = ordered.where(tuple_(*keys) < after if descending else tuple_(*keys) > after)
    rows = list(session.scalars(ordered))
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return rows, _encode([getattr(rows[-1], key.key) for key in keys], binding) if more else None


def _binding(
    bind: Connection | Engine, statement: Select[Any], keys: Sequence[InstrumentedAttribute[Any]], descending: bool
) -> str:
    compiled = statement.compile(bind)
    text = f"{compiled}|{sorted(compiled.params.items(), key=str)}|{[key.key for key in keys]}|{descending}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _encode(values: Sequence[Any], binding: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([binding, *map(str, values)]).encode()).decode()


def _decode(cursor: str, binding: str, keys: Sequence[InstrumentedAttribute[Any]]) -> tuple[Any, ...]:
    try:
        made_for, *values = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, TypeError, binascii.Error):
        raise Unprocessable("The cursor is none of ours; leave it away to start anew.") from None
    if made_for != binding or len(values) != len(keys):
        raise Unprocessable("The cursor belongs to another list or other filters.")
    return tuple(_typed(key, value) for key, value in zip(keys, values, strict=True))


def _typed(key: InstrumentedAttribute[Any], value: Any) -> Any:
    kind = key.type.python_type
    try:
        _check_text(value)
        return kind.fromisoformat(value) if hasattr(kind, "fromisoformat") else kind(value)
    except (AttributeError, ValueError, ArithmeticError):
        raise Unprocessable("The cursor is none of ours; leave it away to start anew.") from None


def _check_text(value: Any) -> None:
    """ValueError or AttributeError for what is no text, or none that PostgreSQL can hold."""
    if "\0" in value.encode().decode():
        raise ValueError("NUL")
