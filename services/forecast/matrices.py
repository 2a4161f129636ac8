"""Tables of item-locations and periods as matrices, filled block by block: in memory, or in files that need not fit it.

What a table holds of an item-location comes to its row of the matrix, whatever the order of rows and blocks. A matrix
in a file is mapped into memory: the system lets go of its pages where memory is short. The file has no name and goes
with the process.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from services.forecast.datasets.blocks import Blocks
from services.forecast.engine.calendar import Calendar
from services.forecast.engine.cells import Dates, Floats, Ints
from services.forecast.engine.cross_section import blocks

KEYS = ["item", "location"]


def empty(shape: tuple[int, int], spool: Path | None) -> Floats:
    """A float32 matrix of nothing but NaN, in memory or in a file under the directory `spool`."""
    if spool is None:
        return np.full(shape, np.nan, dtype=np.float32)
    with tempfile.TemporaryFile(dir=spool) as file:
        matrix = np.asarray(np.memmap(file, np.float32, "w+", shape=shape))
    for rows in blocks(*shape):
        matrix[rows] = np.nan
    return matrix


@dataclass(frozen=True)
class Rows:
    """Which row of a matrix that of a table belongs to, by its codes `keys`: those of one row of `scopes`.

    Without keys there is one row, for all.
    """

    keys: Sequence[str]
    scopes: pd.DataFrame

    @classmethod
    def of(cls, series: pd.DataFrame, keys: Sequence[str]) -> "Rows":
        """One row for each combination of codes that the `series` have."""
        named = series[list(keys)].drop_duplicates(ignore_index=True) if keys else pd.DataFrame(index=[0])
        return cls(keys, named)

    def __len__(self) -> int:
        return len(self.scopes)

    def of_series(self, series: pd.DataFrame) -> Ints:
        """The row [n] of each of the series that this was made of."""
        if not self.keys:
            return np.zeros(len(series), dtype=np.intp)
        index = pd.MultiIndex.from_frame(self.scopes)
        return index.get_indexer(pd.MultiIndex.from_frame(series[list(self.keys)]))

    def numbers(self, block: pa.Table) -> Ints:
        """The row of each of the table's, -1 where there is none."""
        known, asked = np.zeros(len(self), dtype=np.int64), np.zeros(block.num_rows, dtype=np.int64)
        missing = np.zeros(block.num_rows, dtype=bool)
        for key in self.keys:
            numbers, values = pd.factorize(self.scopes[key])
            place = {value: number for number, value in enumerate(values)}
            encoded = block[key].combine_chunks().dictionary_encode()
            of_value = np.array([place.get(value, -1) for value in [*encoded.dictionary.to_pylist(), None]])
            found = of_value[encoded.indices.fill_null(len(of_value) - 1).to_numpy(zero_copy_only=False)]
            missing |= found < 0
            known, asked = known * len(values) + numbers, asked * len(values) + found
        order = np.argsort(known)
        at = np.minimum(np.searchsorted(known, asked, sorter=order), len(known) - 1)
        row = order[at]
        return np.where(missing | (known[row] != asked), -1, row)


def days(block: pa.Table) -> Dates:
    found: Dates = block["period"].to_numpy()
    return found.astype("datetime64[D]")


@dataclass(frozen=True)
class Spans:
    """Item-locations of a table, `codes` [m] by item and location, and the `first` [m] period of each."""

    codes: pd.DataFrame
    first: Dates

    @classmethod
    def of(cls, demand: Blocks) -> "Spans":
        parts = [
            block.group_by(KEYS).aggregate([("period", "min")]).to_pandas(date_as_object=False) for block in demand
        ]
        found = pd.concat(parts).groupby(KEYS, sort=True)["period_min"].min().reset_index()
        return cls(found[KEYS], found["period_min"].to_numpy().astype("datetime64[D]"))


def demand(spans: Spans, series: pd.DataFrame, calendar: Calendar, table: Blocks, spool: Path | None) -> Floats:
    """Demand [n, T] in units; from a series' first record on, no row is no demand. NaN before, and out of stock.

    Raises ValueError for demand after the end of history.
    """
    rows = Rows.of(series, KEYS)
    matrix = empty((len(series), len(calendar.history)), spool)
    first = np.empty(len(series), dtype=np.intp)
    first[rows.of_series(spans.codes)] = calendar.index(spans.first)
    for part in blocks(*matrix.shape):
        matrix[part][np.arange(matrix.shape[1]) >= first[part, None]] = 0
    for block in table:
        columns = calendar.index(days(block))
        if (columns >= matrix.shape[1]).any():
            raise ValueError("demand lies after the last period of history")
        in_stock = pc.fill_null(block["in_stock"], fill_value=True).to_numpy()
        matrix[rows.numbers(block), columns] = np.where(in_stock, block["quantity"].to_numpy(), np.nan)
    return matrix


def driver(
    rows: Rows, calendar: Calendar, table: Iterator[pa.Table], spool: Path | None
) -> tuple[Floats, np.datetime64]:
    """Driver values [rows, T+H] of `rows`, NaN where there are none, and the first period of all in the table.

    Rows of others and outside the calendar are left out.
    """
    matrix = empty((len(rows), len(calendar)), spool)
    first = np.datetime64("NaT", "D")
    for block in table:
        dates = days(block)
        first = dates.min() if np.isnat(first) else min(first, dates.min())
        row, column = rows.numbers(block), calendar.index(dates)
        inside = (row >= 0) & (column >= 0) & (column < len(calendar))
        matrix[row[inside], column[inside]] = block["value"].to_numpy()[inside]
    return matrix, first
