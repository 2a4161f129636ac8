"""Every call that writes against the corpus: refused as the contract says, nothing echoed, nothing stored.

The calls are those of the merged contract: one that is added needs a sample in calls.py, and is then tested here.
"""

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.media import CSV, JSON, NDJSON
from tests.api.calls import AREA, CALLS, NOBODY, ROOT, SAMPLES
from tests.api.corpus import MARK, wrong_objects, wrong_texts
from tests.api.tables import csv_of, wrong_cells, wrong_lines, wrong_tables
from tests.api.target import Target

SLUGS = {f"/docs/errors#{slug}" for slug in re.findall(r"(?m)^## (\S+)$", (ROOT / "docs/errors.md").read_text())}
OBJECTS = [call for call in CALLS if call.media and not call.is_table]
TABLES = [call for call in CALLS if call.is_table]
BARE = [call for call in CALLS if not call.media]
stores_nothing = pytest.mark.usefixtures("nothing_is_stored")
NAMED_BY = {"locations": "location", "scheduled-receipts": "reference", "open-orders": "reference"}
NAMED_BY |= {"processes": "process", "resources": "resource"}
AT_ONCE = 40  # rows: fewer than the errors that one answer lists
PATHS = [
    "x",
    "%00",
    "%ff",
    "..%2f..%2fetc",
    NOBODY,
    str(2**70),
    "-1",
    "x" * 3000,
    "%F0%9F%98%80",
    "'%20OR%201=1--",
    MARK,
]


@pytest.fixture(scope="module")
def target(accord):
    return Target(accord)


@pytest.fixture
def nothing_is_stored(target):
    yield
    before, target.seen = target.seen, target.snapshot()
    assert target.seen == before


def assert_refused(call, answer, statuses=frozenset({400, 413, 415, 422})):
    """A problem that the call's contract and docs/errors.md know, and that does not repeat what was sent."""
    assert answer.status_code in statuses & call.statuses, (answer.request.content[:300], answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] in SLUGS
    assert body["detail"]
    assert body["instance"] == answer.headers["x-request-id"]
    assert MARK not in answer.text


def all_refused(call, send, bodies):
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(send, bodies):
            assert_refused(call, answer)


def test_every_call_that_takes_a_body_has_a_sample():
    assert set(SAMPLES) == {str(call) for call in CALLS if call.media}


@stores_nothing
@pytest.mark.parametrize("call", OBJECTS, ids=str)
def test_an_object_that_does_not_hold(target, call):
    good = target.filled(SAMPLES[str(call)].body)
    bodies = [json.dumps(wrong) for _, wrong in wrong_objects(good, call.schema)]
    bodies += [body for body in wrong_texts(good) if body not in call.nothing]
    all_refused(call, lambda body: target.send(call, body), bodies)
    for media in ("", "text/plain", "application/x-www-form-urlencoded", CSV, "application/problem+json", "*/*"):
        assert_refused(call, target.send(call, json.dumps(good), media), {415})
    large = json.dumps(good | {"unknown": "x" * (1 << 20)})
    assert_refused(call, target.send(call, large), {413})
    assert_refused(call, target.send(call, json.dumps(good), unknown=MARK), {422})


@stores_nothing
@pytest.mark.parametrize("call", TABLES, ids=str)
def test_rows_that_do_not_hold(target, call):
    """Each of the rows is pointed at, whatever is wrong with the others."""
    good = SAMPLES[str(call)].body
    rows = [wrong for _, wrong in wrong_objects(good, call.schema)]
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        for media, body in ((JSON, json.dumps(part)), (NDJSON, "\n".join(map(json.dumps, part)))):
            answer = target.send(call, body, media)
            assert_refused(call, answer, {422})
            places = {int(error["pointer"].split("/")[1]) for error in answer.json()["errors"]}
            assert places == set(range(len(part))), [part[at] for at in set(range(len(part))) - places]


@stores_nothing
@pytest.mark.parametrize("call", TABLES, ids=str)
def test_cells_that_do_not_hold(target, call):
    good = SAMPLES[str(call)].body
    for name, schema in call.schema["properties"].items():
        cells = wrong_cells(schema)
        names = [*good, *({name} - good.keys())]
        answer = target.send(call, csv_of([good | {name: cell} for cell in cells], names), CSV)
        assert_refused(call, answer, {422})
        pointers = {error["pointer"] for error in answer.json()["errors"]}
        assert pointers == {f"#/{row}/{name}" for row in range(len(cells))}, cells


@stores_nothing
@pytest.mark.parametrize("call", TABLES, ids=str)
def test_a_body_that_is_no_table(target, call):
    good = SAMPLES[str(call)].body
    bodies = [*wrong_tables(good, call.schema), *wrong_lines(good, call.schema.get("required", []))]
    bodies += [(JSON, body) for body in wrong_texts(good)]
    all_refused(call, lambda sent: target.send(call, sent[1], sent[0]), bodies)
    row = json.dumps(good).encode()
    whole = gzip.compress(row)
    for encoding, body in (("gzip", row), ("gzip", whole[:-9]), ("zstd", row), ("zstd", whole), ("gzip", b"")):
        assert_refused(call, target.send(call, body, JSON, {"Content-Encoding": encoding}), {400, 422})
    bomb = gzip.compress(b" " * (33 << 20))
    assert_refused(call, target.send(call, bomb, JSON, {"Content-Encoding": "gzip"}), {413})
    for encoding in ("br", "gzip, gzip", MARK):
        assert_refused(call, target.send(call, row, JSON, {"Content-Encoding": encoding}), {415})
    for media in ("", "text/plain", "application/octet-stream", "*/*"):
        assert_refused(call, target.send(call, row, media), {415})
    for params in ({"unknown": MARK}, {"on_error": MARK}, {"validate_only": MARK}):
        assert_refused(call, target.send(call, row, **params), {422})


@stores_nothing
@pytest.mark.parametrize("call", [call for call in CALLS if "{" in call.path.removeprefix(AREA)], ids=str)
def test_a_path_that_names_nothing(target, call):
    names = re.findall(r"\{(\w+)\}", call.path.removeprefix(AREA))
    sample = SAMPLES.get(str(call))
    for text in PATHS:
        path = target.path(call, **dict.fromkeys(names, text))
        headers = {"If-Match": '"0"'} | ({"Content-Type": JSON} if sample else {})
        body = json.dumps(target.filled(sample.body) | {"unknown": 1}) if sample else None
        answer = target.client.request(call.method, path, content=body, headers=headers)
        assert_refused(call, answer, {400, 404, 415, 422})


@stores_nothing
@pytest.mark.parametrize(
    "call", [call for call in BARE if call.method == "DELETE" and not call.path.endswith("}")], ids=str
)
def test_a_query_that_names_nothing(target, call):
    name = NAMED_BY.get(call.path.rpartition("/")[2], "item")
    queries = [
        "",
        f"{name}=",
        f"{name}=A&{name}=B",
        f"{name}=A&unknown={MARK}",
        f"{name}=%00",
        f"{name}=%20A",
        f"{name}=A%0A",
    ]
    queries += [f"{name}={'x' * 3000}", f"{name}=%ED%A0%80", f"{name}[]=A"]
    for query in queries:
        answer = target.client.request("DELETE", f"{target.path(call)}?{query}")
        assert_refused(call, answer, {404, 422})


@stores_nothing
@pytest.mark.parametrize(
    "call", [call for call in OBJECTS if 412 in call.statuses and not call.path.endswith(":decide")], ids=str
)
def test_a_version_that_cannot_be(target, call):
    good = json.dumps(target.filled(SAMPLES[str(call)].body))
    for tag in (b"*", b"x", b'W/"0"', b'"\xff"', b'"999999999999999999999"', b'"-1"', b'"0", "1"', b'""', b"x" * 5000):
        answer = target.client.request(
            call.method,
            target.path(call),
            content=good,
            headers={b"Content-Type": b"application/json", b"If-Match": tag},
        )
        assert_refused(call, answer, {400, 412, 422})


CODES = [
    "'; DROP TABLE items; --",
    "=1+1",
    "@SUM(A1)",
    "+1",
    "../../etc/passwd",
    "%2e%2e",
    "<b>x</b>",
    "a,b",
    'a"b',
    "007",
]
CODES += [
    "\u0430bc",
    "abc",
    "\u202eabc",
    "\U0001f600",
    "\ufeffa",
    "null",
    "NaN",
    "1e5",
    "2024-01-01",
    "{{7*7}}",
    "$(id)",
    "x" * 200,
]


@pytest.mark.parametrize("media", [JSON, CSV, NDJSON])
def test_a_code_is_kept_as_it_is(accord, media):
    """What is dangerous elsewhere is only text here; spreadsheets' marks and line ends are no part of it."""
    area = accord.area()
    rows = [{"item": code, "description": code} for code in CODES]
    text = {
        JSON: "\ufeff" + json.dumps(rows),
        CSV: "\ufeff" + csv_of(rows, ["item", "description"]).decode(),
        NDJSON: "\r\n".join(map(json.dumps, rows)),
    }
    answer = area.as_("integrator").put("/items", content=text[media].encode(), headers={"Content-Type": media})
    assert answer.json() == {"received": len(rows), "created": len(rows), "updated": 0, "unchanged": 0}
    stored = area.as_("viewer").get("/items", params={"limit": 1000}).json()["items"]
    assert {(row["item"], row["description"]) for row in stored} == {(code, code) for code in CODES}


@pytest.mark.parametrize("call", [call for call in CALLS if call.media], ids=str)
def test_after_all_that_a_good_call_is_answered(target, call):
    answer = target.send(call, json.dumps(target.filled(SAMPLES[str(call)].body)))
    assert answer.status_code == SAMPLES[str(call)].status, answer.text
    if "training-runs" in call.path:
        target.client.post(f"{answer.headers['location']}/cancel")
