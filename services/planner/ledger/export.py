"""The ledger as a table: all that its proof needs."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from sqlalchemy import Select

from services.planner.ledger.tables import Entry
from shared import columns
from shared.db import Database
from shared.ledger import FIELDS

BATCH = 2000
TYPES = {"sequence": pa.int64(), "at": columns.INSTANT}
SCHEMA = pa.schema([(name, TYPES.get(name, pa.string())) for name in FIELDS])


def batches(database: Database, entries: Select[Any]) -> Iterator[pa.RecordBatch]:
    """All entries of a selection in their order, read in a session that lives as long as the client reads."""
    found = entries.with_only_columns(*(getattr(Entry, name) for name in FIELDS)).order_by(Entry.sequence)
    with database.read() as session:
        rows = session.execute(found.execution_options(yield_per=BATCH))
        for part in rows.partitions():
            yield columns.batch(SCHEMA, zip(*part, strict=True))
