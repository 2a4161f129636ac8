"""What a call goes through on its way to a service and back."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.unit.gateway.conftest import answer, caller, never, problem, wait

ITEMS = "/v1/areas/north/items"
DEMAND = "/v1/areas/north/demand"


def raw(url, text):
    """The whole answer to a request as it is written here, the connection closed after it."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(text)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_call_reaches_its_service_with_its_caller(admin, forecast, planner):
    response = admin.get(ITEMS)
    assert (response.status_code, response.content) == (200, b"fine")
    assert forecast.identity.name == "administrator"
    assert forecast.identity.area.area == "north"
    assert forecast.identity.area.horizon == 13
    assert forecast.identity.roles == {"admin"}
    assert planner.seen == []
    admin.get("/v1/areas/north/inventory")
    assert planner.identity.id == forecast.identity.id


def test_path_and_query_arrive_byte_for_byte(url, admin, forecast):
    target = b"/v1/areas/n%6Frth/items?item=a%2Fb%20c+d&item=%C3%A4&empty=&q='%22"
    authorization = admin.headers["authorization"].encode()
    told = raw(
        url,
        b"GET "
        + target
        + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
        + authorization
        + b"\r\n\r\n",
    )
    assert told.startswith(b"HTTP/1.1 200 OK")
    scope = forecast.seen[-1]
    assert scope["raw_path"] + b"?" + scope["query_string"] == target
    assert forecast.identity.area.area == "north"


def test_a_query_that_is_not_ascii_is_refused(url, admin, forecast):
    authorization = admin.headers["authorization"].encode()
    told = raw(
        url,
        b"GET /v1/areas/north/items?q=\xe4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
        + authorization
        + b"\r\n\r\n",
    )
    assert told.startswith(b"HTTP/1.1 400 Bad Request")
    assert forecast.seen == []


def test_nobody_speaks_for_the_gateway(admin, forecast):
    forged = {
        "X-Accord-Identity": "forged",
        "X-Accord-Roles": "admin",
        "X-Forwarded-For": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
        "Cookie": "a=b",
        "If-Match": '"7"',
        "Connection": "x-hop",
        "X-Hop": "1",
    }
    admin.get(ITEMS, headers=forged)
    arrived = forecast.headers
    assert forecast.identity.name == "administrator"
    assert arrived["if-match"] == '"7"'
    assert not {"authorization", "cookie", "forwarded", "x-forwarded-for", "x-accord-roles", "x-hop"} & set(arrived)


def test_the_trace_goes_through(admin, forecast):
    trace = "0af7651916cd43dd8448eb211c80319c"
    response = admin.get(ITEMS, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert response.headers.get_list("x-request-id") == [trace]
    version, passed, span, _ = forecast.headers["traceparent"].split("-")
    assert (version, passed) == ("00", trace)
    assert span != "b7ad6b7169203331"


def test_status_and_fields_come_back(admin, forecast):
    fields = ((b"etag", b'"3"'), (b"location", b"/v1/areas/north/forecasts/7"), (b"x-accord-secret", b"no"))
    forecast.act = answer(202, b"{}", *fields)
    response = admin.post("/v1/areas/north/forecasts", json={})
    assert response.status_code == 202
    assert (response.headers["etag"], response.headers["location"]) == ('"3"', "/v1/areas/north/forecasts/7")
    assert "x-accord-secret" not in response.headers
    assert len(response.headers.get_list("date")) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body(admin, forecast, status):
    forecast.act = answer(status, b"")
    response = admin.delete(ITEMS, params={"item": "a"})
    assert (response.status_code, response.content) == (status, b"")


def test_an_answer_comes_piece_by_piece(admin, forecast):
    gate = threading.Event()

    async def act(_, __, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        while not gate.is_set():
            await wait(0.01)
        await send({"type": "http.response.body", "body": b"second"})

    forecast.act = act
    with admin.stream("GET", DEMAND) as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        gate.set()
        assert b"".join(pieces) == b"second"


def test_a_body_goes_up_piece_by_piece(admin, forecast):
    arrived = []
    first = threading.Event()

    async def act(_, receive, send):
        more = True
        while more:
            message = await receive()
            arrived.append(message.get("body", b""))
            more = message.get("more_body")
            if arrived[-1]:
                first.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % len(b"".join(arrived))})

    def pieces():
        yield b"a" * 1000
        assert first.wait(5), "the first piece waited for the second"
        yield b"b" * 1000

    forecast.act = act
    assert admin.post(DEMAND, content=pieces()).content == b"2000"
    assert b"".join(arrived) == b"a" * 1000 + b"b" * 1000
    assert forecast.headers["transfer-encoding"] == "chunked"


def test_a_body_of_known_length_keeps_it(admin, forecast):
    admin.post(DEMAND, content=b"x" * 500_000)
    assert forecast.headers["content-length"] == "500000"
    assert "transfer-encoding" not in forecast.headers


def test_a_body_beyond_the_limit_is_refused(admin, forecast):
    assert problem(admin.post(DEMAND, content=b"x" * ((1 << 20) + 1))) == (413, "too-large")
    assert forecast.seen == []


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(admin, forecast):
    response = admin.post(DEMAND, content=(b"x" * 65536 for _ in range(17)))
    assert problem(response) == (413, "too-large")
    assert forecast.ended.wait(5)


def test_a_body_that_stands_still_is_given_up(url, admin, forecast):
    authorization = admin.headers["authorization"].encode()
    head = b"POST " + DEMAND.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100\r\n"
    began = time.monotonic()
    told = raw(url, head + b"Authorization: " + authorization + b"\r\n\r\nabc")
    assert told.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b"#request-timeout" in told
    assert time.monotonic() - began < 3


def test_a_service_that_does_not_answer_costs_its_deadline(admin, forecast):
    forecast.act = never
    began = time.monotonic()
    response = admin.get(ITEMS)
    assert problem(response) == (504, "gateway-timeout")
    assert 0.9 < time.monotonic() - began < 2.5
    assert forecast.ended.wait(5), "the service was left waiting"


def test_an_answer_that_breaks_off_does_not_look_whole(admin, forecast):
    async def act(_, __, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await wait(0.1)

    forecast.act = act
    with pytest.raises(httpx2.RemoteProtocolError):
        admin.get(DEMAND)


def test_an_answer_that_stands_still_is_cut_off(admin, forecast):
    async def act(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await never(scope, receive, send)

    forecast.act = act
    with pytest.raises(httpx2.RemoteProtocolError):
        admin.get(DEMAND)
    assert forecast.ended.wait(5)


def test_an_answer_may_take_longer_than_the_deadline_while_it_moves(admin, forecast):
    async def act(_, __, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(5):
            await wait(0.4)
            await send({"type": "http.response.body", "body": b".", "more_body": True})
        await send({"type": "http.response.body", "body": b"!"})

    forecast.act = act
    assert admin.get(DEMAND).content == b".....!"


def test_a_caller_who_leaves_ends_the_call(url, admin, forecast):
    forecast.act = never
    client = caller(url, admin.headers["authorization"].removeprefix("Bearer "))
    with pytest.raises(httpx2.ReadTimeout):
        client.get(ITEMS, timeout=0.2)
    client.close()
    assert forecast.ended.wait(0.7), "the service works on for nobody"


def test_other_services_do_not_suffer(admin, forecast, planner):
    forecast.act = never
    stuck = [threading.Thread(target=lambda: admin.get(ITEMS)) for _ in range(20)]
    for thread in stuck:
        thread.start()
    began = time.monotonic()
    assert admin.get("/v1/areas/north/inventory").status_code == 200
    assert time.monotonic() - began < 0.9
    assert len(planner.seen) == 1
    for thread in stuck:
        thread.join()


def test_both_services_verify(admin, forecast, planner):
    chain = b'{"chains": [{"service": "%s", "entries": %d, "intact": true, "first_bad": null}]}'
    forecast.act = answer(200, chain % (b"forecast", 3), (b"content-type", b"application/json"))
    planner.act = answer(200, chain % (b"planner", 8), (b"content-type", b"application/json"))
    response = admin.post("/v1/areas/north/decisions:verify")
    assert response.status_code == 200
    assert [(each["service"], each["entries"]) for each in response.json()["chains"]] == [
        ("forecast", 3),
        ("planner", 8),
    ]
    assert forecast.identity == planner.identity


def test_what_one_service_cannot_verify_is_not_verified(admin, forecast, planner):
    forecast.act = answer(200, b'{"chains": []}', (b"content-type", b"application/json"))
    planner.act = answer(500, b"")
    assert problem(admin.post("/v1/areas/north/decisions:verify")) == (502, "bad-gateway")
    planner.act = answer(200, b'{"chains": ', (b"content-type", b"application/json"))
    assert problem(admin.post("/v1/areas/north/decisions:verify")) == (502, "bad-gateway")
    planner.act = never
    assert problem(admin.post("/v1/areas/north/decisions:verify")) == (504, "gateway-timeout")


def test_a_body_that_trickles_in_is_given_up(settings, admin, forecast):
    """Never still for long, and never done: a byte a tenth of a second where a thousand a second are the least."""
    authorization = admin.headers["authorization"].encode()
    head = b"POST " + DEMAND.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10000\r\n"
    place = urlsplit(str(admin.base_url))
    sent = 0
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(head + b"Authorization: " + authorization + b"\r\n\r\n")
        connection.settimeout(0.1)
        told = b""
        while not told:
            connection.sendall(b"x")
            sent += 1
            assert sent < 100, "it is still listened to"
            with contextlib.suppress(TimeoutError):
                told = connection.recv(65536)
    assert told.startswith(b"HTTP/1.1 408 Request Timeout")
    assert 4 <= sent <= 20
    assert forecast.ended.wait(5), "the service was left waiting"
