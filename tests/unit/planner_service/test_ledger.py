"""The log, and the proof that nothing in it or beside it was changed."""

import json
from uuid import uuid4

import pytest

from shared import ledger
from tests.unit.planner_service.test_orders import receipt
from tests.unit.planner_service.test_recommendations import decide


@pytest.fixture
def history(area, inbox):
    """A plan, an acceptance that is released, an override taken back, a note, and a newer plan."""
    first, second, third = inbox
    decide(area, first, {"action": "accept"})
    area.ok("POST", "/scheduled-receipts", json=receipt(first))
    decide(area, second, {"action": "override", "quantity": 40, "reason_code": "PROMOTION", "note": "flyer"})
    decide(area, second, {"action": "revert"}, version=2)
    decide(area, third, {"action": "annotate", "note": "why so much?"}, version=None)
    area.plan()
    return first, second, third


def chain(area):
    [found] = area.ok("POST", "/decisions:verify")["chains"]
    assert found["service"] == "planner"
    assert found["intact"] == (found["first_bad"] is None)
    return found


def test_an_untouched_ledger_holds(area, history):
    assert chain(area) == {"service": "planner", "entries": 7, "intact": True, "first_bad": None}


def test_what_was_cut_off_with_the_head_shows_against_what_was_known(area, database, history):
    """An owner who takes the last two entries away and corrects the head leaves a chain that holds by itself."""
    head = area.ok("GET", "/decisions/head")
    known = f"known={head['sequence']}:{head['hash']}"
    assert head["sequence"] == 7
    assert area.ok("POST", f"/decisions:verify?{known}")["chains"][0]["intact"]
    other = f"known=5:{head['hash']}"
    assert area.ok("POST", f"/decisions:verify?{other}")["chains"][0]["first_bad"]["sequence"] == 5
    assert area("POST", "/decisions:verify?known=7:abc").status_code == 422
    beyond = f"known=9:{head['hash']}"
    bad = area.ok("POST", f"/decisions:verify?{beyond}")["chains"][0]["first_bad"]
    assert bad == {"sequence": 8, "reason": "the entry is missing: 9 was known"}


def test_an_empty_ledger_holds(area):
    assert chain(area)["entries"] == 0


def test_the_log_is_read_on_from_where_one_was(area, history):
    entries = area.ok("GET", "/decisions")["items"]
    assert [entry["sequence"] for entry in entries] == list(range(1, 8))
    actions = ["plan", "accept", "release", "override", "revert", "annotate", "plan"]
    assert [entry["action"] for entry in entries] == actions
    assert area.ok("GET", "/decisions?after=5")["items"] == entries[5:]
    assert entries[3]["body"]["note"] == "flyer"
    assert entries[0]["body"]["count"] == 3
    for entry in entries:
        assert entry["hash"] == ledger.link(entry["sequence"], entry["previous"], entry["content"])


TAMPERING = [
    ("ledger_entries", "UPDATE ledger_entries SET actor = 'x' WHERE area = %s AND sequence = 4", 4, "columns"),
    ("ledger_entries", "UPDATE ledger_entries SET content = '{}' WHERE area = %s AND sequence = 2", 2, "content"),
    ("ledger_entries", "DELETE FROM ledger_entries WHERE area = %s AND sequence = 3", 3, "missing"),
    ("ledger_entries", "DELETE FROM ledger_entries WHERE area = %s AND sequence = 7", 7, "missing"),
    (
        "recommendations",
        "UPDATE recommendations SET area = 'nowhere' WHERE area = %s AND item = 'A'",
        1,
        "not those that were filed",
    ),
    ("recommendations", "UPDATE recommendations SET item = 'Z' WHERE area = %s AND item = 'A'", 1, "columns"),
    (
        "recommendations",
        "UPDATE recommendations SET content = replace(content::text, 'review', 'auto')::json WHERE area = %s",
        1,
        "not those that were filed",
    ),
    (
        "recommendation_state",
        "UPDATE recommendation_state SET status = 'accepted', quantity = 9999 WHERE area = %s AND status = 'proposed'",
        7,
        "differs",
    ),
    (
        "recommendation_state",
        "UPDATE recommendation_state SET quantity = quantity + 1 WHERE area = %s AND status = 'released'",
        3,
        "differs",
    ),
    ("recommendation_state", "DELETE FROM recommendation_state WHERE area = %s AND status = 'released'", 3, "missing"),
]


@pytest.mark.parametrize(("table", "statement", "sequence", "reason"), TAMPERING)
def test_tampering_is_found(area, history, server, table, statement, sequence, reason):
    with server.connect("planner", "owner") as owner:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        changed = owner.execute(statement, (area.area.area,)).rowcount
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    assert changed >= 1
    found = chain(area)["first_bad"]
    assert found["sequence"] == sequence
    assert reason in found["reason"]


@pytest.mark.parametrize(
    ("action", "subject"),
    [("accept", "released"), ("accept", "unknown"), ("accept", "no id"), ("shred", "released")],
)
def test_a_forged_entry_with_a_good_hash_is_found(area, history, server, action, subject):
    """Whoever owns the tables can rewrite the hashes; what the forged entry claims still has to be possible."""
    subjects = {"released": history[0]["id"], "unknown": str(uuid4()), "no id": "x"}
    last = area.ok("GET", "/decisions?after=6")["items"][0]
    facts = json.loads(last["content"])
    body = {"after": {"quantity": 1.0, "due": None}, "reason_code": None}
    content = ledger.canonical(facts | {"action": action, "subject": subjects[subject], "body": body})
    forged = ledger.link(8, last["hash"], content)
    with server.connect("planner", "owner") as owner:
        owner.execute(
            "INSERT INTO ledger_entries SELECT area, 8, at, actor, %s, %s, %s, hash, %s FROM ledger_entries"
            " WHERE area = %s AND sequence = 7",
            (action, subjects[subject], content, forged, area.area.area),
        )
        owner.execute("UPDATE ledger_heads SET sequence = 8, hash = %s WHERE area = %s", (forged, area.area.area))
    found = chain(area)["first_bad"]
    assert (found["sequence"], found["reason"]) == (8, "the entry records what cannot have happened")


@pytest.mark.parametrize("table", ["ledger_entries", "recommendations"])
@pytest.mark.parametrize("role", ["app", "owner"])
def test_nobody_changes_what_was_filed(area, history, server, table, role):
    with server.connect("planner", role) as connection:
        for change in ("UPDATE {} SET area = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(Exception, match=r"append-only|permission denied"):
                connection.execute(change.format(table))
    assert chain(area)["intact"]
