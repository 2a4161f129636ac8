"""An export of the ledger proves itself, whoever holds it."""

import gzip
import json
import subprocess
import sys

import pytest

from services.planner.ledger import audit
from shared import ledger
from shared.media import CSV, NDJSON
from tests.unit.planner_service.test_executions import ALL, tell
from tests.unit.planner_service.test_ledger import history  # noqa: F401  a fixture
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import put


@pytest.fixture
def export(area, history):  # noqa: F811
    """Two plans, decisions of all kinds between them, a receipt and a reason code."""
    tell(area, history[0], "received", **ALL)
    put(area, "/reason-codes/FLYER", {"meaning": "In the leaflet"})
    answer = area("GET", "/decisions", headers={"accept": NDJSON})
    return [json.loads(line) for line in answer.text.splitlines()]


def saved(tmp_path, entries, packed=False):
    text = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    file = tmp_path / "decisions.ndjson"
    file.write_bytes(gzip.compress(text) if packed else text)
    return file


def rehashed(entries):
    """The chain made anew over whatever the entries say."""
    previous = ledger.GENESIS
    for sequence, entry in enumerate(entries, start=1):
        entry |= {"sequence": sequence, "previous": previous}
        entry["hash"] = previous = ledger.link(sequence, previous, entry["content"])
    return entries


def finding(tmp_path, entries, **known):
    return audit.check(
        list(audit.read(saved(tmp_path, entries))), {int(key[1:]): value for key, value in known.items()}
    )


def test_the_export_is_complete(area, export):
    pages = area.ok("GET", "/decisions")["items"]
    assert [{name: entry[name] for name in ledger.FIELDS} for entry in pages] == export
    later = area("GET", "/decisions?after=6", headers={"accept": NDJSON}).text.splitlines()
    assert [json.loads(line) for line in later] == export[6:]
    assert area("GET", "/decisions", headers={"accept": CSV}).text.startswith('"sequence","at","actor"')
    assert area("GET", "/decisions", headers={"accept": "image/png"}).status_code == 406


@pytest.mark.parametrize("packed", [False, True])
def test_an_export_that_holds(tmp_path, export, packed):
    entries = list(audit.read(saved(tmp_path, export, packed)))
    assert audit.check(entries, {3: export[2]["hash"]}) is None
    assert audit.check([], {}) is None


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        (lambda entries: entries[3].update(content=entries[3]["content"].replace("40.0", "41.0")), 4),
        (lambda entries: entries[1].update(actor="somebody"), 2),
        (lambda entries: entries.pop(4), 5),
        (lambda entries: entries.pop(0), 1),
        (lambda entries: entries.insert(2, dict(entries[2])), 4),
        (lambda entries: entries.__setitem__(slice(2, 4), [entries[3], entries[2]]), 3),
    ],
)
def test_whatever_was_changed_is_found_and_named(tmp_path, export, tamper, first_bad):
    tamper(export)
    assert finding(tmp_path, export).sequence == first_bad


def test_a_tail_that_was_cut_shows_against_what_was_noted(tmp_path, export):
    last = export[-1]["hash"]
    assert finding(tmp_path, export[:-2]) is None
    assert finding(tmp_path, export[:-2], _9=last).sequence == 8


def test_a_chain_that_was_made_anew_shows_against_what_was_noted(tmp_path, export):
    noted = export[4]["hash"]
    export[3]["content"] = export[3]["content"].replace('"note":"flyer"', '"note":"mine"')
    rehashed(export)
    assert finding(tmp_path, export) is None
    assert finding(tmp_path, export, _5=noted).sequence == 5


def test_decisions_that_cannot_have_followed_each_other_show_without_that(tmp_path, export):
    """An acceptance that says it led to another quantity, one that never was, one of what is no recommendation."""
    changed = [dict(entry) for entry in export]
    changed[4]["content"] = changed[4]["content"].replace('"status":"proposed"', '"status":"accepted"')
    assert finding(tmp_path, rehashed(changed)).sequence == 5
    gone = [dict(entry) for entry in export]
    del gone[1]
    assert finding(tmp_path, rehashed(gone)).sequence == 2
    odd = [dict(entry) for entry in export]
    odd[1]["content"] = odd[1]["content"].replace(f'"subject":"{odd[1]["subject"]}"', '"subject":"x"')
    odd[1]["subject"] = "x"
    assert finding(tmp_path, rehashed(odd)).sequence == 2


def test_the_command_needs_nothing_but_the_file(tmp_path, export):
    file, last = saved(tmp_path, export), export[-1]
    command = [sys.executable, "-m", "services.planner", "verify", str(file)]
    known = ["--known", f"{last['sequence']}:{last['hash']}"]
    done = subprocess.run([*command, *known], capture_output=True, text=True, check=True, env={})
    said = {"entries": 9, "last": {"sequence": 9, "hash": last["hash"]}, "intact": True, "first_bad": None}
    assert json.loads(done.stdout) == said
    saved(tmp_path, export[:-1])
    cut = subprocess.run([*command, *known], capture_output=True, text=True, check=False, env={})
    assert (cut.returncode, json.loads(cut.stdout)["first_bad"]["sequence"]) == (1, 9)


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"items": []}'])
def test_what_is_no_export_is_refused(tmp_path, text):
    file = tmp_path / "x"
    file.write_text(text + "\n")
    with pytest.raises(audit.NoExport):
        list(audit.read(file))
    command = [sys.executable, "-m", "services.planner", "verify", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_note_is_part_of_the_proof(area, inbox, tmp_path):
    decide(area, inbox[0], {"action": "annotate", "note": "größer 😀"}, version=None)
    answer = area("GET", "/decisions", headers={"accept": NDJSON})
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert finding(tmp_path, entries) is None


def test_a_net_change_supersedes_what_nobody_decided_on(area, inbox, tmp_path):
    area.supply("A", moq=20)
    area.plan(net_change=True)
    area.supply("A", "B", moq=25)
    area.plan(net_change=True)
    exported = area("GET", "/decisions", headers={"accept": NDJSON}).text.splitlines()
    superseded = [len(json.loads(json.loads(line)["content"])["body"].get("superseded", ())) for line in exported]
    assert superseded == [0, 1, 2]
    assert finding(tmp_path, [json.loads(line) for line in exported]) is None
