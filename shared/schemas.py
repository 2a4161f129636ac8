"""Strict base types of all request and response bodies (API.md, Numbers).

Python's JSON reader is lenient: it lets NaN, `true` for 1 and "5" for 5 through. These types are not. The same types
read columns of tables, which hold dates and decimals of any size, and cells of CSV files, where every value is text;
`COLUMNS` or `CELLS` as validation context says so. Without it a date or decimal is the service's own and is kept.
"""

import datetime
import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

COLUMNS = {"cells": False}
CELLS = {"cells": True}
MOST = 1e15
FIRST_YEAR, LAST_YEAR = 1900, 2200
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONEY = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class Schema(BaseModel):
    """A body: unknown fields are refused, values never change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, from_attributes=True)


def _is_cell(value: Any, info: ValidationInfo) -> bool:
    return isinstance(value, str) and info.context is CELLS


def _number(value: Any, info: ValidationInfo) -> float:
    if _is_cell(value, info) and NUMBER.fullmatch(value):
        value = float(value)
    if type(value) not in {int, float}:
        raise ValueError("must be a number")
    if not abs(value) <= MOST:  # NaN neither; an integer may be too long for a float
        raise ValueError("must be a finite number of at most 1e15")
    return float(value)


def _whole(value: Any, info: ValidationInfo) -> int:
    number = _number(value, info)
    if number != int(number):
        raise ValueError("must be a whole number")
    return int(number)


def _flag(value: Any, info: ValidationInfo) -> bool:
    if _is_cell(value, info):
        value = _TRUTH.get(value.lower(), value)
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _money(value: Any, info: ValidationInfo) -> Decimal:
    if isinstance(value, Decimal):
        if info.context is None:
            return value
        value = _shortest(value)
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise ValueError('must be a decimal string such as "12.50"')
    return Decimal(value)


def _shortest(value: Decimal) -> str:
    """All digits; of those behind the point none that says nothing."""
    whole, _, places = f"{value:f}".partition(".")
    return f"{whole}.{places}".rstrip("0").rstrip(".") if places else whole


def _date(value: Any, info: ValidationInfo) -> datetime.date:
    if type(value) is datetime.date and info.context is None:
        return value
    day = value if type(value) is datetime.date else _day(value)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def _day(value: Any) -> datetime.date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a date YYYY-MM-DD")
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def _plain(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("must not hold control characters")
    return unicodedata.normalize("NFC", text)


def _prose(text: str) -> str:
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\r\t" for c in text):
        raise ValueError("must not hold control characters")
    return unicodedata.normalize("NFC", text)


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


def _storable(body: dict[str, Any]) -> dict[str, Any]:
    """Any JSON object whose texts a database can hold."""
    rest: list[Any] = [body]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            if any(character == "\0" or unicodedata.category(character) == "Cs" for character in value):
                raise ValueError("must not hold NUL or half a surrogate pair")
        elif isinstance(value, dict):
            rest += [*value, *value.values()]
        elif isinstance(value, list):
            rest += value
    return body


Number = Annotated[float, BeforeValidator(_number)]
Quantity = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(gt=0, lt=1)]
Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Money = Annotated[
    Decimal, BeforeValidator(_money), WithJsonSchema({"type": "string", "pattern": f"^{_MONEY.pattern}$"})
]
Cost = Annotated[Money, Field(ge=0)]
# Money that was computed: sums and products of what came in may have more digits than Money.
Amount = Annotated[Decimal, WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,6})?$"})]
Date = Annotated[datetime.date, BeforeValidator(_date)]
Code = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=200),
    AfterValidator(_plain),
    AfterValidator(_trimmed),
]
Label = Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(_plain)]
Note = Annotated[str, StringConstraints(strict=True, max_length=4000), AfterValidator(_prose)]
Key = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Facts = Annotated[dict[str, Any], AfterValidator(_storable)]
