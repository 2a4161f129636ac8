"""One instance at a time on a data directory."""

import os
import stat
import subprocess
import sys

import pytest

from services.embedded.directory import DataDirectory, DirectoryInUseError

HOLDER = """
import sys, time
from pathlib import Path
from services.embedded.directory import DataDirectory
with DataDirectory(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(600)
"""


def test_it_is_made_for_its_user_alone(tmp_path):
    directory = DataDirectory(tmp_path / "a" / "b")
    for path in (directory.root, directory.folder("datasets")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_second_instance_is_refused_and_told_of_the_first(tmp_path):
    with DataDirectory(tmp_path).locked():
        told = f"in use by process {os.getpid()}"
        with pytest.raises(DirectoryInUseError, match=told), DataDirectory(tmp_path).locked():
            pass
    with DataDirectory(tmp_path).locked():
        pass


def test_a_killed_holder_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DirectoryInUseError), DataDirectory(tmp_path).locked():
            pass
        holder.kill()
    with DataDirectory(tmp_path).locked():
        pass
