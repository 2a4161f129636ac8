"""Which code made a number."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGE = "services.forecast"


def code_version() -> str:
    """SHA-256 over the sources that decide the numbers: the engine's, the joint paths', the panel's, the overlays'."""
    digest = hashlib.sha256()
    for source in _sources():
        content = source.read_bytes()
        digest.update(f"{source.name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sources() -> list[Traversable]:
    root = files(PACKAGE)
    engine = sorted((root / "engine").iterdir(), key=lambda entry: entry.name)
    sources = [source for source in engine if source.name.endswith(".py")]
    around = (root / "panels.py", root / "forecasts" / "making.py", root / "overlays" / "application.py")
    return [*around, files("shared") / "paths.py", *sources]
