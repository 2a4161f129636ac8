"""What the Dockerfile says, as far as tests ask: stages, what they copy, and the environment that they set."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


@dataclass(frozen=True)
class Copy:
    """One COPY from the checkout. `target` as written, relative to the working directory; `mode` where it is set."""

    sources: tuple[str, ...]
    target: str
    mode: int | None

    @classmethod
    def parse(cls, words: list[str]) -> "Copy":
        modes = [int(word.removeprefix("--chmod="), 8) for word in words if word.startswith("--chmod=")]
        *sources, target = [word for word in words if not word.startswith("--")]
        return cls(tuple(sources), target, modes[0] if modes else None)

    def apply(self, directory: Path) -> None:
        """Do what a build does, from the checkout into `directory`. Raises FileNotFoundError for a missing source."""
        for source in self.sources:
            there = ROOT / source
            place = directory / self.target
            if there.is_dir():
                shutil.copytree(there, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
                self._open([place, *place.rglob("*")])
                continue
            file = place / there.name if self.target.endswith("/") else place
            file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            shutil.copy(there, file)
            self._open([file])

    def _open(self, paths: list[Path]) -> None:
        for path in paths if self.mode is not None else []:
            path.chmod(self.mode)


@dataclass
class Stage:
    """A stage of the build, with all that it has from the stages below it."""

    name: str
    base: str
    copies: list[Copy] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    workdir: str = "/"
    entrypoint: list[str] = field(default_factory=list)


def stages(**arguments: str) -> dict[str, Stage]:
    """The stages by name, with build arguments filled in; the last one, which has no name, as `""`."""
    found: dict[str, Stage] = {}
    for word, rest in _instructions(arguments):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stage = found[name] = _on_top_of(found.get(base), Stage(name, base))
        elif word == "COPY" and "--from=" not in rest:
            stage.copies.append(Copy.parse(rest.split()))
        elif word == "ENV":
            stage.environment |= dict(each.split("=", 1) for each in shlex.split(rest))
        elif word == "USER":
            stage.user = rest
        elif word == "WORKDIR":
            stage.workdir = rest
        elif word == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
    return found


def instructions() -> list[tuple[str, str]]:
    """All instructions as written: the word, and the rest in one line."""
    return _instructions({})


def _on_top_of(below: Stage | None, stage: Stage) -> Stage:
    if below is not None:
        stage.copies, stage.environment = [*below.copies], {**below.environment}
        stage.user, stage.workdir, stage.entrypoint = below.user, below.workdir, below.entrypoint
    return stage


def _instructions(arguments: dict[str, str]) -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    defaults = dict(re.findall(r"^ARG (\w+)=(.*)$", text, flags=re.MULTILINE))
    for name, value in (defaults | arguments).items():
        text = text.replace(f"${{{name}}}", value)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]
