"""Accord on a directory of its own, as `make run` starts it, its processes, and calls of it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.embedded.directory import DataDirectory
from services.embedded.environment import HOST

KIBIBYTES = 1024  # in a MiB
PATIENCE_SECONDS = 180.0
STOP_SECONDS = 30
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """One of the stack's processes, by its id and the words that it was started with."""

    pid: int
    words: list[str]

    @property
    def port(self) -> int:
        return int(self.words[self.words.index("--port") + 1])

    @property
    def environment(self) -> dict[str, str]:
        lines = Path(f"/proc/{self.pid}/environ").read_text().split("\0")
        return dict(line.split("=", 1) for line in lines if line)

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins anew: proc_pid_clear_refs(5)

    def peak_mib(self) -> float:
        """Resident memory at its most, since the start or since `forget_peak`."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / KIBIBYTES


@dataclass(frozen=True)
class Stack:
    """A running stack. port, key: of the gateway and its administrator; pid: of the process that started all others."""

    port: int
    key: str
    pid: int

    def call(
        self, method: str, path: str, body: bytes | None = None, media: str = "application/json", **more: str
    ) -> Any:
        """more: further headers."""
        return call(self.port, self.key, method, path, body, media, **more)

    def processor_seconds(self) -> float:
        """Of all its processes, so far."""
        return sum(map(_processor_seconds, descendants(self.pid)))

    def process(self, service: str, command: str) -> Process:
        """The one that carries out a command of a service, such as `work`."""
        found = (Process(pid, Path(f"/proc/{pid}/cmdline").read_text().split("\0")) for pid in children(self.pid))
        return next(each for each in found if f"services.{service}" in each.words and command in each.words)


@contextlib.contextmanager
def started(place: Path) -> Iterator[Stack]:
    port = free_port()
    with subprocess.Popen(launch(port, place), stdout=subprocess.DEVNULL) as stack:
        try:
            await_ready(stack, port)
            yield Stack(port, DataDirectory(place).credentials.api_key("admin"), stack.pid)
        finally:
            stack.terminate()
            stack.wait(STOP_SECONDS)


def launch(port: int, place: Path) -> list[str]:
    return [sys.executable, "-m", "services", "--port", str(port), "--data-dir", str(place)]


def call(
    port: int, key: str, method: str, path: str, body: bytes | None, media: str = "application/json", **more: str
) -> Any:
    """The JSON of an answer that is no problem. more: further headers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    with contextlib.closing(connection):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": media} | more
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:500]!r}")
    return json.loads(content)


def await_ready(stack: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the gateway says that everything is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(port, "/v1/health/ready") != http.HTTPStatus.OK:
        if stack.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the stack did not start: run `make run` and see why")
        time.sleep(PAUSE_SECONDS)


def await_answer(port: int) -> None:
    """Wait until a server says anything at all."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(port, "/v1/health/live") is None:
        if time.monotonic() > deadline:
            raise RuntimeError("a server of the bench did not start")
        time.sleep(PAUSE_SECONDS)


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status
    return None


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return [pid, *(each for child in found for each in descendants(child))]


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime: proc_pid_stat(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
