"""Item-locations by number: a number stands for the codes in the many rows of demand and of drivers' values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ARRAY, Table, TableValuedAlias, Text, and_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast import bulk, staging
from services.forecast.demand.tables import Series
from services.forecast.drivers.tables import DriverSeries
from shared.imports.kinds import Counts
from shared.rows import Rows

FEW = 1000  # rows that one upsert stores as soon as several statements would

type Numbers = npt.NDArray[np.int64]
type Codes = tuple[str | None, str | None]
type Numbered = type[Series | DriverSeries]


def numbers(session: Session, table: Numbered, whose: Mapping[str, str], rows: Rows[Any]) -> Numbers:
    """[n] the number of each row's item-location; those that have none yet get one.

    whose: the columns, besides item and location, that name a number, such as the area.
    """
    named, place = item_locations(rows)
    found = _found(session, table, whose, named)
    missing = sorted((codes for codes in named if codes not in found), key=str)
    if missing:
        asked = _asked(missing)
        new = select(*map(literal, whose.values()), asked.c.item, asked.c.location)
        adding = insert(table).from_select([*whose, "item", "location"], new)
        session.execute(adding.on_conflict_do_nothing())  # somebody else may be adding the same ones
        found |= _found(session, table, whose, missing)
    return np.array([found[codes] for codes in named], dtype=np.int64)[place]


def item_locations(rows: Rows[Any]) -> tuple[list[Codes], npt.NDArray[np.intp]]:
    """The item-locations that rows name, each once, and [n] the place of each row's among them."""
    items, locations = rows.codes("item"), rows.codes("location")
    width = len(locations.values) or 1
    pairs, place = np.unique(items.ids.astype(np.int64) * width + locations.ids, return_inverse=True)
    return [(items.values[pair // width], locations.values[pair % width]) for pair in pairs.tolist()], place


def _found(session: Session, table: Numbered, whose: Mapping[str, str], named: Sequence[Codes]) -> dict[Codes, int]:
    """The numbers of the item-locations that have one. Of two codes, all have the first or none has, as the second."""
    asked = _asked(named)
    mine = [getattr(table, name) == value for name, value in whose.items()]
    item, location = named[0] if named else ("", "")
    same_item = table.item.is_(None) if item is None else table.item == asked.c.item
    same_location = table.location.is_(None) if location is None else table.location == asked.c.location
    found = select(table.item, table.location, table.id).join_from(asked, table, and_(*mine, same_item, same_location))
    return {(item, location): number for item, location, number in session.execute(found)}


def _asked(named: Sequence[Codes]) -> TableValuedAlias:
    columns = ([codes[place] for codes in named] for place in (0, 1))
    unnested = func.unnest(*(literal(column, ARRAY(Text)) for column in columns))
    return unnested.table_valued("item", "location").render_derived(name="asked")


def days(rows: Rows[Any]) -> npt.NDArray[Any]:
    """[n] the rows' periods as datetime64[D]."""
    period = rows.codes("period")
    return np.array(period.values, dtype="datetime64[D]")[period.ids]


def merge(session: Session, target: Table, columns: Mapping[str, npt.NDArray[Any]]) -> Counts:
    """Insert or update rows of a table whose key is series_id and period."""
    order = np.lexsort((columns["period"], columns["series_id"]))
    ordered = {name: column[order] for name, column in columns.items()}
    if len(order) > FEW:
        try:
            with session.begin_nested():
                return bulk.replace(session, target, ordered)
        except bulk.Unfit:
            pass
    incoming = staging.stage_arrays(session, ordered)
    return staging.merge(session, target, select(*incoming.c), len(order), in_order=True)
