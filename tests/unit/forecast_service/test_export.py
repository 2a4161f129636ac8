"""Columns from buffers are what pyarrow itself would make, and need no pandas."""

import datetime
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.forecast import export

COLUMNS = [
    (pa.string(), st.text()),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.date32(), st.dates()),
    (pa.bool_(), st.booleans()),
]


@pytest.mark.parametrize(("kind", "cells"), COLUMNS, ids=[str(kind) for kind, _ in COLUMNS])
@given(data=st.data())
def test_a_column_holds_its_values(kind, cells, data):
    values = data.draw(st.lists(cells, max_size=40))
    made = export.MAKERS[kind](values)
    made.validate(full=True)
    assert made.type == kind
    assert made.to_pylist() == values


SCRIPT = """
import sys
import pyarrow as pa
from services.forecast import export
from shared.tabular import ARROW, CSV, _encoded
schema = pa.schema([(str(kind), kind) for kind in export.MAKERS])
batch = pa.RecordBatch.from_arrays([make([]) for make in export.MAKERS.values()], schema=schema)
for media in (ARROW, CSV):
    assert b"".join(_encoded(media, schema, iter([batch])))
print("pandas" in sys.modules)
"""


def test_an_export_does_not_import_pandas():
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_dates_before_the_epoch():
    assert export.dates([datetime.date(1969, 12, 31)]).to_pylist() == [datetime.date(1969, 12, 31)]
