"""From the outbox to the gateway: in order, at least once, and nothing of what does not commit."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import text

from shared import outbox
from shared.outbox import Happening
from shared.relay import NotTakenError, Relay


class Gateway:
    """Takes events with `status`; `taken` are those of each call."""

    def __init__(self):
        self.status, self.taken, self.keys = 204, [], set()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gateway.keys.add(self.headers["Authorization"])
                gateway.taken.append((self.path, body["events"]))
                self.send_response(gateway.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def gateway():
    found = Gateway()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def relay(database, gateway):
    with database.write() as session:
        session.execute(text("DELETE FROM outbox"))
    return Relay(database, "planner", gateway.url, "key")


def happen(database, area, *numbers):
    with database.write() as session:
        outbox.note(session, area, [Happening("t", str(number), {"n": number}) for number in numbers])


def test_what_happened_arrives_in_order_by_area_and_is_gone(relay, gateway, database):
    happen(database, "north", 1, 2)
    happen(database, "south", 3)
    happen(database, "north", 4)
    assert relay.some()
    told = [(path, [event["data"]["n"] for event in events]) for path, events in gateway.taken]
    assert told == [
        ("/v1/areas/north/events", [1, 2]),
        ("/v1/areas/south/events", [3]),
        ("/v1/areas/north/events", [4]),
    ]
    assert gateway.keys == {"Bearer key"}
    assert {event["source"] for _, events in gateway.taken for event in events} == {"planner"}
    assert not relay.some()


def test_what_the_gateway_does_not_take_is_sent_again_with_the_same_id(relay, gateway, database):
    happen(database, "north", 1)
    gateway.status = 503
    with pytest.raises(NotTakenError):
        relay.some()
    gateway.status = 204
    assert relay.some()
    (_, [first]), (_, [second]) = gateway.taken
    assert first == second


def test_what_does_not_commit_did_not_happen(relay, gateway, database):
    with pytest.raises(ZeroDivisionError), database.write() as session:
        outbox.note(session, "north", [Happening("t", "s", {})])
        raise ZeroDivisionError
    assert not relay.some()
    assert gateway.taken == []


def test_one_at_a_time(relay, gateway, database):
    happen(database, "north", 1)
    with database.write() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('accord outbox'))"))
        assert not relay.some()
    assert relay.some()
