"""docker-compose.yml as a compose implementation understands it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.containers.dockerfile import ROOT

FILE = ROOT / "docker-compose.yml"
SCALE = ROOT / "docker-compose.scale.yml"


@dataclass(frozen=True)
class Composition:
    """services, networks: the file's sections with anchors and variables resolved. secrets: `.env` by name."""

    services: dict[str, dict[str, Any]]
    networks: dict[str, dict[str, Any] | None]
    secrets: dict[str, str]

    @classmethod
    def read(cls, env_file: Path, *more: Path) -> "Composition":
        """The file with `more` laid over it."""
        done = resolve(env_file, *more)
        assert done.returncode == 0, done.stderr
        document = yaml.safe_load(done.stdout)
        secrets = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        return cls(document["services"], document["networks"], secrets)

    def stage(self, name: str) -> str | None:
        """The stage of the Dockerfile that a service's image is, None for an image that comes from elsewhere."""
        build = self.services[name].get("build")
        if build is None:
            return None
        (argument,) = build["args"]
        return str(build.get("target") or argument.removeprefix("SERVICE="))

    def meeting(self, name: str) -> set[str]:
        """The services that share a network with this one."""
        mine = set(self.services[name]["networks"])
        return {other for other, told in self.services.items() if other != name and mine & set(told["networks"])}


def resolve(env_file: Path, *more: Path) -> subprocess.CompletedProcess[str]:
    """`config` of podman-compose, which without `podman` only reads."""
    files = [word for file in (FILE, *more) for word in ("-f", file)]
    command = [sys.executable, "-m", "podman_compose", "--dry-run", "--env-file", env_file, *files, "config"]
    return subprocess.run(command, capture_output=True, text=True, env={}, check=False)
