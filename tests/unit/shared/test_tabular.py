"""Tables out as CSV or an Arrow stream."""

import pyarrow as pa
import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from shared import app as application
from shared import tabular


@pytest.fixture
def client():
    router = application.router()
    schema = pa.schema([("item", pa.string()), ("quantity", pa.float64())])

    def batches():
        yield pa.record_batch([["A"], [1.5]], schema=schema)
        yield pa.record_batch([['say "B"'], [None]], schema=schema)

    @router.get("/table")
    def table(request: Request):
        media = tabular.wanted(request, tabular.ARROW, tabular.CSV)
        return tabular.stream(media, schema, batches())

    app = application.create("test", None)
    app.include_router(router)
    return TestClient(app)


def test_a_table_goes_out_as_csv(client):
    answer = client.get("/table", headers={"accept": "text/csv"})
    assert answer.text.splitlines() == ['"item","quantity"', '"A",1.5', '"say ""B""",']


def test_a_table_goes_out_as_arrow_stream(client):
    answer = client.get("/table", headers={"accept": "application/vnd.apache.arrow.stream"})
    assert pa.ipc.open_stream(answer.content).read_all().to_pydict() == {
        "item": ["A", 'say "B"'],
        "quantity": [1.5, None],
    }


def test_a_format_that_we_do_not_have_is_406(client):
    answer = client.get("/table", headers={"accept": "application/pdf"})
    assert answer.status_code == 406
    assert answer.json()["type"] == "/docs/errors#not-acceptable"
