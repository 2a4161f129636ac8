"""docker-compose.scale.yml: Dask clusters that only the worker of their service can reach."""

import subprocess
import sys

import pytest

from tests.containers import composition as compose
from tests.containers import dockerfile
from tests.containers.composition import Composition
from tests.containers.dockerfile import ROOT

SERVICES = ("forecast", "planner")
DASK = tuple(f"{service}-dask-{role}" for service in SERVICES for role in ("scheduler", "worker"))


@pytest.fixture(scope="session")
def scaled(env_file):
    return Composition.read(env_file, compose.SCALE)


def test_the_file_follows_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", compose.SCALE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_adds_dask_and_leaves_all_others_but_the_worker_as_they_were(composition, scaled):
    assert set(scaled.services) == {*composition.services, *DASK}
    changed = {name for name, told in composition.services.items() if scaled.services[name] != told}
    assert changed == {f"{service}-worker" for service in SERVICES}
    for name in changed:
        before, after = (one.services[name] for one in (composition, scaled))
        differing = {key for key in after if after[key] != before.get(key)}
        assert differing <= {"image", "build", "environment", "depends_on", "networks"}
        assert before["environment"].items() <= after["environment"].items()
        assert before["depends_on"].keys() <= after["depends_on"].keys()
        assert set(before["networks"]) < set(after["networks"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_worker_is_told_where_the_scheduler_listens(scaled, service):
    address = scaled.services[f"{service}-worker"]["environment"]["ACCORD_DASK_SCHEDULER"]
    told = scaled.services[f"{service}-dask-scheduler"]["command"]
    assert address == f"tcp://{service}-dask-scheduler:{told[told.index('--port') + 1]}"
    assert scaled.services[f"{service}-dask-worker"]["command"][0] == address


@pytest.mark.parametrize("name", DASK)
def test_only_the_worker_of_the_service_reaches_dask_which_holds_nothing(scaled, name):
    told, service = scaled.services[name], name.split("-")[0]
    assert set(told["networks"]) == {f"{service}-dask"}
    assert scaled.networks[f"{service}-dask"]["internal"] is True
    mine = {other for other in DASK if other.startswith(service)}
    assert scaled.meeting(name) == {*mine, f"{service}-worker"} - {name}
    assert "ports" not in told
    assert "volumes" not in told
    assert not any(secret in str(told) for secret in scaled.secrets.values())
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*DASK, "forecast-worker", "planner-worker"])
def test_all_three_are_the_one_image_that_holds_dask(scaled, name):
    service = name.split("-")[0]
    assert scaled.services[name]["image"] == f"accord-{service}-dask"
    build = scaled.services[name]["build"]
    assert build["context"] == scaled.services[service]["build"]["context"]
    assert set(build["args"]) == {f"SERVICE={service}", "EXTRA=-dask"}
    installed = [rest for word, rest in dockerfile.instructions() if word == "COPY" and "requirements/" in rest]
    assert installed == ["requirements/${SERVICE}.txt /requirements.txt"]  # without EXTRA, as for all others
    assert "\ndistributed==" in (ROOT / "requirements" / f"{service}-dask.txt").read_text()


@pytest.mark.parametrize("name", DASK)
def test_the_words_of_the_commands_are_dasks(scaled, name):
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    python, dash, module = scaled.services[name]["entrypoint"]
    assert (python, dash) == ("python", "-m")
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    for word in scaled.services[name]["command"]:
        assert not word.startswith("--") or word in done.stdout
