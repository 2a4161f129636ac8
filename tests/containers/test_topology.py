"""The composed topology at work: PostgreSQL and MLflow as servers, every service from its image's files alone."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict

from services.embedded.credentials import Credentials
from services.embedded.postgres import Postgres, answers, login, reachable, sockets
from services.embedded.programs import Account, bin_for
from tests.containers import topology
from tests.factories import Accord, load_history, load_supply, train_and_promote

ITEMS = ("A", "B", "C")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def composed(composition, image, tmp_path_factory):
    directory = tmp_path_factory.mktemp("topology")
    with topology.running(composition, image, directory) as running:
        yield running


@pytest.fixture(scope="module")
def accord(composed, composition):
    (composed.directory / "admin.key").write_text(composition.secrets["ACCORD_BOOTSTRAP_ADMIN_KEY"])
    return Accord(f"http://{composed.addresses['gateway']}:8000", composed.directory)


@pytest.fixture(scope="module")
def area(accord):
    area = accord.area()
    load_history(area)
    load_supply(area)
    train_and_promote(area)
    return area


def test_the_jobs_end_well_and_the_processes_stay(composed):
    ended = {name for name, child in composed.children.items() if not child.running}
    assert ended == {"databases", "gateway-migration", "forecast-migration", "planner-migration"}
    assert [name for name in ended if composed.children[name].process.returncode != 0] == []


def test_every_service_is_healthy_by_its_own_check(composed, composition):
    checked = [name for name, told in composition.services.items() if "healthcheck" in told]
    assert {"postgres", "mlflow", "forecast", "planner", "gateway"} == set(checked)
    assert [name for name in checked if not composed.healthy(name)] == []


def test_the_main_job_is_done(area):
    planner = area.as_("planner")
    forecast = area.succeed(planner.post("/forecasts", json={}))
    plan = area.succeed(planner.post("/plans", json={}))
    assert plan["forecast"] == forecast["id"]
    inbox = planner.get("/recommendations", params={"status": "proposed"}).json()["items"]
    assert {one["item"] for one in inbox} == set(ITEMS)


def test_model_files_lie_with_the_mlflow_server_and_the_alias_in_its_registry(area, composed):
    artifacts = composed.volume("mlflow") / "artifacts" / "areas" / area.name
    assert [path.name for path in artifacts.glob("models/*/artifacts/MLmodel")] == ["MLmodel"]
    address = f"http://{composed.addresses['mlflow']}:5000/api/2.0/mlflow/registered-models/alias"
    asked = {"name": f"accord-{area.name}", "alias": "champion"}
    deadline = time.monotonic() + 30
    while (champion := httpx2.get(address, params=asked)).status_code != 200:
        assert time.monotonic() < deadline, champion.text
        time.sleep(0.2)
    assert champion.json()["model_version"]["version"] == "1"


def test_a_worker_without_its_cache_fetches_the_model_from_the_server(area, composed):
    planner = area.as_("planner")
    cache = composed.volume("forecast-worker") / "model-cache"
    first = area.succeed(planner.post("/forecasts", json={}))
    assert any(cache.rglob("*"))
    shutil.rmtree(cache)
    second = area.succeed(planner.post("/forecasts", json={}))
    assert any(cache.rglob("*"))
    values = [planner.get(f"/forecasts/{run['id']}/values").json()["items"] for run in (first, second)]
    assert values[0] == values[1] != []


def test_mlflow_answers_to_its_own_name_only(composed):
    address = f"http://{composed.addresses['mlflow']}:5000/"
    assert httpx2.get(address).status_code == 200
    assert httpx2.get(address, headers={"Host": "attacker.example"}).status_code == 403


@pytest.mark.parametrize("service", ["forecast", "planner"])
def test_a_service_refuses_who_does_not_come_through_the_gateway(area, composed, composition, service):
    address = f"http://{composed.addresses[service]}:8000{area.prefix}/decisions:verify"
    key = composition.secrets["ACCORD_BOOTSTRAP_ADMIN_KEY"]
    assert httpx2.post(address, headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_a_dump_brings_back_all_databases_and_roles(area, composed, tmp_path):
    """The backup of docs/operations.md, restored into a server that has nothing but the superuser."""
    programs = bin_for(Account.for_files(composed.directory / "postgres"))
    dump = enter(programs / "pg_dumpall", composed.server).stdout
    shutil.copy(composed.directory / "secrets", tmp_path / "secrets")
    cluster = Postgres(tmp_path / "postgres", Credentials(tmp_path / "secrets"))
    process = cluster.start(subprocess.DEVNULL, {"fsync": "off"})
    try:
        with reachable(sockets(tmp_path / "postgres")) as place:
            empty = login(place, Credentials(tmp_path / "secrets"))
            while not answers(empty):
                assert process.poll() is None
                time.sleep(0.02)
            told = enter(programs / "psql", empty, "--quiet", feed=dump).stderr.splitlines()
            assert [line for line in told if "ERROR" in line] == ['ERROR:  role "postgres" already exists']
            assert counts(empty, area.name) == counts(composed.server, area.name)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def enter(program, server, *options, feed=None):
    """Run one of PostgreSQL's programs as the superuser."""
    place = conninfo_to_dict(server.admin)
    command = [program, *options, f"--host={place['host']}", f"--username={place['user']}"]
    environment = {"PGPASSWORD": place["password"], "PGDATABASE": "postgres"}
    return subprocess.run(command, input=feed, env=environment, capture_output=True, text=True, check=True)


def counts(server, area):
    """What the services would find of an area, counted with their own roles."""
    with server.connect("forecast") as forecast, server.connect("planner") as planner:
        demand = forecast.execute(
            "SELECT count(*), sum(quantity) FROM demand JOIN series ON id = series_id WHERE area = %s", (area,)
        )
        ledger = planner.execute("SELECT count(*) FROM ledger_entries WHERE area = %s", (area,))
        found = [demand.fetchone(), ledger.fetchone()]
    assert all(row[0] for row in found)
    return found


@pytest.mark.skipif(not topology.is_confined(), reason="only root can confine processes as a container engine does")
def test_processes_have_the_images_user_a_read_only_system_and_no_capability(composed, image):
    for name, child in composed.children.items():
        if name == "postgres" or not child.running:
            continue
        process = Path(f"/proc/{child.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        assert f"{status['Uid'].split()[0]}:{status['Gid'].split()[0]}" == image("gateway").stage.user
        assert {status[f"Cap{kind}"].strip() for kind in ("Eff", "Prm", "Bnd", "Inh", "Amb")} == {"0" * 16}
        assert status["NoNewPrivs"].strip() == "1"
        mounts = [line.split() for line in (process / "mounts").read_text().splitlines()]
        writable = {place for _, place, _, options, *_ in mounts if "rw" in options.split(",")}
        assert {place for place in writable if not place.startswith(("/dev", "/proc"))} == {"/tmp", "/var/lib/accord"}  # noqa: S108
