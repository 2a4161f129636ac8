"""Webhooks: signed, in order, at least once, patient, and never to an address that is not public."""

import asyncio
import base64
import datetime
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import create_engine, text

from services.gateway.database import Database
from services.gateway.retention import forget
from services.gateway.webhooks.delivery import MOST_TESTS, SCHEDULE, SECONDS, Sender, signed
from services.gateway.webhooks.guard import public
from tests.unit.gateway.conftest import ADMIN, caller
from tests.unit.gateway.test_events import event, path, planner_key, send  # noqa: F401  fixtures

PATIENCE_SECONDS = 15


class Receiver:
    """Answers with what `answers` says, then 204, where it is `ready`; `got` are the messages."""

    def __init__(self):
        self.answers, self.got, self.ready = [], [], threading.Event()
        self.ready.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                receiver.ready.wait(PATIENCE_SECONDS)
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                self.do_POST()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def numbers(self):
        return [json.loads(body)["data"]["data"]["number"] for _, body in self.got]


@pytest.fixture
def receiver():
    yield from receiving()


@pytest.fixture
def slow():
    yield from receiving()


def receiving():
    found = Receiver()
    yield found
    found.ready.set()
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def hooks(path):  # noqa: F811
    return path.replace("/events", "/webhook-endpoints")


@pytest.fixture
def due(server):
    """Lets all waiting endpoints be due now."""
    engine = create_engine(server.url("gateway", "owner"))

    def due():
        with engine.begin() as connection:
            connection.execute(text("UPDATE webhook_endpoints SET due = now()"))

    yield due
    engine.dispose()


def until(condition, seconds=PATIENCE_SECONDS):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def create(client, hooks, **wish):
    made = client.post(hooks, json=wish)
    assert made.status_code == 201, made.text
    return made.json()


def shown(client, hooks):
    [one] = client.get(hooks).json()["items"]
    return one


def test_events_arrive_in_order_and_signed(admin, planner_key, path, hooks, receiver):  # noqa: F811
    send(planner_key, path, event(1))
    made = create(admin, hooks, url=receiver.url)
    assert (made["cursor"], "secret" in shown(admin, hooks)) == (1, False)
    send(planner_key, path, event(2), event(3))
    until(lambda: len(receiver.got) == 2)
    assert receiver.numbers() == [2, 3]
    headers, body = receiver.got[0]
    secret = base64.b64decode(made["secret"].removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["type"] == "plans.succeeded"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    until(lambda: shown(admin, hooks)["cursor"] == 3)


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_failed_is_sent_again_before_the_next(admin, planner_key, path, hooks, receiver, due):  # noqa: F811
    receiver.answers = [(500, {}), (302, {"Location": receiver.url})]
    made = create(admin, hooks, url=receiver.url)
    send(planner_key, path, event(1), event(2))
    until(lambda: len(receiver.got) == 1)
    until(lambda: shown(admin, hooks)["attempts"] == 1)
    due()
    until(lambda: len(receiver.got) == 2)  # the redirect is not followed
    until(lambda: shown(admin, hooks)["attempts"] == 2)
    due()
    until(lambda: len(receiver.got) == 4)
    assert receiver.numbers() == [1, 1, 1, 2]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2
    until(lambda: shown(admin, hooks)["cursor"] == 2)
    told = admin.get(f"{hooks}/{made['id']}/deliveries").json()["items"]
    assert [(one["sequence"], one["attempt"], one["status"]) for one in reversed(told)] == [
        (1, 1, 500),
        (1, 2, 302),
        (1, 3, 204),
        (2, 1, 204),
    ]


def test_gone_disables_and_a_replay_goes_on(admin, planner_key, path, hooks, receiver):  # noqa: F811
    receiver.answers = [(410, {})]
    made = create(admin, hooks, url=receiver.url)
    send(planner_key, path, event(1), event(2))
    until(lambda: shown(admin, hooks)["disabled"] == "the receiver answered 410")
    assert receiver.numbers() == [1]
    again = admin.post(f"{hooks}/{made['id']}/replays", json={"after": 0}).json()
    assert (again["cursor"], again["disabled"], again["attempts"]) == (0, None, 0)
    until(lambda: receiver.numbers() == [1, 1, 2])


def test_slow_receivers_hold_up_no_others(admin, planner_key, path, hooks, receiver, slow):  # noqa: F811
    slow.ready.clear()
    for _ in range(3):
        create(admin, hooks, url=slow.url)
    create(admin, hooks, url=receiver.url)
    send(planner_key, path, event(1), event(2))
    until(lambda: receiver.numbers() == [1, 2], SECONDS / 2)
    assert slow.numbers() == [1, 1, 1]
    slow.ready.set()
    until(lambda: slow.numbers() == [1, 1, 1, 2, 2, 2])


def test_a_replay_counts_though_an_answer_is_waited_for(admin, planner_key, path, hooks, slow):  # noqa: F811
    made = create(admin, hooks, url=slow.url)
    send(planner_key, path, event(1), event(2))
    until(lambda: shown(admin, hooks)["cursor"] == 2)
    send(planner_key, path, event(3))
    until(lambda: shown(admin, hooks)["cursor"] == 3)
    slow.ready.clear()
    send(planner_key, path, event(4))
    until(lambda: len(slow.got) == 4)
    assert admin.post(f"{hooks}/{made['id']}/replays", json={"after": 1}).json()["cursor"] == 1
    slow.ready.set()
    until(lambda: slow.numbers()[4:] == [2, 3, 4])
    until(lambda: shown(admin, hooks)["cursor"] == 4)


def test_what_is_deleted_meanwhile_stays_deleted(admin, planner_key, path, hooks, receiver, slow):  # noqa: F811
    slow.ready.clear()
    made = create(admin, hooks, url=slow.url)
    send(planner_key, path, event(1))
    until(lambda: len(slow.got) == 1)
    assert admin.delete(f"{hooks}/{made['id']}").status_code == 204
    slow.ready.set()
    create(admin, hooks, url=receiver.url, after=0)
    until(lambda: receiver.numbers() == [1])
    assert [one["url"] for one in admin.get(hooks).json()["items"]] == [receiver.url]


def test_so_many_tests_at_a_time(url, admin, hooks, slow):
    slow.ready.clear()
    made = create(admin, hooks, url=slow.url)
    answers = []

    def one():
        with caller(url, ADMIN.text) as client:
            answers.append(client.post(f"{hooks}/{made['id']}/tests").status_code)

    threads = [threading.Thread(target=one) for _ in range(MOST_TESTS)]
    for thread in threads:
        thread.start()
    until(lambda: len(slow.got) == MOST_TESTS)
    over = admin.post(f"{hooks}/{made['id']}/tests")
    assert (over.status_code, over.json()["type"]) == (503, "/docs/errors#too-many-tests")
    slow.ready.set()
    for thread in threads:
        thread.join()
    assert answers == [201] * MOST_TESTS
    assert admin.post(f"{hooks}/{made['id']}/tests").status_code == 201


def test_what_is_old_is_forgotten_with_its_deliveries(server, admin, planner_key, path, hooks, receiver):  # noqa: F811
    made = create(admin, hooks, url=receiver.url)
    send(planner_key, path, event(1), event(2, at=datetime.datetime.now(datetime.UTC).isoformat()))
    until(lambda: shown(admin, hooks)["cursor"] == 2)
    engine = create_engine(server.url("gateway", "owner"))
    with engine.begin() as connection:
        mine = {"endpoint": made["id"]}
        connection.execute(
            text("UPDATE webhook_deliveries SET at = now() - interval '31 days' WHERE endpoint = :endpoint"), mine
        )
    engine.dispose()
    admin.post(f"{hooks}/{made['id']}/tests")

    async def forgotten():
        database = Database(server.url("gateway"), pool_size=1)
        await forget(database, 30)
        await database.dispose()

    asyncio.run(forgotten())
    assert [one["sequence"] for one in admin.get(f"{hooks}/{made['id']}/deliveries").json()["items"]] == [0]
    assert [one["sequence"] for one in admin.get(path, params={"after": 0}).json()["items"]] == [2]


def test_only_the_types_that_were_asked_for(admin, planner_key, path, hooks, receiver):  # noqa: F811
    create(admin, hooks, url=receiver.url, types=["decision.accept"], after=0)
    send(planner_key, path, event(1), event(2, type="decision.accept"), event(3))
    until(lambda: shown(admin, hooks)["cursor"] == 3)
    assert receiver.numbers() == [2]


def test_a_test_is_sent_at_once_and_is_no_event(admin, hooks, receiver):
    made = create(admin, hooks, url=receiver.url)
    told = admin.post(f"{hooks}/{made['id']}/tests").json()
    assert (told["sequence"], told["status"], told["error"]) == (0, 204, None)
    assert json.loads(receiver.got[0][1])["type"] == "webhook.test"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "2130706433"])  # noqa: S104
def test_nothing_is_sent_to_what_is_not_public(receiver, host):
    async def sent():
        sender = Sender(private=False)
        try:
            return await sender.send(f"http://{host}:{receiver.server.server_port}/hook", b"secret", "id", b"{}")
        finally:
            await sender.close()

    answer = asyncio.run(sent())
    assert answer.status is None
    assert answer.error
    assert receiver.got == []


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("127.9.9.9", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
    ],
)
def test_which_addresses_are_public(address, is_public):
    assert public(address) is is_public


@pytest.mark.parametrize("target", ["ftp://a.example/x", "http://", "http://u:p@a.example/", "a.example", "http://a b"])
def test_what_is_no_url_is_refused(admin, hooks, target):
    assert admin.post(hooks, json={"url": target}).status_code == 422


def test_an_area_has_so_many_and_no_more(admin, hooks):
    made = [create(admin, hooks, url="https://a.example/") for _ in range(20)]
    over = admin.post(hooks, json={"url": "https://a.example/"})
    assert (over.status_code, over.json()["type"]) == (409, "/docs/errors#too-many-endpoints")
    assert admin.delete(f"{hooks}/{made[0]['id']}").status_code == 204
    assert len(admin.get(hooks).json()["items"]) == 19
    assert admin.delete(f"{hooks}/{made[0]['id']}").status_code == 404


def test_the_schedule_is_the_standards():
    assert SCHEDULE[:5] == (5, 300, 1800, 7200, 18_000)
    assert sum(SCHEDULE) > 3 * 86_400
