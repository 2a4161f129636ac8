"""What comes in before a request can be refused is bounded, and what is no HTTP is still answered as a problem."""

import contextlib
import json
import socket
import threading
import time

import pytest
import uvicorn

from shared.protocol import MOST_HEAD_BYTES, BoundedProtocol


async def fine(scope, receive, send):
    size = 0
    while (message := await receive()).get("more_body"):
        size += len(message["body"])
    size += len(message["body"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-size", str(size).encode())]})
    await send({"type": "http.response.body", "body": b""})


class Impatient(BoundedProtocol):
    head_seconds = 0.3


@pytest.fixture(scope="module")
def address():
    with listening(BoundedProtocol) as place:
        yield place


@contextlib.contextmanager
def listening(protocol):
    config = uvicorn.Config(fine, port=0, log_level="critical", http=protocol, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join()


def exchange(address, *pieces):
    with socket.create_connection(address, timeout=5) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return until_closed(connection)


def until_closed(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def assert_refused(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] == "/docs/errors#bad-request"


@pytest.mark.parametrize("line", [b"X-%d: " + b"a" * 1000 + b"\r\n", b"b" * 1000 + b"%d"])
def test_a_head_without_end_is_cut_off(address, line):
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        sent = 0
        with pytest.raises(OSError):  # noqa: PT011  reset or broken pipe, as the kernel likes
            while sent < 64 * MOST_HEAD_BYTES:
                sent += connection.send(line % sent)


def test_a_head_without_end_is_told_why(address):
    pieces = [b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(MOST_HEAD_BYTES // 1000 + 2)]
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.05)
        connection.sendall(b"".join(pieces))
        assert_refused(until_closed(connection))


def test_what_is_no_http_is_answered_with_a_problem(address):
    assert_refused(exchange(address, b"no http at all\r\n\r\n"))


def test_large_bodies_and_many_requests_are_no_heads(address):
    size = 3 * MOST_HEAD_BYTES
    with socket.create_connection(address, timeout=5) as connection:
        for _ in range(3):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX: %s\r\n" % (b"a" * 30_000))
            connection.sendall(b"Content-Length: %d\r\n\r\n" % size + b"b" * size)
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += connection.recv(65536)
            assert b"x-size: %d" % size in answer


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(begun):
    with listening(Impatient) as place, socket.create_connection(place, timeout=5) as connection:
        connection.sendall(begun)
        head, _, body = until_closed(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert json.loads(body)["type"] == "/docs/errors#request-timeout"


def test_a_slow_body_is_no_slow_head():
    with listening(Impatient) as place, socket.create_connection(place, timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.5)
        connection.sendall(b"b")
        assert b"x-size: 2" in until_closed(connection)
