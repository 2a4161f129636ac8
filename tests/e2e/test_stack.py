"""`python -m services` as a person uses it: start, stop, start again, and what happens when something breaks."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from services.embedded import postgres
from services.embedded.databases import Server
from services.embedded.directory import DataDirectory
from tests.conftest import Stack
from tests.factories import load_history, week

ROOT = Path(__file__).parents[2]
CHILDREN = ("gateway serve", "forecast serve", "forecast work", "planner serve", "planner work")


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path / "data")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.process.kill()
        stack.process.wait()


def family(pid):
    """The processes below `pid` by command line, but for those that end meanwhile."""
    found = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            with suppress(FileNotFoundError, ProcessLookupError):
                found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
                found |= family(int(child))
    return found


def child(stack, command):
    return next(pid for pid, line in family(stack.process.pid).items() if f"services.{command}" in line)


def await_end(pids):
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run_beside(*arguments):
    command = [sys.executable, "-m", "services", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_stop_leaves_no_process_a_second_start_finds_everything_and_a_dead_child_stops_it(stack):
    first = stack.start()
    area = first.area()
    assert stat.S_IMODE((stack.data_dir / "admin.key").stat().st_mode) == 0o600
    pids = family(stack.process.pid)
    assert all(any(f"services.{command}" in line for line in pids.values()) for command in CHILDREN)

    began = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - began < 15
    await_end(pids)

    second = stack.start()
    assert second.admin.headers["authorization"] == first.admin.headers["authorization"]
    assert second.admin.get(f"/v1/areas/{area.name}").status_code == 200

    pids = family(stack.process.pid)
    os.kill(child(stack, "planner work"), signal.SIGKILL)
    assert stack.process.wait(30) == 1
    await_end(pids)
    assert "accord: planner-worker was killed by SIGKILL. Its last lines:" in stack.log.read_text()


def test_while_it_runs_its_data_and_its_port_are_its_own(accord, tmp_path):
    port = accord.url.rpartition(":")[2]
    same_data = run_beside("--port", str(Stack(tmp_path).port), "--data-dir", str(accord.data_dir))
    assert same_data.returncode == 1
    assert re.search(rf"{accord.data_dir} is in use by process \d+", same_data.stderr)
    same_port = run_beside("--port", port, "--data-dir", str(tmp_path / "other"))
    assert same_port.returncode == 1
    assert f"port {port} is taken" in same_port.stderr


def test_a_training_and_acknowledged_rows_survive_the_death_of_everything(stack):
    area = stack.start().area()
    load_history(area)
    mlops, erp = area.as_("mlops"), area.as_("integrator")
    started = mlops.post("/training-runs", json={"reason": "before the cut"})
    await_running(mlops, started.headers["location"].removeprefix(area.prefix))
    acknowledged = 0
    while acknowledged < 20:
        row = {"item": "A", "location": "L1", "period": week(200 + acknowledged), "quantity": acknowledged}
        acknowledged += erp.post("/demand", json=[row]).json()["created"]

    pids = family(stack.process.pid)
    stack.process.kill()
    stack.process.wait()
    await_end(pids)
    stack.start()

    kept = erp.get("/demand", params={"from": week(200), "limit": 1000}).json()["items"]
    assert [row["quantity"] for row in kept] == list(range(20))
    run = area.succeed(started)
    assert run["model_version"] is not None
    versions = mlops.get("/models/versions").json()["items"]
    assert [version["training_run"] for version in versions] == [run["id"]]


def await_running(client, path):
    deadline = time.monotonic() + 60
    while client.get(path).json()["status"] != "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_of_ones_own_serves_in_place_of_the_embedded_one(tmp_path):
    data, log = tmp_path / "data", tmp_path / "log"
    with postgres.running(tmp_path / "server", {"fsync": "off"}) as server, log.open("wb") as out:
        arguments = ["migrate", "--data-dir", str(data), "--database-url", server.admin]
        assert subprocess.call([sys.executable, "-m", "services", *arguments], cwd=ROOT, stdout=out) == 0
        own = Server(server.admin, DataDirectory(data).credentials)
        with own.connect("planner", "owner") as owner:
            assert owner.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    assert not (data / "postgres").exists()
    assert "databases are at their newest revision" in log.read_text()
