"""A PostgreSQL server of one's own: made with `initdb`, started and stopped, reachable by a Unix socket only.

Root starts it as an unprivileged user. That user may be unable to pass the directories above the data, as in
/root/x/.accord; so root opens the server's home and hands over the open descriptor. The server knows its home as
/proc/self/fd/N, which needs no passage: the data stays where it was wanted, and no mode outside it changes.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from psycopg import pq
from psycopg.conninfo import make_conninfo

from services.embedded import processes
from services.embedded.credentials import Credentials
from services.embedded.databases import Server
from services.embedded.errors import EmbeddedError
from services.embedded.names import SUPERUSER
from services.embedded.programs import ENVIRONMENT, Account, bin_for

PORT = 5432  # names the socket's file; nothing listens on TCP
LONGEST_DIRECTORY = 90  # bytes; the address of a socket holds 107, the file's name included
START_SECONDS = 30.0
STOP_SECONDS = 20.0  # the checkpoint after the first start writes some thousand files
SYNC_ONCE = "--sync-method=" + ("syncfs" if sys.platform == "linux" else "fsync")  # not a thousand times

SETTINGS = {
    "fsync": "on",
    "listen_addresses": "",
    "unix_socket_directories": "../socket",  # relative to the data: never too long for the server
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m %q%u@%d ",
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than these queries take
}


class PostgresError(EmbeddedError):
    """The server cannot be made or started; the text says why."""


class Postgres:
    """The server whose files are in `home`."""

    def __init__(self, home: Path, credentials: Credentials) -> None:
        self.home = home.absolute()
        self._credentials = credentials
        self._account = Account.for_files(self.home)
        self._bin = bin_for(self._account)

    def start(self, output: int | IO[bytes], settings: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the server, made first if there is none; it takes connections once `answers` says so."""
        self._make_home()
        options = SETTINGS | dict(settings or {})
        with self._as_account() as (home, how):
            if not self._data.exists():
                self._initialise(home, how, durable=options["fsync"] != "off")
            elif not self._credentials.exist:
                raise PostgresError(f"the passwords of {self._data} are lost: restore the file `secrets` beside it")
            self._clear_last_run()
            return self._launch(home, how, output, options)

    def _launch(
        self, home: str, how: dict[str, Any], output: int | IO[bytes], options: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        arguments = [f"-c{name}={value}" for name, value in options.items()]
        return subprocess.Popen(  # noqa: S603
            [self._bin / "postgres", f"-D{home}/data", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=processes.tie_to_parent(signal.SIGINT),  # noqa: PLW1509  only a system call
            **how,
        )

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _make_home(self) -> None:
        for directory in (self.home, sockets(self.home)):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(directory, self._account.uid, self._account.gid)

    @contextmanager
    def _as_account(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name under which the account reaches the home, and how to start a process as that account."""
        how = {"stdin": subprocess.DEVNULL, "cwd": "/", "env": ENVIRONMENT, "umask": 0o077}
        how |= self._account.switch()
        if not self._account.differs:
            yield str(self.home), how
            return
        descriptor = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", {**how, "pass_fds": [descriptor]}
        finally:
            os.close(descriptor)

    def _initialise(self, home: str, how: dict[str, Any], *, durable: bool) -> None:
        """Run initdb beside the data's place, then move it there: half-made data is never taken for a server."""
        shutil.rmtree(self.home / "data.new", ignore_errors=True)
        password = self.home / "password"
        password.touch(mode=0o600)
        os.chown(password, self._account.uid, self._account.gid)
        password.write_text(self._credentials.password(SUPERUSER))
        command = [str(self._bin / "initdb"), f"-D{home}/data.new", f"--pwfile={home}/password"]
        command += [f"--username={SUPERUSER}", "--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command.append(SYNC_ONCE if durable else "--no-sync")
        done = subprocess.run(command, check=False, capture_output=True, text=True, **how)  # noqa: S603
        password.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb failed in {self.home}:\n{done.stdout}{done.stderr}")
        (self.home / "data.new").rename(self._data)

    def _clear_last_run(self) -> None:
        """Stop a server whose starter was killed, and remove the marks of one that was killed itself.

        Its process id may by now be another process's, for which the new server would wrongly step back. Where there
        is no /proc to tell them apart, it is left to the server.
        """
        lock = self._data / "postmaster.pid"
        if sys.platform == "linux" and lock.exists():
            holder = lock.read_text().partition("\n")[0]
            if holder.isdecimal():  # a crash of the machine may leave the file empty
                self._stop_orphan(int(holder))
            lock.unlink(missing_ok=True)
        for leftover in sockets(self.home).iterdir():
            leftover.unlink()

    def _stop_orphan(self, pid: int) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self._serves(pid):
            if time.monotonic() > deadline:
                raise PostgresError(f"process {pid} still serves {self._data} and does not stop")
            os.kill(pid, signal.SIGINT)
            time.sleep(0.1)

    def _serves(self, pid: int) -> bool:
        """Whether `pid` is a server on this data: PostgreSQL makes its data its working directory."""
        try:
            return self._data.samefile(f"/proc/{pid}/cwd")
        except (FileNotFoundError, PermissionError):
            return False


def sockets(home: Path) -> Path:
    """The directory of the socket of the server whose files are in `home`."""
    return home / "socket"


def login(directory: Path, credentials: Credentials) -> Server:
    """The server whose socket is reached through `directory`, entered by its superuser."""
    password = credentials.password(SUPERUSER)
    admin = make_conninfo(host=str(directory), port=PORT, user=SUPERUSER, password=password, dbname="postgres")
    return Server(admin, credentials)


def answers(server: Server) -> bool:
    """Whether the server takes connections now."""
    return pq.PGconn.ping(server.admin.encode()) == pq.Ping.OK


@contextmanager
def reachable(directory: Path) -> Iterator[Path]:
    """The directory itself, or a short link to it where its name does not fit into a socket's address.

    libpq takes a name with a comma for several.
    """
    if len(os.fsencode(directory)) <= LONGEST_DIRECTORY and "," not in str(directory):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="accord-") as private:
        link = Path(private, "socket")
        link.symlink_to(directory)
        yield link


@contextmanager
def running(directory: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server in `directory` with its databases and roles, without services, for the length of the block.

    settings: PostgreSQL parameters, for example {"fsync": "off"}. The log is `directory/postgres.log`.
    Call from the main thread: the server stops when the thread that started it ends.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = Credentials(directory / "secrets")
    home, log = directory / "postgres", directory / "postgres.log"
    with log.open("ab") as output, reachable(sockets(home).absolute()) as place:
        process = Postgres(home, credentials).start(output, settings)
        try:
            server = login(place, credentials)
            _await(server, process, log)
            server.create()
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _await(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(server):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)
