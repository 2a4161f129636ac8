"""Children that speak, end, die, refuse to stop, or are left by a killed supervisor."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.embedded import supervisor
from services.embedded.log import Log
from services.embedded.supervisor import ChildDiedError, NotReadyError, StopRequested, Supervisor

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(sys.argv[1], "stops", flush=True)))
signal.signal(signal.SIGINT, lambda *_: sys.exit(print(sys.argv[1], "stops", flush=True)))
print("up", flush=True)
time.sleep(600)
"""
WITH_GRANDCHILD = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
STARTER = """
import os, sys
from services.embedded.log import Log
from services.embedded.supervisor import Supervisor
with Supervisor(Log(sys.stdout, coloured=False)) as supervisor:
    child = supervisor.start("x", [sys.executable, "-c", "import time; time.sleep(600)"], dict(os.environ))
    print(child.process.pid, flush=True)
    supervisor.watch()
"""


class Stage:
    """A supervisor whose log can be read."""

    def __init__(self):
        self.out = io.StringIO()
        self.supervisor = Supervisor(Log(self.out, coloured=False))

    def start(self, name, code, *arguments, **options):
        return self.supervisor.start(name, [sys.executable, "-c", code, *arguments], dict(os.environ), **options)

    def lines(self):
        return [line.replace(" ", "") for line in self.out.getvalue().splitlines()]

    def wait_for(self, line):
        self.supervisor.wait_until(lambda: line in self.lines(), line, 20)


@pytest.fixture
def stage():
    stage = Stage()
    with stage.supervisor:
        yield stage


def is_gone(pid):
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "zombie" in status.read_text()


def await_end(pid):
    deadline = time.monotonic() + 10
    while not is_gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_line_stands_behind_its_process(stage):
    stage.start("one", "print('hello'); import time; time.sleep(600)", "")
    stage.start("two", POLITE, "two")
    stage.wait_for("two|up")


def test_lines_without_an_end_and_bytes_that_are_no_text_come_through(stage):
    child = stage.start("x", r"import os; os.write(1, b'a\xff\nlast')", finite=True)
    stage.supervisor.wait_until(lambda: not child.running and len(child.tail) == 2, "x", 20)
    assert list(child.tail) == ["a\N{REPLACEMENT CHARACTER}", "last"]


def test_a_childs_death_is_told_with_its_last_lines(stage):
    stage.start("other", SLEEP)
    stage.start("victim", "for n in range(50): print('line', n)\nraise SystemExit(3)")
    with pytest.raises(ChildDiedError) as died:
        stage.supervisor.watch()
    text = str(died.value)
    assert text.startswith("victim ended with status 3. Its last lines:")
    assert [line.strip() for line in text.splitlines()[1:]] == [f"line {n}" for n in range(30, 50)]


def test_a_killed_child_is_told_with_the_signal(stage):
    child = stage.start("victim", SLEEP)
    child.process.kill()
    with pytest.raises(ChildDiedError, match=r"victim was killed by SIGKILL"):
        stage.supervisor.watch()


def test_a_service_that_ends_well_is_still_a_death(stage):
    stage.start("victim", "pass")
    with pytest.raises(ChildDiedError, match="ended with status 0"):
        stage.supervisor.watch()


def test_a_finite_child_may_end_but_not_fail(stage):
    good = stage.start("good", "pass", finite=True)
    stage.supervisor.wait_until(lambda: not good.running, "good", 20)
    stage.start("bad", "raise SystemExit(1)", finite=True)
    with pytest.raises(ChildDiedError, match="bad ended with status 1"):
        stage.supervisor.wait_until(lambda: False, "nothing", 20)


def test_waiting_has_an_end(stage):
    with pytest.raises(NotReadyError, match="godot not ready after 0 seconds"):
        stage.supervisor.wait_until(lambda: False, "godot", 0.2)


@pytest.fixture
def heard():
    """No signal is ignored, as some are under `nohup` and in a shell's background."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in supervisor.STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", supervisor.STOP_SIGNALS)
def test_a_signal_asks_for_a_stop(heard, stage, number):
    stage.start("sender", f"import os, time; os.kill({os.getpid()}, {int(number)}); time.sleep(600)")
    with pytest.raises(StopRequested):
        stage.supervisor.watch()


def test_handlers_are_put_back():
    before = {number: signal.getsignal(number) for number in supervisor.STOP_SIGNALS}
    with Stage().supervisor:
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in supervisor.STOP_SIGNALS} == before


def test_what_others_stand_on_stops_last():
    stage = Stage()
    with stage.supervisor:
        base = subprocess.Popen([sys.executable, "-c", POLITE, "base"], stdout=subprocess.PIPE, start_new_session=True)
        stage.supervisor.adopt("base", base, signal.SIGINT, 7)
        stage.start("one", POLITE, "one")
        stage.start("two", POLITE, "two")
        for name in ("base", "one", "two"):
            stage.wait_for(f"{name}|up")
    stops = [line for line in stage.lines() if line.endswith("stops")]
    assert sorted(stops[:2]) == ["one|onestops", "two|twostops"]
    assert stops[2:] == ["base|basestops"]


def test_a_deaf_child_is_killed():
    stage = Stage()
    with stage.supervisor:
        child = stage.start("x", STUBBORN)
        child.stop_seconds = 0.3
        stage.wait_for("x|deaf")
    assert child.process.returncode == -signal.SIGKILL
    assert "did not stop within" in stage.out.getvalue()


def test_a_stop_reaches_grandchildren():
    stage = Stage()
    with stage.supervisor:
        child = stage.start("x", WITH_GRANDCHILD)
        stage.supervisor.wait_until(lambda: bool(child.tail), "a grandchild", 20)
    await_end(int(child.tail[0]))


def test_an_error_of_ones_own_leaves_no_child():
    stage = Stage()
    with pytest.raises(ZeroDivisionError), stage.supervisor:
        child = stage.start("x", SLEEP)
        _ = 1 / 0
    assert child.process.returncode is not None


def test_children_die_with_a_killed_supervisor():
    command = [sys.executable, "-c", STARTER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        child = int(starter.stdout.readline())
        assert not is_gone(child)
        starter.kill()
        await_end(child)


def test_a_signal_that_the_starter_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Stage().supervisor:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
