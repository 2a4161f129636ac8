"""Rows of a table body, checked column by column against a schema, so that a million rows take a second.

What a field may hold is said once, by the schema: each distinct cell passes through the field's own type, and of
columns of numbers only the least and the greatest, where both hold. A row whose cells all hold is a row; of the others
there are faults.
"""

import datetime
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from shared.columns import dates
from shared.errors import message
from shared.parse import MISSING, Fault, Raw
from shared.schemas import CELLS, COLUMNS, NUMBER, Schema

MOST_REMEMBERED = 200_000
REQUIRED = "Field required"
FIRST_DAY, LAST_DAY = dates([datetime.date.min, datetime.date.max])

type Ids = npt.NDArray[np.int32]
type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Codes:
    """A column of n cells with few distinct values: `ids` [n] are places in `values`."""

    ids: Ids
    values: list[Any]


class Rows[S: Schema]:
    """n valid rows. numbers: [n] their places in the body. columns: numbers as floats (NaN for none), else codes."""

    def __init__(self, schema: type[S], numbers: npt.NDArray[np.int64], columns: dict[str, Codes | Floats]) -> None:
        self.schema = schema
        self.numbers = numbers
        self._columns = columns

    def __len__(self) -> int:
        return len(self.numbers)

    def codes(self, name: str) -> Codes:
        column = self._columns[name]
        assert isinstance(column, Codes)  # noqa: S101  the schema says so
        return column

    def floats(self, name: str) -> Floats:
        column = self._columns[name]
        assert not isinstance(column, Codes)  # noqa: S101  the schema says so
        return column

    def values(self, name: str) -> list[Any]:
        """[n] the column as Python's own values; None where a row has none."""
        column = self._columns[name]
        if isinstance(column, Codes):
            return [column.values[place] for place in column.ids.tolist()]
        return [None if number != number else number for number in column.tolist()]  # noqa: PLR0124  NaN

    def records(self) -> list[S]:
        """The rows as the schema's own objects."""
        make: Any = self.schema.model_construct
        columns = zip(*(self.values(name) for name in self._columns), strict=True)
        return [make(**dict(zip(self._columns, cells, strict=True))) for cells in columns]

    def only(self, kept: npt.NDArray[np.bool_]) -> "Rows[S]":
        """The rows where `kept` [n] is true."""
        columns = {
            name: Codes(column.ids[kept], column.values) if isinstance(column, Codes) else column[kept]
            for name, column in self._columns.items()
        }
        return Rows(self.schema, self.numbers[kept], columns)

    def without(self, faults: Iterable[Fault]) -> "Rows[S]":
        """The rows that no fault is about."""
        return self.only(~np.isin(self.numbers, [fault.row for fault in faults]))

    def duplicates(self, *key: str) -> list[Fault]:
        """A fault for each row whose key another row has too: which of them should stand?"""
        together = np.zeros(len(self), dtype=np.int64)
        for name in key:
            ids = self.codes(name).ids
            _, together = np.unique(together * (ids.max(initial=0) + 1) + ids, return_inverse=True)
        twice = np.bincount(together)[together] > 1
        return [Fault(row, None, "another row has the same key") for row in self.numbers[twice].tolist()]

    def where(self, name: str, fault_of: Callable[[Any], str | None]) -> list[Fault]:
        """A fault for each row whose value in a column of codes has one by `fault_of`."""
        column = self.codes(name)
        details = [fault_of(value) for value in column.values]
        bad = np.array([detail is not None for detail in details], dtype=bool)[column.ids]
        found = zip(self.numbers[bad].tolist(), column.ids[bad].tolist(), strict=True)
        return [Fault(row, name, details[place] or "") for row, place in found]


def joined[S: Schema](parts: Sequence[Rows[S]]) -> Rows[S]:
    """All rows of one reader's batches, of which there is at least one, in order."""
    numbers = np.concatenate([part.numbers for part in parts])
    columns: dict[str, Codes | Floats] = {}
    for name, column in parts[-1]._columns.items():  # noqa: SLF001  its own class
        if isinstance(column, Codes):
            columns[name] = Codes(np.concatenate([part.codes(name).ids for part in parts]), column.values)
        else:
            columns[name] = np.concatenate([part.floats(name) for part in parts])
    return Rows(parts[-1].schema, numbers, columns)


class Reader[S: Schema]:
    """Reads one body's batches; a value has the same place in `Codes.values` throughout.

    cells: whether every value is text, as in CSV, where an empty cell is an absent one.
    """

    def __init__(self, schema: type[S], *, cells: bool) -> None:
        assert not schema.__pydantic_decorators__.field_validators  # noqa: S101  a field's type says all of it
        self.schema = schema
        self._fields = {name: _Field(info, cells=cells) for name, info in schema.model_fields.items()}
        self._sent_as = {name: info.alias or name for name, info in schema.model_fields.items()}
        self._whole = bool(schema.__pydantic_decorators__.model_validators)

    @property
    def names(self) -> list[str]:
        """The columns that a body may have."""
        return list(self._sent_as.values())

    def read(self, raw: Raw) -> tuple[Rows[S], list[Fault]]:
        """The batch's valid rows, and what is wrong with the others."""
        numbers = np.asarray(raw.numbers, dtype=np.int64)
        columns: dict[str, Codes | Floats] = {}
        faults = list(raw.faults)
        for name, field in self._fields.items():
            columns[name], wrong = field.read(raw.columns.get(self._sent_as[name]), len(numbers))
            faults += [Fault(int(numbers[at]), self._sent_as[name], detail) for at, detail in wrong.items()]
        rows = Rows(self.schema, numbers, columns)
        rows = rows.without(faults) if faults else rows
        unfit = self._unfit(rows) if self._whole else []
        return (rows.without(unfit) if unfit else rows), [*faults, *unfit]

    def _unfit(self, rows: Rows[S]) -> list[Fault]:
        """Rows whose cells hold one by one but not together."""
        faults = []
        for number, row in zip(rows.numbers.tolist(), rows.records(), strict=True):
            try:
                self.schema.model_validate(row.__dict__)
            except ValidationError as error:
                faults += [Fault(number, None, message(found)) for found in error.errors()]
        return faults


type _Read = tuple[Codes | Floats, dict[int, str]]


class _Field:
    """One field of a schema: its type, and the cells that were seen."""

    def __init__(self, info: FieldInfo, *, cells: bool) -> None:
        kind: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)
        self._cells = cells
        self._required = info.is_required()
        self._default = None if self._required else info.get_default(call_default_factory=True)
        self._is_number = _base(info.annotation) is float
        self._values: list[Any] = []
        self._places: dict[Any, int] = {}
        self._known: dict[Any, Any] = {}

    def read(self, column: Any, count: int) -> _Read:
        """The column and, by place, what is wrong with its cells.

        column: as in `Raw.columns`; None where it was not sent, so that there are `count` absent cells.
        """
        if isinstance(column, list):
            return self._of_sure(self._numbers(column)) or self._of_cells(list(map(self._cell, column)))
        if column is None or pa.types.is_null(column.type):
            return self._of_distinct(np.zeros(count, dtype=np.int32), [self._cell(MISSING)])
        if self._is_number and _is_numeric(column.type):
            numbers = pc.cast(column, pa.float64(), safe=False)
            sure = None if numbers.null_count else self._of_sure(_numpy(numbers, np.float64))
            return sure or self._of_cells([self._arrow_cell(cell) for cell in numbers.to_pylist()])
        if pa.types.is_temporal(column.type):
            column = _of_days(column)
        if not pa.types.is_dictionary(column.type):
            column = pc.dictionary_encode(column)
        distinct = [self._arrow_cell(cell) for cell in _cells(column.dictionary)]
        if column.null_count:
            distinct.append(self._cell(MISSING))
        places = pc.fill_null(pc.cast(column.indices, pa.int32()), len(distinct) - 1)
        return self._of_distinct(_numpy(places, np.int32), distinct)

    def _of_cells(self, found: list[Any]) -> _Read:
        """found: per cell a place in `values`, a number, or what is wrong with it."""
        wrong = {at: cell.detail for at, cell in enumerate(found) if type(cell) is _Wrong}
        for at in wrong:
            found[at] = 0
        return self._column(np.array(found, dtype=np.float64 if self._is_number else np.int32)), wrong

    def _of_distinct(self, places: Ids, distinct: list[Any]) -> _Read:
        """places: [n] into `distinct`, which holds what `_of_cells` takes."""
        column, wrong = self._of_cells(distinct)
        found = {at: wrong[place] for at, place in enumerate(places.tolist()) if place in wrong} if wrong else {}
        whole = column.ids if isinstance(column, Codes) else column
        return self._column(whole[places] if len(whole) else places), found

    def _numbers(self, column: list[Any]) -> Floats | None:
        """The cells as numbers, where each is spelt as one."""
        if not self._is_number:
            return None
        spelt = map(NUMBER.fullmatch, column) if self._cells else (type(cell) in {float, int} for cell in column)
        try:
            return np.fromiter(map(float, column), np.float64, len(column)) if all(spelt) else None
        except OverflowError:  # a whole number of hundreds of digits
            return None

    def _of_sure(self, numbers: Floats | None) -> _Read | None:
        """All at once, where the least and the greatest hold: then those between them do."""
        if numbers is None or not len(numbers) or np.isnan(numbers).any():
            return None
        ends = (self._checked(end) for end in (float(numbers.min()), float(numbers.max())))
        return (numbers, {}) if all(type(end) is float for end in ends) else None

    def _column(self, found: npt.NDArray[Any]) -> Codes | Floats:
        return found if self._is_number else Codes(found, self._values)

    def _arrow_cell(self, cell: Any) -> Any:
        return self._cell(MISSING if cell is None else cell)

    def _cell(self, cell: Any) -> Any:
        key = cell if type(cell) is str else (type(cell), cell)
        try:
            return self._known[key]
        except KeyError:
            found = self._known[key] = self._checked(cell)
            if self._is_number and len(self._known) > MOST_REMEMBERED:
                self._known.clear()
            return found
        except TypeError:  # a list or an object
            return self._checked(cell)

    def _checked(self, cell: Any) -> Any:
        if cell is MISSING or (self._cells and cell == ""):
            return _Wrong(REQUIRED) if self._required else self._placed(self._default)
        try:
            return self._placed(self._adapter.validate_python(cell, context=CELLS if self._cells else COLUMNS))
        except ValidationError as error:
            return _Wrong(message(error.errors()[0]))

    def _placed(self, value: Any) -> Any:
        if self._is_number:
            return value
        place = self._places.setdefault(value, len(self._places))
        if place == len(self._values):
            self._values.append(value)
        return place


@dataclass(frozen=True)
class _Wrong:
    detail: str


def _base(annotation: Any) -> Any:
    """The type below annotations and `| None`."""
    if get_origin(annotation) is Annotated:
        return _base(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        options = [option for option in get_args(annotation) if option is not type(None)]
        return _base(options[0]) if len(options) == 1 else annotation
    return annotation


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _of_days(column: pa.Array) -> pa.Array:
    """Dates, and instants at midnight UTC as dates, as data frames hold them; other instants as text, which is no date.

    Days that Python has no date for become its first or last.
    """
    if pa.types.is_timestamp(column.type):
        column = column.view(pa.timestamp(column.type.unit))  # in UTC; a zone may be one that nobody knows
    days = pc.cast(column, pa.date32(), safe=False)
    if pc.all(pc.equal(pc.cast(days, column.type, safe=False), column)).as_py() is False:
        return pc.cast(column, pa.string())
    return pc.max_element_wise(pc.min_element_wise(days, LAST_DAY, skip_nulls=False), FIRST_DAY, skip_nulls=False)


def _cells(column: pa.Array) -> list[Any]:
    """As Python's own values; as text where there are days that no calendar of Python's has."""
    try:
        found: list[Any] = column.to_pylist()
    except OverflowError:
        found = pc.cast(column, pa.string()).to_pylist()
    return found


def _numpy(column: pa.Array, kind: Any) -> npt.NDArray[Any]:
    """Pyarrow's own way would import pandas."""
    if not len(column):
        return np.empty(0, dtype=kind)
    size = np.dtype(kind).itemsize
    return np.frombuffer(column.buffers()[1], dtype=kind, count=len(column), offset=column.offset * size)
