"""docker-compose.yml, read by a compose implementation and held against what the services expect."""

import re
import stat
import subprocess
import sys
from itertools import combinations

import pytest

from services.embedded.names import SERVICES, UPSTREAMS
from services.embedded.postgres import SETTINGS
from services.forecast.settings import Settings as ForecastSettings
from services.gateway.keys.credential import Credential
from services.gateway.settings import GatewaySettings
from services.planner.settings import Settings as PlannerSettings
from shared.settings import MigrationSettings
from tests.containers import composition as compose

SETTINGS_OF = {"gateway": GatewaySettings, "forecast": ForecastSettings, "planner": PlannerSettings}
PROCESSES = ("gateway", "forecast", "forecast-worker", "planner", "planner-worker")
JOBS = ("databases", "gateway-migration", "forecast-migration", "planner-migration")
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")
PUBLISH = "ACCORD_PUBLISH"
HOLDS = {
    "postgres": {"POSTGRES_PASSWORD"},
    "databases": {"POSTGRES_PASSWORD"}
    | {f"{name}_{role}_PASSWORD" for name in ("GATEWAY", "FORECAST", "PLANNER", "MLFLOW") for role in ("OWNER", "APP")},
    "gateway-migration": {"GATEWAY_OWNER_PASSWORD"},
    "forecast-migration": {"FORECAST_OWNER_PASSWORD"},
    "planner-migration": {"PLANNER_OWNER_PASSWORD"},
    "mlflow": {"MLFLOW_OWNER_PASSWORD"},
    "gateway": {"GATEWAY_APP_PASSWORD", "BOOTSTRAP_ADMIN_KEY"}
    | {f"{name}_{what}" for name in ("FORECAST", "PLANNER") for what in ("IDENTITY_SECRET", "SERVICE_KEY")},
    "forecast": {"FORECAST_APP_PASSWORD", "FORECAST_IDENTITY_SECRET", "FORECAST_SERVICE_KEY"},
    "forecast-worker": {"FORECAST_APP_PASSWORD", "FORECAST_IDENTITY_SECRET", "FORECAST_SERVICE_KEY"},
    "planner": {"PLANNER_APP_PASSWORD", "PLANNER_IDENTITY_SECRET", "PLANNER_SERVICE_KEY"},
    "planner-worker": {"PLANNER_APP_PASSWORD", "PLANNER_IDENTITY_SECRET", "PLANNER_SERVICE_KEY"},
}


def test_the_file_follows_the_compose_specification():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", compose.FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_variable_is_required_but_the_published_address():
    for name, rest in VARIABLE.findall(compose.FILE.read_text()):
        assert rest == (":-127.0.0.1:8080" if name == PUBLISH else ":?")


@pytest.mark.parametrize("left", ["", "{name}=\n"])
def test_without_one_of_the_secrets_nothing_is_read(env_file, tmp_path, left):
    *kept, last = env_file.read_text().splitlines(keepends=True)
    name = last.partition("=")[0]
    (tmp_path / ".env").write_text("".join(kept) + left.format(name=name))
    done = compose.resolve(tmp_path / ".env")
    assert done.returncode != 0
    assert name in done.stderr


def test_the_documented_command_draws_exactly_the_secrets_that_are_asked_for(composition, env_file):
    asked = {name for name, _ in VARIABLE.findall(compose.FILE.read_text())} - {PUBLISH}
    assert set(composition.secrets) == asked
    assert len(set(composition.secrets.values())) == len(asked)
    assert min(map(len, composition.secrets.values())) >= 40
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600


def test_the_drawn_keys_are_keys_of_the_environment_that_runs(composition):
    keys = {name: value for name, value in composition.secrets.items() if name.endswith("_KEY")}
    assert len(keys) == 3
    for value in keys.values():
        key = Credential.parse(value)
        assert key is not None
        assert key.environment == composition.services["gateway"]["environment"]["ACCORD_ENVIRONMENT"]


@pytest.mark.parametrize("name", HOLDS)
def test_a_container_holds_its_own_secrets_and_nobody_elses(composition, name):
    told = str(composition.services[name])
    held = {secret for secret, value in composition.secrets.items() if value in told}
    assert held == {f"ACCORD_{secret}" for secret in HOLDS[name]}


def test_all_containers_are_judged_here(composition):
    assert set(composition.services) == set(HOLDS)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_told_all_that_its_settings_require_and_nothing_that_they_do_not_know(composition, name):
    fields = SETTINGS_OF[name.removesuffix("-worker")].model_fields
    told = {key for key in composition.services[name]["environment"] if key.startswith("ACCORD_")}
    assert told >= {f"ACCORD_{field.upper()}" for field, about in fields.items() if about.is_required()}
    assert told <= {f"ACCORD_{field.upper()}" for field in fields}


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_is_told_the_owners_database_alone(composition, service):
    told = composition.services[f"{service}-migration"]["environment"]
    assert set(told) == {"PGPASSWORD", *(f"ACCORD_{field.upper()}" for field in MigrationSettings.model_fields)}


def test_upstream_and_gateway_agree_on_secrets(composition):
    gateway = composition.services["gateway"]["environment"]
    for service in UPSTREAMS:
        upstream = composition.services[service]["environment"]
        assert upstream["ACCORD_IDENTITY_SECRET"] == gateway[f"ACCORD_{service.upper()}_IDENTITY_SECRET"]
        assert upstream["ACCORD_SERVICE_KEY"] == gateway[f"ACCORD_{service.upper()}_SERVICE_KEY"]


def test_only_the_gateway_is_published_and_on_this_machine_only(composition):
    assert {name: told["ports"] for name, told in composition.services.items() if "ports" in told} == {
        "gateway": ["127.0.0.1:8080:8000"]
    }


@pytest.mark.parametrize("name", HOLDS)
def test_a_container_can_change_nothing_but_its_volumes(composition, name):
    told = composition.services[name]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & set(told)
    assert told.get("user", "") not in {"root", "0"}
    assert [volume for volume in told.get("volumes", []) if volume.startswith((".", "/", "~"))] == []


def test_the_forecast_api_reads_the_workers_datasets_and_cannot_change_them(composition):
    [reading], [writing] = (composition.services[name]["volumes"] for name in ("forecast", "forecast-worker"))
    assert reading == f"{writing}:ro"
    datasets = composition.services["forecast"]["environment"]["ACCORD_DATASETS"]
    assert datasets.startswith(writing.partition(":")[2] + "/")


def test_services_meet_at_the_gateway_alone_and_mlflow_is_the_forecast_workers(composition):
    forecast = {name for name in composition.services if name.startswith("forecast")}
    planner = {name for name in composition.services if name.startswith("planner")}
    assert len(forecast) == len(planner) == 3
    for name in composition.services:
        assert not (name in forecast and composition.meeting(name) & planner), name
    assert composition.meeting("mlflow") == {"postgres", "forecast-worker"}
    for name in ("forecast", "forecast-worker", "planner", "planner-worker"):
        assert "gateway" in composition.meeting(name)


def test_only_the_gateway_has_a_way_out(composition):
    assert {name for name, told in composition.networks.items() if not (told or {}).get("internal")} == {"edge"}
    assert [name for name, told in composition.services.items() if "edge" in told["networks"]] == ["gateway"]


def test_each_waits_until_what_it_needs_is_done_or_healthy(composition):
    for name, told in composition.services.items():
        for needed, how in told.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in JOBS else "service_healthy"
            assert how["condition"] == expected, (name, needed)
            assert needed in JOBS or "healthcheck" in composition.services[needed]
    for service in SERVICES:
        assert f"{service}-migration" in composition.services[service]["depends_on"]
    assert {"forecast", "planner"} <= set(composition.services["gateway"]["depends_on"])


def test_images_are_built_here_or_postgresql(composition):
    for name, told in composition.services.items():
        assert told["image"] == ("postgres:18" if name == "postgres" else f"accord-{composition.stage(name)}")
    for one, other in combinations(composition.services.values(), 2):
        if one["image"] == other["image"]:
            assert one["build"] == other["build"]


def test_postgresql_runs_with_the_settings_of_the_embedded_one(composition):
    options = [word for word in composition.services["postgres"]["command"] if "=" in word]
    assert options
    for name, value in (option.split("=", 1) for option in options):
        assert SETTINGS[name] == value


def test_mlflow_runs_no_jobs_reads_no_pickle_and_answers_to_one_name(composition):
    told = composition.services["mlflow"]["environment"]
    assert told["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert told["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    address = composition.services["forecast-worker"]["environment"]["ACCORD_MLFLOW_TRACKING_URI"]
    assert address == f"http://{told['MLFLOW_SERVER_ALLOWED_HOSTS']}"
