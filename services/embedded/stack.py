"""The whole of Accord: database, migrations, and the five processes of the three services."""

import contextlib
import http.client
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from services.embedded import postgres
from services.embedded.credentials import write_private
from services.embedded.databases import Server
from services.embedded.directory import DataDirectory, DirectoryInUseError
from services.embedded.environment import HOST, Surroundings, free_ports, is_free
from services.embedded.errors import EmbeddedError
from services.embedded.log import Log
from services.embedded.names import SERVICES, UPSTREAMS
from services.embedded.supervisor import Supervisor

MIGRATION_SECONDS = 120.0
READY_SECONDS = 120.0
MLFLOW_PORT = 5000


class PortTakenError(EmbeddedError):
    """Another process listens on the gateway's port."""


@dataclass(frozen=True)
class Stack:
    """What was asked for on the command line.

    database_url: a role on an existing server that may create roles and databases; None starts PostgreSQL here.
    """

    directory: DataDirectory
    port: int
    database_url: str | None
    log: Log

    def run(self) -> None:
        """Start everything and stay until somebody stops it (StopRequested) or a process dies (ChildDiedError)."""
        self._require_free_port()
        with self.directory.locked(), self._sockets() as sockets, Supervisor(self.log) as supervisor:
            here = self._surroundings(self._database(supervisor, sockets))
            self._migrate(supervisor, here)
            self._write_admin_key()
            self._start_services(supervisor, here)
            supervisor.wait_until(lambda: _is_ready(self.port), "the services are", READY_SECONDS)
            self._welcome(here)
            supervisor.watch()

    def migrate(self) -> None:
        """Bring all databases to the newest revision, without services."""
        with self.directory.locked(), self._sockets() as sockets, Supervisor(self.log) as supervisor:
            self._migrate(supervisor, self._surroundings(self._database(supervisor, sockets)))
            self._say("all databases are at their newest revision")

    def mlflow(self) -> None:
        """Show MLflow's own pages on the model registry, beside a running stack or alone, until stopped."""
        with contextlib.ExitStack() as held, self._sockets() as sockets, Supervisor(self.log) as supervisor:
            try:
                held.enter_context(self.directory.locked())
                server = self._database(supervisor, sockets)
            except DirectoryInUseError:
                server = self._server(sockets)
            self._say(f"MLflow is starting on http://{HOST}:{MLFLOW_PORT}")
            command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(MLFLOW_PORT)]
            supervisor.start("mlflow", [*command, "--workers", "1"], self._surroundings(server).of_mlflow())
            supervisor.watch()

    def _sockets(self) -> contextlib.AbstractContextManager[Path]:
        return postgres.reachable(postgres.sockets(self.directory.postgres))

    def _server(self, sockets: Path) -> Server:
        if self.database_url:
            return Server(self.database_url.replace("+psycopg", "", 1), self.directory.credentials)
        return postgres.login(sockets, self.directory.credentials)

    def _database(self, supervisor: Supervisor, sockets: Path) -> Server:
        """The server with all databases and roles, started here if it is the embedded one."""
        server = self._server(sockets)
        if not self.database_url:
            cluster = postgres.Postgres(self.directory.postgres, self.directory.credentials)
            supervisor.adopt("postgres", cluster.start(subprocess.PIPE), signal.SIGINT, postgres.STOP_SECONDS)
            supervisor.wait_until(lambda: postgres.answers(server), "PostgreSQL is", postgres.START_SECONDS)
        server.create()
        return server

    def _surroundings(self, server: Server) -> Surroundings:
        ports = dict(zip(UPSTREAMS, free_ports(len(UPSTREAMS)), strict=True))
        return Surroundings(self.directory, server, {"gateway": self.port, **ports})

    def _migrate(self, supervisor: Supervisor, here: Surroundings) -> None:
        migrations = [
            supervisor.start(service, _program(service, "migrate"), here.of_migration(service), finite=True)
            for service in SERVICES
        ]
        supervisor.wait_until(
            lambda: not any(child.running for child in migrations), "the migrations are", MIGRATION_SECONDS
        )

    def _start_services(self, supervisor: Supervisor, here: Surroundings) -> None:
        for service in SERVICES:
            command = _program(service, "serve", "--host", HOST, "--port", str(here.ports[service]))
            supervisor.start(service, command, here.of(service))
        for service in UPSTREAMS:
            supervisor.start(f"{service}-worker", _program(service, "work"), here.of(service))

    def _write_admin_key(self) -> None:
        write_private(self.directory.admin_key, self.directory.credentials.api_key("admin") + "\n")

    def _require_free_port(self) -> None:
        if not is_free(self.port):
            raise PortTakenError(f"port {self.port} is taken: stop what listens there, or choose another by --port")

    def _welcome(self, here: Surroundings) -> None:
        for line in (
            "ready",
            f"gateway  {here.url('gateway')}",
            f"docs     {here.url('gateway')}/docs",
            f"key      {self.directory.admin_key}",
            "Ctrl-C stops everything",
        ):
            self._say(line)

    def _say(self, text: str) -> None:
        self.log.line("accord", text)


def _program(service: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"services.{service}", *arguments]


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/v1/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False
