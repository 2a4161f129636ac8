"""All processes of Accord, started one by one as an orchestrator would, so that each can be killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from services.embedded import postgres
from services.embedded.databases import Server
from services.embedded.directory import DataDirectory
from services.embedded.environment import HOST, Surroundings, free_ports
from services.embedded.names import SERVICES
from services.embedded.processes import tie_to_parent

APIS = SERVICES
WORKERS = ("forecast-worker", "planner-worker", "planner-worker-2")
STOP_SECONDS = 30
LEASE_SECONDS = 5.0
LOG_SHOWN = 3000  # bytes from its end


class System:
    """A context in which Accord runs on `place`, with a lease that lets the dead be noticed soon.

    Use it from the main thread, without other threads: processes are forked, and end with the thread that forked them.
    """

    def __init__(self, place: Path, lease: float = LEASE_SECONDS) -> None:
        self._directory = DataDirectory(place)
        self._lease = lease
        self._held = contextlib.ExitStack()
        self._cluster: postgres.Postgres
        self._here: Surroundings
        self._log: IO[bytes]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        directory = self._directory
        self._log = self._held.enter_context(self.log.open("ab"))
        place = self._held.enter_context(postgres.reachable(postgres.sockets(directory.postgres)))
        self._cluster = postgres.Postgres(directory.postgres, directory.credentials)
        server = postgres.login(place, directory.credentials)
        self._here = Surroundings(directory, server, dict(zip(APIS, free_ports(len(APIS)), strict=True)))
        self._held.callback(self._stop)
        self.start(["postgres"])
        server.create()
        self._migrate()
        self.start([*APIS, *WORKERS])
        return self

    def __exit__(self, *exception: object) -> None:
        self._held.close()

    @property
    def url(self) -> str:
        return self._here.url("gateway")

    @property
    def key(self) -> str:
        """The administrator's."""
        return self._directory.credentials.api_key("admin")

    @property
    def server(self) -> Server:
        return self._here.server

    @property
    def log(self) -> Path:
        """What all processes have written."""
        return self._directory.root / "log"

    @property
    def pids(self) -> dict[str, int]:
        """Of the processes that run."""
        return {name: process.pid for name, process in self._processes.items() if process.poll() is None}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._processes)

    @property
    def environment_of_mlflow(self) -> dict[str, str]:
        """For an MLflow server on this system's registry."""
        return self._here.of_mlflow()

    def folder(self, name: str) -> Path:
        return self._directory.folder(name)

    def start(self, names: Iterable[str], **surroundings: str) -> None:
        """Start processes that do not run; PostgreSQL takes connections when this returns, the others soon after.

        surroundings: environment variables of services that differ from the usual.
        """
        for name in names:
            self._processes[name] = self._postgres() if name == "postgres" else self._service(name, surroundings)

    def kill(self, names: Iterable[str]) -> None:
        """End processes without a chance to say anything, all of PostgreSQL's where it is among them."""
        victims = list(names)
        for name in victims:
            _halt(self._processes[name].pid)
        doomed = [pid for name in victims for pid in family(self._processes[name].pid)]
        for pid in doomed:
            _send(pid, signal.SIGKILL)
        for name in victims:
            self._processes[name].wait()

    def end(self, name: str) -> None:
        """Kill a process that is not to come back."""
        self.kill([name])
        del self._processes[name]

    def send(self, name: str, number: signal.Signals) -> None:
        _send(self._processes[name].pid, number)

    def wait(self, name: str) -> int:
        """The exit status of a process that was asked to end."""
        return self._processes[name].wait(STOP_SECONDS)

    def _postgres(self) -> subprocess.Popen[bytes]:
        """Started again where it finds that one of the last one's processes still ends."""
        deadline = time.monotonic() + STOP_SECONDS
        process = self._cluster.start(self._log.fileno())
        while not postgres.answers(self.server):
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-LOG_SHOWN:]}")
            if process.poll() is not None:
                process = self._cluster.start(self._log.fileno())
            time.sleep(0.05)
        return process

    def _service(self, name: str, surroundings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        service, _, role = name.partition("-")
        command = ["work"] if role else ["serve", "--host", HOST, "--port", str(self._here.ports[service])]
        environment = self._here.of(service) | {"ACCORD_LEASE_SECONDS": str(self._lease), **surroundings}
        return subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", *command],
            env=environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGKILL),  # noqa: PLW1509  no threads here
        )

    def _migrate(self) -> None:
        running = [
            subprocess.Popen([sys.executable, "-m", f"services.{name}", "migrate"], env=self._here.of_migration(name))
            for name in SERVICES
        ]
        if sum(process.wait() for process in running):
            raise RuntimeError("a migration failed")

    def _stop(self) -> None:
        self.kill(name for name in self._processes if name != "postgres")
        if "postgres" in self._processes:
            self.send("postgres", signal.SIGINT)
            self.wait("postgres")


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _halt(pid: int) -> None:
    """Stop a process where it stands, so that it starts no child that would outlive it unseen.

    A server process that waits for one of the killed for ever would hold PostgreSQL's memory, and no other could start.
    """
    _send(pid, signal.SIGSTOP)
    deadline = time.monotonic() + STOP_SECONDS
    while _state(pid) not in {"T", "Z", ""} and time.monotonic() < deadline:
        time.sleep(0.001)


def _state(pid: int) -> str:
    """The letter that /proc has for what a process does; nothing where it is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    return [pid, *(one for child in _children(pid) for one in family(child))]


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield from map(int, task.read_text().split())
