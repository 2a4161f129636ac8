"""A model's files and the cache of them: taken from MLflow once, checked by digest each time they are read."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from services.forecast.models.tables import ModelVersion
from shared.errors import Problem

type Files = dict[str, bytes]


class ArtifactCorrupt(Problem):
    status, slug, title = 500, "artifact-corrupt", "The model's files are damaged"


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in the order of the names."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\n{len(content)}\n".encode() + content)
    return total.hexdigest()


class ModelCache:
    """Files of model versions under `root`/area/version. `fetch` brings those of an area's version to a directory."""

    def __init__(self, root: Path, fetch: Callable[[str, int, Path], None]) -> None:
        self.root = root
        self.fetch = fetch

    def files(self, version: ModelVersion) -> Files:
        """The files that were trained; ArtifactCorrupt where MLflow holds others under this version."""
        place = self.root / version.area / str(version.version)
        kept = _read(place)
        if digest(kept) == version.artifact_digest:
            return kept
        return self._fetched(version, place)

    def _fetched(self, version: ModelVersion, place: Path) -> Files:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as draft:
            arrived = Path(draft, "files")
            self.fetch(version.area, version.version, arrived)
            files = _read(arrived)
            if digest(files) != version.artifact_digest:
                raise ArtifactCorrupt(
                    f"The files of version {version.version} in MLflow are not those that were trained: "
                    "promote another version, or train again."
                )
            shutil.rmtree(place, ignore_errors=True)
            with contextlib.suppress(OSError):  # another worker on the same cache was faster, with the same files
                arrived.rename(place)
        return files


def intact(root: Path, version: ModelVersion) -> bool:
    """Whether the cache under `root` holds the files that were trained."""
    return digest(_read(root / version.area / str(version.version))) == version.artifact_digest


def _read(directory: Path) -> Files:
    if not directory.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
