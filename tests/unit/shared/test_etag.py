"""A GET whose answer the caller has already is answered 304; the version that writes send back is still in the tag."""

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from shared import app as shared_app
from shared.etag import IfMatch
from shared.http import StrictRoute


@pytest.fixture
def shown():
    return {"version": 7, "notes": 0}


@pytest.fixture
def client(shown):
    router = shared_app.router(route_class=StrictRoute)

    @router.get("/thing")
    def thing(response: Response) -> dict[str, int]:
        response.headers["ETag"] = f'"{shown["version"]}"'
        response.headers["Cache-Control"] = "private"
        return shown

    @router.get("/list")
    def all_things() -> list[dict[str, int]]:
        return [shown]

    @router.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a"]))

    @router.put("/thing")
    def change(version: IfMatch) -> int:
        return version

    app = FastAPI()
    app.include_router(router)
    return TestClient(app)


@pytest.mark.parametrize("path", ["/thing", "/list"])
def test_what_the_caller_has_is_not_sent_again(client, path):
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers.get("cache-control") == first.headers.get("cache-control")
    assert client.get(path, headers={"If-None-Match": "*"}).status_code == 304


@pytest.mark.parametrize("path", ["/thing", "/list"])
@pytest.mark.parametrize("change", [{"version": 8}, {"notes": 1}])
def test_whatever_changes_is_sent(client, shown, path, change):
    known = client.get(path).headers["etag"]
    shown.update(change)
    again = client.get(path, headers={"If-None-Match": known})
    assert again.status_code == 200
    assert again.headers["etag"] != known


def test_weak_and_strong_compare_alike(client):
    tag = client.get("/thing").headers["etag"]
    assert tag.startswith('"7-')
    assert client.get("/thing", headers={"If-None-Match": f"W/{tag}"}).status_code == 304
    assert client.get("/thing", headers={"If-None-Match": '"7"'}).status_code == 200


def test_the_tag_that_was_read_is_the_one_to_send(client):
    tag = client.get("/thing").headers["etag"]
    assert client.put("/thing", headers={"If-Match": tag}).json() == 7
    assert client.put("/thing", headers={"If-Match": '"7"'}).json() == 7
    assert client.put("/thing", headers={"If-Match": '"8-0123456789abcdef"'}).json() == 8


def test_a_stream_has_none(client):
    assert "etag" not in client.get("/stream", headers={"If-None-Match": "*"}).headers
    assert client.get("/stream", headers={"If-None-Match": "*"}).status_code == 200


def test_who_waits_gets_the_whole(client):
    assert client.get("/thing", headers={"If-None-Match": "*", "Prefer": "wait=1"}).status_code == 200
