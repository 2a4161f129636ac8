"""Images and the composition, as tests without a container engine can have them."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.embedded.names import SERVICES
from tests.containers import images
from tests.containers.composition import Composition
from tests.containers.dockerfile import ROOT
from tests.containers.images import Image


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than half a minute")


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`.env` as the command in docs/operations.md writes it."""
    directory = tmp_path_factory.mktemp("checkout")
    command = re.search(r"```sh\n(\(\n  set .*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    assert command is not None
    subprocess.run(["sh", "-c", command[1]], cwd=directory, check=True)
    again = subprocess.run(["sh", "-c", command[1]], cwd=directory, capture_output=True, check=False)
    assert again.returncode != 0  # it would have put new secrets over those of the databases
    return directory / ".env"


@pytest.fixture(scope="session")
def composition(env_file: Path) -> Composition:
    return Composition.read(env_file)


@pytest.fixture(scope="session")
def uv() -> str:
    own = ROOT / ".uv" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        pytest.skip("uv, which makes the images' environments, is neither in .uv (make setup) nor on the PATH")
    return found


@pytest.fixture(scope="session")
def image(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Image]]:
    """The image of a stage; each set of packages is installed once."""
    made: dict[str, Image] = {}
    packages: dict[str, Path] = {}

    def make(stage: str) -> Image:
        service = stage if stage in SERVICES else "gateway"
        if service not in packages:
            packages[service] = tmp_path_factory.mktemp(service) / "packages"
            images.install(uv, service, packages[service])
        if stage not in made:
            made[stage] = images.lay_out(stage, service, packages[service], tmp_path_factory.mktemp(stage))
        return made[stage]

    yield make
    for directory in packages.values():
        shutil.rmtree(directory)
