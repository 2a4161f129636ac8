"""Child processes: their output, their deaths, and an orderly end.

One thread waits in `select` for output and for signals, so that a process is only ever forked from a process without
threads. Each child is a session of its own: Ctrl-C reaches the supervisor alone, which stops the children in order.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Self

from services.embedded.errors import EmbeddedError
from services.embedded.log import Log
from services.embedded.processes import tie_to_parent

TAIL_LINES = 20
STOP_SECONDS = 7.0
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):  # noqa: N818  a wish, not an error
    """Somebody pressed Ctrl-C or sent SIGTERM."""


class ChildDiedError(EmbeddedError):
    """A process that all others need is gone."""

    def __init__(self, child: "Child") -> None:
        last = "\n".join(f"    {line}" for line in child.tail) or "    (none)"
        super().__init__(f"{child.name} {_ending(child.process.returncode)}. Its last lines:\n{last}")


class NotReadyError(EmbeddedError):
    """What was waited for did not come in time."""


@dataclass(eq=False)
class Child:
    """A running process.

    finite: it is expected to end with status 0. base: others need it until they end, so it stops after them.
    stop_seconds: how long it may take to stop before it is killed.
    """

    name: str
    process: subprocess.Popen[bytes]
    finite: bool = False
    base: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = STOP_SECONDS
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    unfinished: bytes = b""

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def failed(self) -> bool:
        return not self.running and not (self.finite and self.process.returncode == 0)

    def signal(self, number: signal.Signals) -> None:
        """Send to the whole session, so that nothing the child has started stays behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Supervisor:
    """A context in which children run; when it is left, for whatever reason, none of them is left running."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._children: list[Child] = []
        self._stop_requested = False
        self._selector = selectors.DefaultSelector()
        self._handlers: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._old_wakeup = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (*STOP_SIGNALS, signal.SIGCHLD):
            if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` asks for
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._stop([child for child in self._children if not child.base])
            self._stop([child for child in self._children if child.base])
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._old_wakeup)
            self._selector.close()
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], *, finite: bool = False
    ) -> Child:
        """Start a child whose output goes to the log and that dies with the supervisor, even by SIGKILL."""
        process = subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGKILL),  # noqa: PLW1509  no threads here
        )
        return self._follow(Child(name, process, finite=finite))

    def adopt(
        self, name: str, process: subprocess.Popen[bytes], stop_signal: signal.Signals, stop_seconds: float
    ) -> Child:
        """Take over a process, started with a pipe for its output, that the other children depend on."""
        return self._follow(Child(name, process, base=True, stop_signal=stop_signal, stop_seconds=stop_seconds))

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Look at `condition` until it holds. Raises NotReadyError, ChildDiedError or StopRequested."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise NotReadyError(f"{what} not ready after {seconds:.0f} seconds")
            pause = time.monotonic() + POLL_SECONDS
            while (left := pause - time.monotonic()) > 0:
                self._attend(left)
            self._check()

    def watch(self) -> None:
        """Pass on output until a child dies (ChildDiedError) or a stop is requested (StopRequested)."""
        while True:
            self._attend(None)
            self._check()

    def _follow(self, child: Child) -> Child:
        self._children.append(child)
        self._selector.register(_output(child), selectors.EVENT_READ, child)
        return child

    def _check(self) -> None:
        for child in self._children:
            if child.failed:
                self._drain(child)
                raise ChildDiedError(child)
        if self._stop_requested:
            raise StopRequested

    def _stop(self, children: Iterable[Child]) -> None:
        remaining = [child for child in children if child.running]
        for child in remaining:
            child.signal(child.stop_signal)
        began = time.monotonic()
        for child in sorted(remaining, key=lambda child: child.stop_seconds):
            while child.running and (left := began + child.stop_seconds - time.monotonic()) > 0:
                self._attend(left)
            if child.running:
                self._log.line(child.name, f"did not stop within {child.stop_seconds:.0f} seconds and is killed")
            child.signal(signal.SIGKILL)
            child.process.wait()
            self._drain(child)

    def _attend(self, seconds: float | None) -> None:
        """Wait for output or a signal, at most `seconds`, and pass on what came."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                os.read(self._wake_reader, 4096)
            else:
                self._read(key.data)

    def _read(self, child: Child) -> bool:
        """Pass on what the child has written; False when there will be no more."""
        chunk = os.read(_output(child).fileno(), 65536)
        *lines, child.unfinished = (child.unfinished + chunk).split(b"\n")
        if not chunk and child.unfinished:
            lines, child.unfinished = [child.unfinished], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            child.tail.append(text)
            self._log.line(child.name, text)
        if not chunk:
            self._selector.unregister(_output(child))
            _output(child).close()
        return bool(chunk)

    def _drain(self, child: Child) -> None:
        """Pass on what a dead child left in its pipe, without waiting for a grandchild that may hold it open."""
        while not _output(child).closed and self._has_output(child) and self._read(child):
            pass

    def _has_output(self, child: Child) -> bool:
        return any(key.data is child for key, _ in self._selector.select(0))

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._stop_requested = True


def _output(child: Child) -> IO[bytes]:
    assert child.process.stdout is not None  # noqa: S101  each is started with a pipe
    return child.process.stdout


def _ending(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"
