"""Accord as single processes that a test can stop, kill and start; one for all tests of this folder."""

import asyncio
import time

import pytest

from bench.trial.killer import ready
from bench.trial.system import System
from services.embedded.credentials import write_private
from tests.factories import Accord, load_history, load_supply, train_and_promote


@pytest.fixture(scope="package")
def system(tmp_path_factory):
    with System(tmp_path_factory.mktemp("system")) as system:
        asyncio.run(ready(system))
        yield system


@pytest.fixture(scope="package")
def alone(system, tmp_path_factory):
    """The same, as its clients see it."""
    place = tmp_path_factory.mktemp("client")
    write_private(place / "admin.key", system.key)
    return Accord(system.url, place)


@pytest.fixture(scope="package")
def planned(alone):
    """An area with a forecast and recommendations."""
    area = alone.area()
    load_history(area)
    load_supply(area)
    train_and_promote(area)
    area.succeed(area.as_("planner").post("/forecasts", json={}))
    area.succeed(area.as_("planner").post("/plans", json={}))
    return area


@pytest.fixture
def restarted(system):
    """Start processes again and wait until all is ready."""

    def start(*names):
        system.start(names)
        asyncio.run(ready(system))

    return start


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found
