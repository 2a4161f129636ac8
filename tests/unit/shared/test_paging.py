"""Pages are stable while rows come in, and a cursor serves only the list that it was made for."""

import base64
import json
import uuid

import pytest
from sqlalchemy import create_engine, delete, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import paging
from shared.db import Database
from shared.errors import Unprocessable


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"

    area: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[float]
    tag: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)


@pytest.fixture(scope="module")
def database(server):
    engine = create_engine(server.url("mlflow", "owner"))
    Base.metadata.create_all(engine)
    engine.dispose()
    database = Database(server.url("mlflow"))
    yield database
    database.dispose()


@pytest.fixture(autouse=True)
def rows(database):
    names = [f"{letter}{number}" for letter in "abc" for number in range(5)]
    with database.write() as session:
        session.execute(delete(Thing))
        session.add_all(Thing(area="north", name=name, weight=len(name) * index) for index, name in enumerate(names))
    return names


def ask(database, *, limit=4, cursor=None, area="north", keys=(Thing.name,), descending=False):
    with database.read() as session:
        statement = select(Thing).where(Thing.area == area)
        asked = paging.Asked(limit, cursor)
        return paging.page(session, statement, keys, asked, descending=descending)


def walk(database, **how):
    seen, cursor = [], None
    while True:
        page, cursor = ask(database, cursor=cursor, **how)
        seen += [thing.name for thing in page]
        if cursor is None:
            return seen


@pytest.mark.parametrize("limit", [1, 4, 14, 15, 16])
def test_every_row_comes_once_and_in_order(database, rows, limit):
    assert walk(database, limit=limit) == rows


def test_the_order_can_be_turned_round(database, rows):
    assert walk(database, keys=(Thing.weight, Thing.name), descending=True) == rows[::-1]


def test_unique_ids_can_be_keys(database, rows):
    assert sorted(walk(database, keys=(Thing.tag,))) == rows


def test_a_row_that_comes_in_before_the_cursor_moves_nothing(database, rows):
    first, cursor = ask(database)
    with database.write() as session:
        session.add(Thing(area="north", name="a00", weight=1))
    second, _ = ask(database, cursor=cursor)
    assert [thing.name for thing in [*first, *second]] == rows[:8]


@pytest.mark.parametrize("cursor", ["", "x", "W10=", "bnVsbA==", "WyJhIl0=", "é", "A" * 2000])
def test_a_made_up_cursor_is_refused(database, cursor):
    with pytest.raises(Unprocessable):
        ask(database, cursor=cursor)


@pytest.mark.parametrize("keys", [(Thing.name,), (Thing.tag,), (Thing.weight, Thing.name)])
@pytest.mark.parametrize("value", ["\0", "\ud800", 5, None, True, [1], {"a": 1}, "1e999", "x" * 500])
def test_a_cursor_that_was_altered_is_refused_or_finds_nothing(database, keys, value):
    _, cursor = ask(database, keys=keys)
    made_for, *values = json.loads(base64.urlsafe_b64decode(cursor))
    for place in range(len(values)):
        altered = [made_for, *values[:place], value, *values[place + 1 :]]
        try:
            ask(database, keys=keys, cursor=base64.urlsafe_b64encode(json.dumps(altered).encode()).decode())
        except Unprocessable:
            continue
        assert value in {"1e999", "x" * 500}


def test_a_cursor_of_another_list_is_refused(database):
    _, cursor = ask(database)
    for other in ({"area": "south"}, {"descending": True}, {"keys": (Thing.weight, Thing.name)}):
        with pytest.raises(Unprocessable):
            ask(database, cursor=cursor, **other)
