"""Databases on a server of one's own, with passwords that its operator chose."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.embedded import postgres, provision
from services.embedded.names import DATABASES, ROLES

NAMES = [f"ACCORD_{database}_{role}_PASSWORD".upper() for database in DATABASES for role in ROLES]


@pytest.fixture
def chosen(monkeypatch):
    """A password for every role, in the environment."""
    for name in NAMES:
        monkeypatch.setenv(name, f"chosen for {name}: p@ss/w&rd")


def enter(admin, role, password):
    place = conninfo_to_dict(admin) | {"user": role, "password": password, "dbname": role.partition("_")[0]}
    with psycopg.connect(make_conninfo(**place)) as connection:
        return connection.execute("SELECT current_user").fetchone()[0]


@pytest.mark.usefixtures("chosen")
def test_run_again_it_sets_the_passwords_that_the_environment_says_now(tmp_path, monkeypatch, capsys):
    with postgres.running(tmp_path, {"fsync": "off"}) as server:
        monkeypatch.setenv("ACCORD_ADMIN_DATABASE_URL", server.admin)
        assert provision.main() == 0
        assert capsys.readouterr().out == "databases and roles are there: gateway, forecast, planner, mlflow\n"
        old = "chosen for ACCORD_PLANNER_APP_PASSWORD: p@ss/w&rd"
        assert enter(server.admin, "planner_app", old) == "planner_app"
        monkeypatch.setenv("ACCORD_PLANNER_APP_PASSWORD", "another")
        assert provision.main() == 0
        assert enter(server.admin, "planner_app", "another") == "planner_app"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            enter(server.admin, "planner_app", old)


@pytest.mark.usefixtures("chosen")
def test_the_superusers_password_may_stand_beside_the_url(tmp_path, monkeypatch):
    with postgres.running(tmp_path, {"fsync": "off"}) as server:
        place = conninfo_to_dict(server.admin)
        monkeypatch.setenv("PGPASSWORD", place.pop("password"))
        monkeypatch.setenv("ACCORD_ADMIN_DATABASE_URL", make_conninfo(**place))
        assert provision.main() == 0
        monkeypatch.setenv("PGPASSWORD", "guessed")
        assert provision.main() == 1


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("name", ["ACCORD_ADMIN_DATABASE_URL", "ACCORD_MLFLOW_APP_PASSWORD"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_named_before_any_server_is_asked(monkeypatch, capsys, name, value):
    monkeypatch.setenv("ACCORD_ADMIN_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/postgres")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert provision.main() == 1
    assert capsys.readouterr().err == f"accord: {name} is missing in the environment\n"
