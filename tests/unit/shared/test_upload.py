"""A body is spooled and decompressed within bounds, whatever it claims to be."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from shared import app as application
from shared import upload
from shared.errors import Problem
from shared.media import CSV, PARQUET
from shared.upload import Table, Upload

TEXT = b"item,quantity\n" + b"".join(b"item %d,%d\n" % (n, n) for n in range(1000))


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


def opened(encoding, content, media=CSV):
    return Upload(media, encoding, io.BytesIO(content), len(content)).open()


@pytest.fixture
def client():
    router = application.router()

    @router.post("/table")
    def table(body: Table) -> list[int | str]:
        return [body.media, body.encoding, body.size, len(body.open().read())]

    app = application.create("test", None)
    app.include_router(router)
    return TestClient(app)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("zstd", zstd(TEXT)),
        ("gzip", gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0)),
    ],
)
def test_what_was_sent_is_read(encoding, content):
    assert opened(encoding, content).read() == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "broken", [TEXT, gzip.compress(TEXT, mtime=0)[:-9], zstd(TEXT)[:-9], gzip.compress(TEXT, mtime=0)[:40]]
)
def test_what_cannot_be_decompressed_is_refused(encoding, broken):
    with pytest.raises(Problem) as raised:
        opened(encoding, broken).read()
    assert raised.value.status == 400


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_a_bomb_is_cut_off_before_it_unfolds(monkeypatch, compress):
    monkeypatch.setattr(upload, "MOST_DECODED_BYTES", 10 << 20)
    bomb = compress(bytes(100 << 20))
    assert len(bomb) < 200_000
    stream = opened("gzip" if compress is gzip.compress else "zstd", bomb)
    read = 0
    with pytest.raises(Problem) as raised:
        while piece := stream.read(1 << 20):
            read += len(piece)
    assert raised.value.status == 413
    assert read <= 10 << 20


def test_a_compressed_parquet_file_can_be_sought_in():
    sink = io.BytesIO()
    pq.write_table(pa.table({"item": ["A"]}), sink)
    assert pq.read_table(opened("gzip", gzip.compress(sink.getvalue()), PARQUET)).to_pydict() == {"item": ["A"]}


def test_a_body_is_received_as_it_was_sent(client):
    content = gzip.compress(TEXT, mtime=0)
    sent = {"Content-Type": "text/csv; charset=utf-8", "Content-Encoding": "GZIP"}
    assert client.post("/table", content=content, headers=sent).json() == [CSV, "gzip", len(content), len(TEXT)]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({}, 415),
        ({"Content-Type": CSV, "Content-Encoding": "br"}, 415),
        ({"Content-Type": CSV, "Content-Encoding": "gzip, gzip"}, 415),
        ({"Content-Type": CSV, "Content-Encoding": "identity"}, 200),
    ],
)
def test_what_we_cannot_read_is_said(client, headers, status):
    answer = client.post("/table", content=TEXT, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("chunked", [True, False])
def test_too_large_a_body_is_refused_while_it_comes(client, monkeypatch, chunked):
    monkeypatch.setattr(upload, "MOST_BYTES", 5 << 20)
    taken = 0

    def pieces():
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield bytes(1 << 20)

    content = pieces() if chunked else bytes(6 << 20)
    answer = client.post("/table", content=content, headers={"Content-Type": CSV})
    assert (answer.status_code, answer.json()["type"]) == (413, "/docs/errors#too-large")


def test_a_body_at_the_limit_is_taken(client, monkeypatch):
    monkeypatch.setattr(upload, "MOST_BYTES", len(TEXT))
    assert client.post("/table", content=TEXT, headers={"Content-Type": CSV}).status_code == 200
    assert client.post("/table", content=TEXT + b"x", headers={"Content-Type": CSV}).status_code == 413
