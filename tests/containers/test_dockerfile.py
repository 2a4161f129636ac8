"""What an image is made of, from the file alone."""

import re
from fnmatch import fnmatch

import pytest

from services.embedded.names import SERVICES
from tests.containers import dockerfile
from tests.containers.dockerfile import ROOT, Stage

IMAGES = (*SERVICES, "databases")


def image(stage: str) -> Stage:
    return dockerfile.stages(SERVICE=stage if stage in SERVICES else "gateway")[stage]


def ignored(path: str) -> bool:
    """Whether the build never sees `path`: the last pattern that fits it, or a folder above it, decides."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    decision = False
    for pattern in (line for line in lines if line and not line.startswith("#")):
        wanted = pattern.removeprefix("!").replace("**/", "*")
        if any(fnmatch(part, wanted) for part in (path, *_above(path))):
            decision = not pattern.startswith("!")
    return decision


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


@pytest.mark.parametrize("service", SERVICES)
def test_the_build_argument_chooses_the_image(service):
    assert dockerfile.stages(SERVICE=service)[""].base == service


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_image_copies_its_own_code_and_no_other_services(service):
    copied = {source for copy in image(service).copies for source in copy.sources}
    assert {source for source in copied if source.startswith("services/")} == {
        "services/__init__.py",
        f"services/{service}",
    }
    extra = {"openapi", "docs/errors.md"} if service == "gateway" else set()
    assert copied == {"shared", "services/__init__.py", f"services/{service}"} | extra


@pytest.mark.parametrize("stage", IMAGES)
def test_what_is_copied_is_there_and_reaches_the_build(stage, tmp_path):
    for copy in image(stage).copies:
        copy.apply(tmp_path)
        assert [source for source in copy.sources if ignored(source)] == []


@pytest.mark.parametrize("stage", IMAGES)
def test_all_that_is_copied_can_be_read_by_the_images_user(stage, tmp_path):
    for copy in image(stage).copies:
        assert copy.mode is not None
        copy.apply(tmp_path)
    assert [path for path in tmp_path.rglob("*.*") if not path.stat().st_mode & 0o004] == []


@pytest.mark.parametrize(
    "path",
    [".env", ".accord/secrets", ".git/config", "tests/conftest.py", "docs/adr/x.md", "shared/__pycache__/db.pyc"],
)
def test_secrets_history_and_leftovers_never_reach_the_build(path):
    assert ignored(path)


@pytest.mark.parametrize("stage", IMAGES)
def test_an_image_runs_its_own_module_as_a_user_without_rights(stage, tmp_path):
    described = image(stage)
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", described.user)
    for copy in described.copies:
        copy.apply(tmp_path)
    *python, module = described.entrypoint
    assert python == ["python", "-m"]
    path = tmp_path.joinpath(*module.split("."))
    assert (path / "__main__.py").exists() or path.with_suffix(".py").exists()


def test_the_images_python_is_the_projects():
    version = (ROOT / ".python-version").read_text().strip()
    assert dockerfile.stages(SERVICE="gateway")["base"].base == f"python:{version}-slim"


def test_packages_come_as_wheels_by_hash_and_from_no_named_host():
    installs = [
        rest for word, rest in dockerfile.instructions() if word == "RUN" and " install " in rest and "pip" in rest
    ]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    text = dockerfile.DOCKERFILE.read_text()
    assert re.findall(r"https?:|--(?:extra-)?index-url|apt-get|apk add", text) == []
    assert [rest for word, rest in dockerfile.instructions() if word == "FROM" and "/" in rest] == []
