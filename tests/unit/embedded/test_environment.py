"""A process gets its own secrets and nobody else's."""

import itertools
import socket

import pytest

from services.embedded.databases import Server
from services.embedded.directory import DataDirectory
from services.embedded.environment import HOST, Surroundings, free_ports, is_free
from services.embedded.names import SERVICES, UPSTREAMS


@pytest.fixture
def here(tmp_path):
    directory = DataDirectory(tmp_path)
    server = Server("host=/run/db port=5432 user=postgres password=topmost", directory.credentials)
    return Surroundings(directory, server, {"gateway": 8080, "forecast": 1001, "planner": 1002})


def accord(environment):
    return {name: value for name, value in environment.items() if name.startswith("ACCORD_")}


def test_the_gateway_knows_both_upstreams_and_they_know_it(here):
    gateway = accord(here.of("gateway"))
    assert gateway["ACCORD_FORECAST_URL"] == "http://127.0.0.1:1001"
    assert gateway["ACCORD_PLANNER_URL"] == "http://127.0.0.1:1002"
    for service in UPSTREAMS:
        upstream = accord(here.of(service))
        assert upstream["ACCORD_GATEWAY_URL"] == "http://127.0.0.1:8080"
        assert upstream["ACCORD_IDENTITY_SECRET"] == gateway[f"ACCORD_{service.upper()}_IDENTITY_SECRET"]
        assert upstream["ACCORD_SERVICE_KEY"] == gateway[f"ACCORD_{service.upper()}_SERVICE_KEY"]


def test_a_running_service_never_holds_the_owners_password(here):
    for service, database in itertools.product(SERVICES, SERVICES):
        password = here.directory.credentials.password(f"{database}_owner")
        assert password not in str(accord(here.of(service)))


def test_a_service_holds_no_password_or_secret_of_another(here):
    credentials = here.directory.credentials
    for service, other in itertools.permutations(SERVICES, 2):
        held = str(accord(here.of(service)))
        assert credentials.password(f"{other}_app") not in held
    for service, other in itertools.permutations(UPSTREAMS, 2):
        held = str(accord(here.of(service)))
        for secret in (credentials.identity_secret(other), credentials.api_key(other), credentials.api_key("admin")):
            assert secret not in held


def test_nobody_holds_the_superusers_password(here):
    for service in SERVICES:
        assert "topmost" not in str(here.of(service)) + str(here.of_migration(service))
    assert "topmost" not in str(here.of_mlflow())


def test_only_forecast_reaches_mlflow(here):
    assert "ACCORD_MLFLOW_TRACKING_URI" in here.of("forecast")
    assert "mlflow" not in str(accord(here.of("planner")) | accord(here.of("gateway")))


def test_the_operators_server_url_is_not_handed_on(here, monkeypatch):
    monkeypatch.setenv("ACCORD_DATABASE_URL", "postgresql://admin:topmost@db/postgres")
    for service in SERVICES:
        assert here.of(service)["ACCORD_DATABASE_URL"] == here.server.url(service)


def test_other_settings_reach_every_process(here, monkeypatch):
    monkeypatch.setenv("ACCORD_POOL_SIZE", "3")
    assert all(here.of(service)["ACCORD_POOL_SIZE"] == "3" for service in SERVICES)


def test_free_ports_are_different_and_free():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)


def test_a_port_with_a_listener_is_taken():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        assert not is_free(listener.getsockname()[1])
