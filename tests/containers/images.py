"""Images without an engine: what each would hold, laid out in a directory with an environment of its own packages."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers import dockerfile
from tests.containers.dockerfile import Stage

EXTRA = {
    "services.forecast.forecasts.scale_out",
    "services.planner.plans.scale_out",
}  # of `dask`, imported where a scheduler is set
IMPORT_EACH = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
"""
UNREACHABLE = ("Failed to fetch", "error sending request", "dns error", "client error (Connect)")


@dataclass(frozen=True)
class Image:
    """files: what lies in the working directory. packages: a virtual environment with the image's packages."""

    files: Path
    packages: Path
    stage: Stage

    @property
    def environment(self) -> dict[str, str]:
        """The image's own, except that bytecode is written: a build leaves it beside the packages, uv does not."""
        told = {name: value for name, value in self.stage.environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return told | {"PATH": told["PATH"].replace("$PATH", "/usr/local/bin")}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python ARGUMENTS` in the image's working directory, with nothing in the environment but the image's."""
        return subprocess.run(
            [self.packages / "bin" / "python", *arguments],
            cwd=self.files,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def import_all(self) -> subprocess.CompletedProcess[str]:
        """Import every module of ours, in one process, save those of an extra that no image has."""
        return self.run("-c", IMPORT_EACH, json.dumps([name for name in self.modules() if name not in EXTRA]))

    def modules(self) -> list[str]:
        """The names of all modules below `services` in the image that may be imported."""
        sources = [path.relative_to(self.files) for path in self.files.glob("services/**/*.py")]
        importable = [
            path for path in sources if path.name != "__main__.py" and path.parts[-2:] != ("migrations", "env.py")
        ]
        return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in importable)


def lay_out(stage: str, service: str, packages: Path, directory: Path) -> Image:
    """The image of a stage, built with `SERVICE=service` on packages that are installed already."""
    described = dockerfile.stages(SERVICE=service)[stage]
    directory.chmod(0o755)
    for copy in described.copies:
        copy.apply(directory)
    image = Image(directory, packages, described)
    image.import_all()  # for the bytecode, which a read-only file system could not take later
    return image


def install(uv: str, service: str, directory: Path) -> None:
    """Make an environment of exactly what the image installs: wheels only, by hash. Skips the test when offline."""
    (requirements,) = dockerfile.stages(SERVICE=service)["packages"].copies
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, directory], check=True)
    how = ["--quiet", "--python", directory / "bin" / "python", "--require-hashes", "--no-build"]
    command = [uv, "pip", "install", *how, "--requirement", dockerfile.ROOT / requirements.sources[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip(f"offline, and uv's cache lacks packages of {service}: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
