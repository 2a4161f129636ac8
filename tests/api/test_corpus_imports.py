"""Bodies that become imports against the corpus: all rows rejected, nothing stored, and the worker lives on."""

import gzip
import json

import pyarrow as pa
import pytest

from shared.media import ARROW, CSV, JSON, NDJSON
from tests.api.calls import SAMPLES
from tests.api.corpus import wrong_objects
from tests.api.tables import arrow
from tests.api.test_corpus import SLUGS, TABLES, Target
from tests.factories import week

MANY = 2500  # rows: what is wrong behind them is not seen before the import reads them


@pytest.fixture(scope="module")
def target(accord):
    return Target(accord)


def snapshot(target):
    return {name: found for name, found in target.snapshot().items() if name not in {"imports", "supply/imports"}}


def ended(target, answer):
    run = target.area.finish(answer)
    assert run["error"] is None or run["error"]["type"] in SLUGS - {"/docs/errors#internal"}, run["error"]
    return [run[name] for name in ("status", "created", "updated", "unchanged")], run


@pytest.mark.parametrize("call", TABLES, ids=str)
def test_rows_that_do_not_hold(target, call):
    """Every row is listed, whether they are to be stored or only looked at."""
    before = snapshot(target)
    rows = [wrong for _, wrong in wrong_objects(SAMPLES[str(call)].body, call.schema)]
    rows = (rows * (1001 // len(rows) + 1))[:1001]
    body = "\n".join(map(json.dumps, rows))
    answers = {
        params: target.send(call, body, NDJSON, **dict(params))
        for params in ((), (("on_error", "reject"),), (("validate_only", "true"),))
    }
    for params, answer in answers.items():
        counts, run = ended(target, answer)
        assert counts == ["succeeded" if "validate_only" in dict(params) else "failed", 0, 0, 0]
        assert (run["received"], run["rejected"]) == (1001, 1001)
        path = f"{answer.headers['location']}/rejects"
        listed = target.client.get(path, params={"limit": 1000}, headers={"Accept": NDJSON}).text.splitlines()
        assert {json.loads(line)["row"] for line in listed} == set(range(1001))
    assert snapshot(target) == before


def test_bodies_that_break_off_behind_their_beginning(target):
    """In both services; a good import of each then succeeds."""
    before = snapshot(target)
    demand = [{"item": "A", "location": "L1", "period": week(number % 30), "quantity": 1} for number in range(MANY)]
    stock = [{"item": f"I{number}", "location": "L1", "as_of": week(1), "on_hand": number} for number in range(MANY)]
    calls = {str(call): call for call in TABLES}
    for call, rows in ((calls["POST /demand"], demand), (calls["POST /inventory"], stock)):
        names = list(rows[0])
        lines = [",".join(names), *(",".join(map(str, row.values())) for row in rows)]
        text = "\n".join(lines)
        table = pa.Table.from_pylist(rows)
        stream = b"".join([arrow(table)[:-8], b"\xff\xff\xff\xff\x40\0\0\0"])
        bodies = [(CSV, text.encode() + b"\n\xff", {}), (CSV, f'{text}\n"A', {}), (CSV, f"{text}\nA,L1", {})]
        bodies += [(NDJSON, "\n".join(map(json.dumps, rows)).encode() + b"\n{", {}), (ARROW, stream, {})]
        bodies += [(CSV, gzip.compress(text.encode(), mtime=0)[:-9], {"Content-Encoding": "gzip"})]
        for media, body, headers in bodies:
            counts, run = ended(target, target.send(call, body, media, headers))
            assert counts == ["failed", 0, 0, 0], (media, run)
    assert snapshot(target) == before
    for call, row in ((calls["POST /demand"], demand[0]), (calls["POST /inventory"], stock[0])):
        counts, run = ended(target, target.send(call, json.dumps(row), JSON, on_error="reject"))
        assert (counts[0], run["received"], run["rejected"], run["error"]) == ("succeeded", 1, 0, None)
