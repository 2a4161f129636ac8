"""Which code made a number."""

import hashlib
from importlib.resources import files

PACKAGE = "services.forecast.engine"


def code_version() -> str:
    """SHA-256 over the engine's source files, in the order of their names: equal versions compute alike."""
    digest = hashlib.sha256()
    for source in sorted(files(PACKAGE).iterdir(), key=lambda entry: entry.name):
        if source.name.endswith(".py"):
            content = source.read_bytes()
            digest.update(f"{source.name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()
