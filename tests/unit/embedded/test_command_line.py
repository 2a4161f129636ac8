"""What `python -m services` says to somebody who asks for the impossible."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def services(*arguments):
    command = [sys.executable, "-m", "services", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none(port, tmp_path):
    done = services(f"--port={port}", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "choose one from 1 to 65535" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_is_a_file(tmp_path):
    (tmp_path / "data").touch()
    done = services("migrate", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("\naccord: ")
    assert str(tmp_path / "data") in done.stderr


def test_a_server_that_is_not_there(tmp_path):
    url = f"postgresql://somebody@/postgres?host={tmp_path}"
    done = services("migrate", "--data-dir", str(tmp_path / "data"), "--database-url", url)
    assert done.returncode == 1
    assert "connection to server on socket" in done.stderr
    assert "Traceback" not in done.stderr
