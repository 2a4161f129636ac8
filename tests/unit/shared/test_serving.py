"""A process that is told to end: not ready first, every connection closed after its answer, nothing accepted lost."""

import asyncio
import threading
import time

import httpx2
import pytest
import uvicorn

from shared.protocol import BoundedProtocol
from shared.serving import Lingering, Server

LINGER_SECONDS = 0.5


@pytest.fixture
def serving():
    gate = asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/slow":
            await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    lingering = Lingering(app)
    config = uvicorn.Config(lingering, port=0, log_level="critical", http=BoundedProtocol, lifespan="off")
    server = Server(config, lingering, LINGER_SECONDS)
    loops = []

    async def run():
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield server, f"http://{host}:{port}", lambda: loops[0].call_soon_threadsafe(gate.set)
    server.should_exit = server.force_exit = True
    thread.join()


def test_it_is_called_not_ready_while_it_still_answers(serving):
    server, url, let_go = serving
    with httpx2.Client(base_url=url) as client:
        before = client.get("/v1/health/ready")
        assert (before.content, "connection" in before.headers) == (b"fine", False)
        slow = []
        waiting = threading.Thread(target=lambda: slow.append(httpx2.get(f"{url}/slow", timeout=5)))
        waiting.start()
        while not server.server_state.tasks:
            time.sleep(0.01)
        server.should_exit = True
        while (ready := client.get("/v1/health/ready")).status_code == 200:
            time.sleep(0.01)
        assert (ready.status_code, ready.json()["checks"]) == (503, {"process": "is ending"})
        answer = client.get("/")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    while is_listening(url):
        time.sleep(0.02)
    assert not slow
    let_go()
    waiting.join()
    assert [each.content for each in slow] == [b"fine"]


def is_listening(url):
    try:
        httpx2.get(url)
    except httpx2.ConnectError:
        return False
    return True
