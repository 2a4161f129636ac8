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
from tests.factories import load_history, load_supply, week

SLUGS = {
    f"/docs/errors#{slug}" for slug in re.findall(r"^## (\S+)$", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
}
OBJECTS = [call for call in CALLS if call.media and not call.is_table]
TABLES = [call for call in CALLS if call.is_table]
BARE = [call for call in CALLS if not call.media]
AT_ONCE = 40  # rows: fewer than the errors that one answer lists
LISTS = ("items", "locations", "demand", "drivers", "drivers/price/values", "inventory", "scheduled-receipts", "plans")
LISTS += ("supply/sourcing-rules", "supply/planning-policies", "forecasts", "training-runs", "models/promotions")
LISTS += ("recommendations", "decisions", "imports", "supply/imports")
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


class Target:
    """An area with something in every table, and how its calls are sent."""

    def __init__(self, accord):
        self.area = accord.area()
        self.client = accord.admin
        load_history(self.area, 30, ("A",))
        load_supply(self.area, 30, ("A",))
        erp = self.area.as_("integrator")
        price = {"kind": "price", "known_ahead": True, "scope": "item-location"}
        assert erp.put("/drivers/price", json=price).status_code == 200
        values = [{"item": "A", "location": "L1", "period": week(number), "mean": 50} for number in range(30, 38)]
        assert erp.post("/external-forecasts", params={"name": "base"}, json=values).status_code == 201
        forecast = erp.get("/forecasts", params={"source": "external"}).json()["items"][0]["id"]
        self.area.succeed(self.area.as_("planner").post("/plans", json={"forecast": forecast}))
        recommendation = self.area.as_("viewer").get("/recommendations").json()["items"][0]["id"]
        principal = self.client.get("/v1/me").json()["id"]
        body = {"name": f"{self.area.name}-own", "kind": "system"}
        principal = self.client.post("/v1/principals", json=body).json()["id"]
        self.names = {"area": self.area.name, "driver": "price", "principal": principal}
        self.names |= {"recommendation": recommendation}

    def path(self, call, **names):
        names = self.names | {"etag": ""} | names
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], NOBODY), call.path)

    def filled(self, value):
        """A sample's value with the names of this area in it."""
        text = json.dumps(value)
        for name, known in self.names.items():
            text = text.replace(f"{{{name}}}", known)
        return json.loads(text)

    def send(self, call, body, media=JSON, headers=(), **params):
        """The answer, with the sample's parameters and a current If-Match."""
        sample = SAMPLES[str(call)]
        named = {"Content-Type": media} if media else {}
        if "{etag}" in sample.headers.values():
            named["If-Match"] = self.client.get(self.path(call).removesuffix("/decisions")).headers["etag"]
        named |= {name: value for name, value in sample.headers.items() if value != "{etag}"} | dict(headers)
        query = sample.params | params
        return self.client.request(call.method, self.path(call), content=body, headers=named, params=query)

    def snapshot(self):
        lists = {name: self.client.get(f"{self.area.prefix}/{name}", params={"limit": 1000}) for name in LISTS}
        found = {name: [answer.status_code, answer.json()["items"]] for name, answer in lists.items()}
        everywhere = ("/v1/areas", "/v1/principals", "/v1/api-keys")
        counts = {path: len(self.client.get(path, params={"limit": 1000}).json()["items"]) for path in everywhere}
        return found | counts | {"area": self.client.get(self.area.prefix).json()}


@pytest.fixture(scope="module")
def target(accord):
    return Target(accord)


@pytest.fixture(autouse=True)
def nothing_is_stored(request, target):
    before = target.snapshot()
    yield
    if "stores" not in request.keywords:
        assert target.snapshot() == before


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


@pytest.mark.parametrize("call", OBJECTS, ids=str)
def test_an_object_that_does_not_hold(target, call):
    good = target.filled(SAMPLES[str(call)].body)
    bodies = [json.dumps(wrong) for _, wrong in wrong_objects(good, call.schema)] + wrong_texts(good)
    all_refused(call, lambda body: target.send(call, body), bodies)
    for media in ("", "text/plain", "application/x-www-form-urlencoded", CSV, "application/problem+json", "*/*"):
        assert_refused(call, target.send(call, json.dumps(good), media), {415})
    large = json.dumps(good | {"unknown": "x" * (1 << 20)})
    assert_refused(call, target.send(call, large), {413})
    assert_refused(call, target.send(call, json.dumps(good), unknown=MARK), {422})


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
