"""PostgreSQL's programs for a user who cannot reach the environment that they were installed in."""

import os
import pwd
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from services.embedded import programs
from services.embedded.programs import Account, NoProgramsError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


@pytest.fixture
def copies(monkeypatch):
    """A place for copies that every user can pass, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        monkeypatch.setattr(programs, "COPIES", Path(place, "accord"))
        yield Path(place, "accord")


@pytest.fixture
def closed_environment(tmp_path, monkeypatch):
    """The wheel below a directory that only root can pass."""
    site = Path(find_spec(programs.PACKAGE).origin).parent.parent
    tmp_path.chmod(0o700)
    for name in (programs.PACKAGE, f"{programs.PACKAGE}.libs"):
        (tmp_path / name).symlink_to(site / name)
    monkeypatch.setattr(
        programs, "find_spec", lambda _: type("Spec", (), {"origin": tmp_path / programs.PACKAGE / "x"})
    )


@as_root
def test_root_hands_over_to_an_unprivileged_user(tmp_path):
    account = Account.for_files(tmp_path / "new")
    assert account.differs
    assert pwd.getpwuid(account.uid).pw_name in {"postgres", "nobody"}


@as_root
def test_files_keep_their_user(tmp_path):
    daemon = pwd.getpwnam("daemon")
    os.chown(tmp_path, daemon.pw_uid, daemon.pw_gid)
    assert Account.for_files(tmp_path) == Account(daemon.pw_uid, daemon.pw_gid)


@as_root
@pytest.mark.usefixtures("closed_environment")
def test_programs_in_a_closed_environment_are_copied_once(copies):
    account = Account.for_files(copies)
    folder = programs.bin_for(account)
    assert folder.is_relative_to(copies)
    command = [folder / "initdb", "--version"]
    shown = subprocess.check_output(command, text=True, **account.switch())
    assert shown.startswith("initdb (PostgreSQL) 18.")
    made = folder.stat().st_ctime_ns
    assert programs.bin_for(account).stat().st_ctime_ns == made


@as_root
@pytest.mark.usefixtures("closed_environment")
def test_no_place_for_a_copy_says_what_to_do(monkeypatch):
    monkeypatch.setattr(programs, "COPIES", Path("/proc/accord"))
    with pytest.raises(NoProgramsError, match="--database-url"):
        programs.bin_for(Account.for_files(Path("/nonexistent")))


def test_without_the_wheel_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "find_spec", lambda _: None)
    with pytest.raises(NoProgramsError, match="make setup"):
        programs.bin_for(Account.for_files(tmp_path))
