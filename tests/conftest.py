"""One PostgreSQL server and one whole stack for all tests that need them; each test makes areas of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import hypothesis
import pytest

from services.embedded import postgres
from services.embedded.databases import Server
from tests.factories import Accord, Area

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before XGBoost loads, as the worker does: no spinning threads
hypothesis.settings.register_profile("accord", deadline=None)  # how fast a machine is decides no test
hypothesis.settings.load_profile("accord")

START_SECONDS = 60
STOP_SECONDS = 20


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PostgreSQL with Accord's databases and roles, and nothing in them."""
    with postgres.running(tmp_path_factory.mktemp("postgres"), {"fsync": "off"}) as running:
        yield running


class Stack:
    """`python -m services` on a data directory, started and stopped as a user would."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".log")
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Accord:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "--port", str(self.port), "--data-dir", str(self.data_dir)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parents[1],
                env={name: value for name, value in os.environ.items() if not name.startswith("ACCORD_")},
            )
        url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + START_SECONDS
        while not _ready(url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the stack did not start:\n{self.log.read_text()[-5000:]}")
            time.sleep(0.1)
        return Accord(url, self.data_dir)

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/v1/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def accord(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accord]:
    """The whole stack, one for all tests that do not stop it."""
    stack = Stack(tmp_path_factory.mktemp("stack") / "data")
    yield stack.start()
    stack.stop()


@pytest.fixture
def area(accord: Accord) -> Area:
    """A new weekly area."""
    return accord.area()
