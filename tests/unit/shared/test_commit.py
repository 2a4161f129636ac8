"""The commit comes before the first byte of the answer, and a commit that fails is no success."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, text

from shared import app as application
from shared.db import Database, Write
from shared.principal import HEADER, Caller, Signer, Verifier
from tests.unit.shared.test_principal import SECRET, WHO

PATH = "/areas/north/notes"


@pytest.fixture(scope="module")
def database(server):
    engine = create_engine(server.url("mlflow", "owner"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"))
    engine.dispose()
    database = Database(server.url("mlflow"))
    yield database
    database.dispose()


class Recorder:
    """ASGI middleware that notes when the answer begins."""

    def __init__(self, app, happened):
        self.app = app
        self.happened = happened

    async def __call__(self, scope, receive, send):
        async def noting(message):
            if message["type"] == "http.response.start":
                self.happened.append("answer")
            await send(message)

        await self.app(scope, receive, noting)


@pytest.fixture
def happened(database):
    happened = []

    def commit(_):
        happened.append("commit")

    event.listen(database.engine, "commit", commit)
    yield happened
    event.remove(database.engine, "commit", commit)


@pytest.fixture
def client(database, happened):
    router = application.router()

    @router.post("/areas/{area}/notes", status_code=201)
    def store(area: str, who: Caller, session: Write, number: int) -> dict[str, int]:
        session.execute(text("INSERT INTO notes VALUES (:number)"), {"number": number})
        return {"number": number}

    app = application.create("test", None)
    app.state.database = database
    app.state.verifier = Verifier("test", SECRET)
    app.include_router(router)
    return TestClient(Recorder(app, happened))


def store(client, number):
    token = Signer("test", SECRET).sign(WHO, "POST", PATH)
    return client.post(PATH, params={"number": number}, headers={HEADER: token})


def test_the_commit_precedes_the_answer(client, happened):
    assert store(client, 1).status_code == 201
    assert happened == ["commit", "answer"]


def test_a_value_that_no_column_holds_is_the_callers_mistake(client):
    answer = store(client, 2**40)
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/errors#invalid")


def test_a_commit_that_fails_is_told(client, database):
    assert store(client, 2).status_code == 201
    assert store(client, 2).status_code == 500  # the key is checked at the commit, after the handler has returned
    with database.read() as session:
        assert session.execute(text("SELECT count(*) FROM notes WHERE id = 2")).scalar_one() == 1
