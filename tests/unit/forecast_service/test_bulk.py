"""Many rows at once end as an upsert of them would, whatever others write meanwhile."""

import datetime
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.forecast import bulk, numbering
from services.forecast.demand.tables import Demand
from shared.errors import is_outage
from shared.imports.kinds import Counts

FIRST = 10**12  # no number that a series of another test may have
DAY = datetime.date(2024, 1, 1)
DEMAND = Demand.metadata.tables["demand"]

keys = st.tuples(st.integers(0, 3), st.integers(0, 5))
bodies = st.dictionaries(keys, st.tuples(st.sampled_from([0.0, 1.5]), st.booleans()), min_size=1)


def columns(rows):
    """The arrays of rows {(series, day): (quantity, in stock)}."""
    series, days = zip(*rows, strict=True)
    quantity, in_stock = zip(*rows.values(), strict=True)
    return {
        "series_id": np.array(series, dtype=np.int64) + FIRST,
        "period": np.datetime64(DAY) + np.array(days),
        "quantity": np.array(quantity),
        "in_stock": np.array(in_stock),
    }


def stored(session):
    """What is stored, as `columns` takes it."""
    found = session.execute(text("SELECT * FROM demand WHERE series_id >= :first"), {"first": FIRST})
    return {(series - FIRST, (day - DAY).days): (quantity, flag) for series, day, quantity, flag in found}


@pytest.fixture
def emptied(database):
    yield database
    with database.write() as session:
        session.execute(text("DELETE FROM demand WHERE series_id >= :first"), {"first": FIRST})


@pytest.fixture
def many(monkeypatch):
    """However few rows are stored, they are many."""
    monkeypatch.setattr(numbering, "FEW", 0)


def merged(database, rows):
    with database.write() as session:
        return numbering.merge(session, DEMAND, columns(rows))


def upserted(database, rows):
    """What somebody else stores, committed at once."""
    with database.write() as session, pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "FEW", 100)
        numbering.merge(session, DEMAND, columns(rows))


@settings(max_examples=30, deadline=None)
@given(old=bodies, new=bodies)
def test_many_rows_are_told_apart_as_an_upsert_tells_them(database, old, new):
    with database.write() as session:
        numbering.merge(session, DEMAND, columns(old))
        session.execute(text("DROP TABLE incoming"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(numbering, "FEW", 0)
            counts = numbering.merge(session, DEMAND, columns(new))
        assert stored(session) == old | new
        session.rollback()
    created, unchanged = len(new.keys() - old.keys()), len(new.items() & old.items())
    updated = len(new) - created - unchanged
    assert counts == Counts(received=len(new), created=created, updated=updated, unchanged=unchanged)


def test_a_replay_touches_no_row(emptied, many):
    rows = {(series, day): (float(day), True) for series in range(3) for day in range(4)}
    touched = text("SELECT ctid::text, xmin::text, xmax::text FROM demand WHERE series_id >= :first ORDER BY ctid")
    merged(emptied, rows)
    with emptied.read() as session:
        before = session.execute(touched, {"first": FIRST}).all()
    assert merged(emptied, rows) == Counts(received=12, created=0, updated=0, unchanged=12)
    with emptied.read() as session:
        assert session.execute(touched, {"first": FIRST}).all() == before


def test_rows_that_somebody_else_adds_meanwhile_are_replaced(emptied, many, monkeypatch):
    def looked(*arguments):
        found = stored_rows(*arguments)
        upserted(emptied, {(0, 1): (7.0, True)})
        return found

    stored_rows = bulk._stored
    monkeypatch.setattr(bulk, "_stored", looked)
    mine = {(0, 0): (1.0, True), (0, 1): (2.0, True)}
    assert merged(emptied, mine) == Counts(received=2, created=1, updated=1, unchanged=0)
    with emptied.read() as session:
        assert stored(session) == mine


@pytest.mark.parametrize(
    ("theirs", "stand"),
    [
        ({(0, 0): (9.0, True)}, True),  # what was as it came in no longer is: theirs came after mine
        ({(0, 1): (2.0, True)}, False),  # what differed no longer does
        ({(0, 1): (9.0, True)}, False),  # what differs differs in another way
        ({(0, 2): (9.0, True)}, False),  # what was new is there
        ({(1, 0): (9.0, True)}, False),  # what differs in a series of which all goes
        ({(1, 1): (9.0, True)}, True),  # beside it, where nothing of mine is
    ],
)
def test_what_somebody_else_changes_meanwhile_comes_before_or_after(emptied, many, monkeypatch, theirs, stand):
    def deleting(*arguments):
        upserted(emptied, theirs)
        delete(*arguments)

    delete = bulk._delete
    upserted(emptied, {(0, 0): (1.0, True), (0, 1): (5.0, True), (1, 0): (5.0, True)})
    monkeypatch.setattr(bulk, "_delete", deleting)
    mine = {(0, 0): (1.0, True), (0, 1): (2.0, True), (0, 2): (3.0, False), (1, 0): (2.0, True)}
    merged(emptied, mine)
    with emptied.read() as session:
        assert stored(session) == (mine | theirs if stand else theirs | mine)


def test_few_rows_far_apart_are_upserted_and_what_lies_between_is_not_read(emptied, many, monkeypatch):
    between = {(0, day): (1.0, True) for day in range(20)}
    upserted(emptied, between)
    monkeypatch.setattr(bulk.staging, "fetch", lambda *_: pytest.fail("read"))
    ends = {(0, 0): (2.0, True), (0, 19): (1.0, True)}
    assert merged(emptied, ends) == Counts(received=2, created=0, updated=1, unchanged=1)
    with emptied.read() as session:
        assert stored(session) == between | ends


def test_two_imports_of_the_same_rows_wait_for_each_other_and_the_later_one_stands(emptied, many):
    upserted(emptied, {(0, day): (0.0, True) for day in range(20)})
    first, second = ({(0, day): (value, True) for day in range(30)} for value in (1.0, 2.0))
    with ThreadPoolExecutor(1) as thread:
        with emptied.write() as session:
            numbering.merge(session, DEMAND, columns(first))
            later = thread.submit(merged, emptied, second)
            assert not wait([later], timeout=0.3).done
        assert later.result(10) == Counts(received=30, created=0, updated=30, unchanged=0)
    with emptied.read() as session:
        assert stored(session) == second


def test_a_lock_that_is_not_given_in_time_is_an_outage_and_tried_again(emptied, many):
    rows = {(0, 0): (1.0, True)}
    with emptied.write() as other:
        numbering.merge(other, DEMAND, columns(rows))
        with pytest.raises(DBAPIError) as refused, emptied.write() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            numbering.merge(session, DEMAND, columns(rows))
    assert is_outage(refused.value)


def test_a_quantity_that_no_row_may_have_is_an_error_and_no_race(emptied, many):
    with pytest.raises(IntegrityError, match="ck_demand_quantity"):
        merged(emptied, {(0, 0): (-1.0, True)})


def terminated(database):
    """Whether a connection that waited in COPY for somebody else's row was there to be ended."""
    waiting = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND query LIKE 'COPY \"demand\"%'"
    )
    with database.read() as session:
        return session.execute(text(waiting)).all()


def test_a_connection_that_is_lost_while_rows_are_copied_is_an_outage(emptied, many):
    rows = {(0, 0): (1.0, True)}
    with ThreadPoolExecutor(1) as thread, emptied.write() as other:
        numbering.merge(other, DEMAND, columns(rows))
        later = thread.submit(merged, emptied, rows)
        while not terminated(emptied):
            assert not wait([later], timeout=0.05).done
        assert is_outage(later.exception(10))
