"""Everything killed at once, as by a power cut: what was acknowledged is there, and the work goes on."""

import os
import signal
import time

import pytest

from tests.conftest import Stack
from tests.factories import load_history, week


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path / "data")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.stop()


def test_a_training_survives_the_death_of_everything(stack):
    area = stack.start().area()
    load_history(area)
    mlops, erp = area.as_("mlops"), area.as_("integrator")
    started = mlops.post("/training-runs", json={"reason": "before the cut"})
    path = started.headers["location"].removeprefix(area.prefix)
    await_status(mlops, path, "running")
    acknowledged = 0
    while acknowledged < 20:
        row = {"item": "A", "location": "L1", "period": week(200 + acknowledged), "quantity": acknowledged}
        acknowledged += erp.post("/demand", json=[row]).json()["created"]

    os.kill(stack.process.pid, signal.SIGKILL)
    stack.process.wait()
    stack.start()

    kept = erp.get("/demand", params={"from": week(200), "limit": 1000}).json()["items"]
    assert [row["quantity"] for row in kept] == list(range(20))
    run = area.succeed(started)
    assert run["model_version"] is not None
    versions = mlops.get("/models/versions").json()["items"]
    assert [version["training_run"] for version in versions] == [run["id"]]


def await_status(client, path, status):
    deadline = time.monotonic() + 60
    while client.get(path).json()["status"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)
