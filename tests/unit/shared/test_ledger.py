"""The chain holds what was appended, and whoever changes it is found: edit, delete, insert, reorder, truncate."""

import datetime
import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import psycopg.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import DeclarativeBase

from shared import ledger, outbox
from shared.db import Database
from tests.unit.shared.test_principal import AREA, WHO


class Base(DeclarativeBase):
    pass


class Entry(ledger.LedgerEntry, Base):
    __tablename__ = "ledger_entries"


class Head(ledger.LedgerHead, Base):
    __tablename__ = "ledger_heads"


TABLES = ledger.Tables(Entry, Head)


@pytest.fixture(scope="module")
def owner(server):
    engine = create_engine(server.url("mlflow", "owner"))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(outbox.CREATE.replace("TABLE", "TABLE IF NOT EXISTS"))
        connection.execute(text(ledger.guard("ledger_entries", "mlflow_app")))
    yield engine
    Base.metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP FUNCTION ledger_entries_is_final"))
    engine.dispose()


@pytest.fixture
def database(server, owner):
    database = Database(server.url("mlflow"))
    yield database
    database.dispose()
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        connection.execute(text("TRUNCATE ledger_entries, ledger_heads"))
        connection.execute(text("ALTER TABLE ledger_entries ENABLE TRIGGER USER"))


def append(database, count, area="north"):
    who = replace(WHO, area=replace(AREA, area=area))
    for number in range(count):
        with database.write() as session:
            ledger.append(session, TABLES, who, "accept", f"recommendation-{number}", {"quantity": number + 0.5})


def verify(database, area="north"):
    with database.read() as session:
        return ledger.verify(session, TABLES, area)


def test_an_untouched_chain_holds(database):
    append(database, 5)
    assert verify(database) == (5, None)


def test_an_area_without_entries_holds(database):
    assert verify(database, "empty") == (0, None)


def test_areas_have_chains_of_their_own(database):
    append(database, 2, "north")
    append(database, 3, "south")
    assert (verify(database, "north"), verify(database, "south")) == ((2, None), (3, None))


def test_an_entry_names_who_did_what_for_whom(database):
    append(database, 1)
    with database.read() as session:
        entry = session.scalars(select(Entry)).one()
    assert (entry.actor, entry.action, entry.subject, entry.previous) == (
        "person-7",
        "accept",
        "recommendation-0",
        ledger.GENESIS,
    )
    assert '"body":{"quantity":0.5}' in entry.content
    assert '"principal":"p1"' in entry.content


def test_the_hash_is_sha256_over_sequence_previous_and_content():
    # printf '1\n%064d\n{"a":1}' 0 | sha256sum
    assert (
        ledger.link(1, ledger.GENESIS, '{"a":1}') == "3429dadec2c5b0464fe86f0e69f0c48c88bf9ecd0b54f4f8f57b31c2b1ee2a43"
    )


def test_a_rolled_back_effect_leaves_no_entry(database):
    append(database, 1)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        ledger.append(session, TABLES, WHO, "accept", "gone", {})
        raise ZeroDivisionError
    append(database, 1)
    assert verify(database) == (2, None)


def test_writers_side_by_side_make_one_chain(database):
    threads = [threading.Thread(target=append, args=(database, 10)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(database) == (40, None)


TAMPERING = {
    "edit content": ("UPDATE ledger_entries SET content = replace(content, '2.5', '9.5') WHERE sequence = 3", 3),
    "write what no entry holds": ("UPDATE ledger_entries SET content = 'geändert' WHERE sequence = 3", 3),
    "make up an entry": (
        "UPDATE ledger_entries SET content = '[]', hash = "
        "encode(sha256(convert_to(concat_ws(chr(10), sequence, previous, '[]'), 'UTF8')), 'hex') WHERE sequence = 5",
        5,
    ),
    "edit a column": ("UPDATE ledger_entries SET actor = 'somebody' WHERE sequence = 2", 2),
    "edit the time": ("UPDATE ledger_entries SET at = at + interval '1 s' WHERE sequence = 4", 4),
    "edit the hash": ("UPDATE ledger_entries SET hash = repeat('a', 64) WHERE sequence = 2", 2),
    "delete": ("DELETE FROM ledger_entries WHERE sequence = 3", 3),
    "delete the first": ("DELETE FROM ledger_entries WHERE sequence = 1", 1),
    "truncate the tail": ("DELETE FROM ledger_entries WHERE sequence = 5", 5),
    "insert": (
        "INSERT INTO ledger_entries SELECT area, 6, at, actor, action, subject, content, hash, hash "
        "FROM ledger_entries WHERE sequence = 5",
        6,
    ),
    "reorder": (
        "UPDATE ledger_entries SET sequence = 99 WHERE sequence = 2;"
        "UPDATE ledger_entries SET sequence = 2 WHERE sequence = 3;"
        "UPDATE ledger_entries SET sequence = 3 WHERE sequence = 99",
        2,
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_by_the_owner_is_found_and_named(database, owner, how):
    statement, first_bad = TAMPERING[how]
    append(database, 5)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        for part in statement.split(";"):
            connection.execute(text(part))
        connection.execute(text("ALTER TABLE ledger_entries ENABLE TRIGGER USER"))
    entries, finding = verify(database)
    assert finding is not None
    assert (entries, finding.sequence) == (first_bad - 1, first_bad)


@pytest.mark.parametrize("role", ["owner", "app"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET actor = 'x'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
    ],
)
def test_the_database_refuses_to_change_entries(server, database, role, statement):
    append(database, 1)
    with server.connect("mlflow", role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
    assert verify(database) == (1, None)


def test_the_service_cannot_lift_the_guard(server, database):
    with server.connect("mlflow", "app") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER USER")


def test_the_head_cannot_be_moved_unnoticed(database):
    append(database, 3)
    with database.write() as session:
        session.execute(text("UPDATE ledger_heads SET sequence = 4"))
    assert verify(database)[1] == ledger.Finding(
        4, "the head of the chain names another last entry: entries are missing"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_equal_content_has_one_canonical_text(content):
    text_of = ledger.canonical(content)
    assert ledger.canonical(dict(reversed(content.items()))) == text_of
    assert json.loads(text_of) == content
    assert text_of.isascii()


@given(st.lists(st.text(max_size=5), min_size=2, max_size=6, unique=True), st.data())
def test_any_change_to_any_entry_is_found_there(subjects, data):
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    chain, previous = [], ledger.GENESIS
    for sequence, subject in enumerate(subjects, start=1):
        facts = {"at": at.isoformat(), "actor": "a", "action": "accept", "subject": subject}
        content = ledger.canonical(facts)
        digest = ledger.link(sequence, previous, content)
        chain.append(
            SimpleNamespace(
                sequence=sequence,
                at=at,
                actor="a",
                action="accept",
                subject=subject,
                content=content,
                previous=previous,
                hash=digest,
            )
        )
        previous = digest
    assert ledger.check(chain)[2] is None
    victim = data.draw(st.sampled_from(chain))
    field = data.draw(st.sampled_from(["actor", "action", "subject", "previous", "hash", "content", "sequence"]))
    old = getattr(victim, field)
    new = old + 1 if field == "sequence" else json.dumps({"at": "x"}) if field == "content" else old + "x"
    setattr(victim, field, new)
    finding = ledger.check(chain)[2]
    assert finding is not None
    assert finding.sequence == chain.index(victim) + 1
