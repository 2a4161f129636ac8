"""The embedded server over restarts, crashes, awkward places and lost files."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from services.embedded import postgres
from services.embedded.postgres import PostgresError

STARTER = """
import sys, time
from pathlib import Path
from services.embedded import postgres
with postgres.running(Path(sys.argv[1]), {"fsync": "off"}) as server:
    with server.connect("planner", "owner") as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS a")
    print("up", flush=True)
    time.sleep(600)
"""


def running(directory: Path):
    """A server that survives all but a crash of the machine: the tests crash processes only."""
    return postgres.running(directory, {"fsync": "off"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The directory of a server that runs."""
    directory = tmp_path_factory.mktemp("server")
    with running(directory):
        yield directory


def kept(server):
    with server.connect("planner", "owner") as owner:
        return owner.execute("SELECT a FROM kept").fetchall()


def postmaster(directory: Path) -> int:
    return int((directory / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    return False


@pytest.fixture
def starter(tmp_path):
    """Another process that runs a server in `tmp_path`."""
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        yield process
        process.kill()


def test_rows_survive_a_restart(tmp_path):
    with running(tmp_path) as server, server.connect("planner", "owner") as owner:
        owner.execute("CREATE TABLE kept AS SELECT 42 AS a")
    with running(tmp_path) as server:
        assert kept(server) == [(42,)]


def test_the_server_stops_when_its_starter_is_killed(tmp_path, starter):
    pid = postmaster(tmp_path)
    starter.kill()
    deadline = time.monotonic() + 10
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_start_takes_over_from_a_killed_starter_at_once(tmp_path, starter):
    starter.kill()
    with running(tmp_path) as server:
        assert kept(server) == [(42,)]


def test_a_start_after_the_server_itself_was_killed(tmp_path, starter):
    os.kill(postmaster(tmp_path), signal.SIGKILL)
    starter.kill()
    with running(tmp_path) as server:
        assert kept(server) == [(42,)]


def test_a_lock_file_whose_process_id_is_somebody_elses_by_now(tmp_path):
    with running(tmp_path):
        lock = (tmp_path / "postgres/data/postmaster.pid").read_text().splitlines()
    lock[0] = str(os.getpid())
    (tmp_path / "postgres/data/postmaster.pid").write_text("\n".join(lock))
    with running(tmp_path) as server, server.connect("planner") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_lock_file_that_a_crash_left_empty(tmp_path):
    with running(tmp_path):
        pass
    (tmp_path / "postgres/data/postmaster.pid").touch()
    with running(tmp_path) as server, server.connect("gateway") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_half_made_data_is_made_again(tmp_path):
    half = tmp_path / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with running(tmp_path) as server, server.connect("planner") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
    assert not half.exists()


def test_lost_passwords_are_named(tmp_path):
    with running(tmp_path):
        pass
    (tmp_path / "secrets").unlink()
    with pytest.raises(PostgresError, match=r"passwords of .* are lost"), running(tmp_path):
        pass


def test_damaged_data_shows_what_the_server_says(tmp_path):
    with running(tmp_path):
        pass
    (tmp_path / "postgres/data/PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresError, match="not compatible with this version"), running(tmp_path):
        pass


def test_a_place_whose_name_is_too_long_for_a_socket(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with running(deep) as server:
        assert len(conninfo_to_dict(server.admin)["host"]) < 100
        with server.connect("planner") as app:
            assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_place_whose_name_means_something_to_the_client(tmp_path):
    with running(tmp_path / "a, b%20'c'=é") as server, server.connect("planner") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_a_place_below_a_closed_directory_keeps_all_modes(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    above = {path: path.stat().st_mode for path in closed.parents}
    with running(closed / "data") as server, server.connect("planner") as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
    assert {path: path.stat().st_mode for path in closed.parents} == above
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_only_its_user_reaches_data_and_socket(home):
    for name in ("postgres", "postgres/data", "postgres/socket"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o600


def test_the_password_for_initdb_does_not_stay(home):
    assert not (home / "postgres/password").exists()


def test_the_server_does_not_run_as_root(home):
    assert Path(f"/proc/{postmaster(home)}").stat().st_uid != 0


def test_nothing_listens_on_tcp(server):
    with psycopg.connect(server.admin) as admin:
        assert admin.execute("SHOW listen_addresses").fetchone() == ("",)


def test_what_is_committed_is_on_disk_unless_a_test_gives_that_up(tmp_path):
    with postgres.running(tmp_path) as server, psycopg.connect(server.admin) as admin:
        assert admin.execute("SHOW fsync").fetchone() == ("on",)
        assert admin.execute("SHOW data_checksums").fetchone() == ("on",)
