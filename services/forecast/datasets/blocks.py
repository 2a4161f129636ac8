"""The data that a run read, kept as Parquet blocks under the SHA-256 of their bytes.

A dataset is a manifest, itself kept under its digest, that lists the blocks of each table. Demand and driver values
are cut by calendar year, so that runs share the blocks of years that did not change.

What `keep` has named survives a power cut: files are on disk before the names that lead to them are. What nobody names
is deleted; a block that is being kept anew is not, since keeping touches it and only what is old is deleted, and a lock
on the directory lets neither happen within the other.
"""

import fcntl
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.errors import Gone, NotFound

BATCH_ROWS = 20_000
BLOCK_ROWS = 500_000

type Blocks = Iterable[pa.Table]


class DatasetGone(Gone):
    slug, title = "dataset-gone", "The dataset is no longer kept"


@dataclass(frozen=True)
class Facts:
    """Of one table: how many rows it has, and how many bytes its blocks take, those shared with others included."""

    rows: int
    bytes: int


@dataclass(frozen=True)
class Kept:
    """A dataset that was kept."""

    digest: str
    tables: dict[str, Facts]


class Datasets:
    """A directory of blocks and manifests."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, tables: Mapping[str, Blocks]) -> Kept:
        """Store tables that come in blocks under their digest, which is the same for the same rows, cut alike.

        Memory holds one block at a time.
        """
        manifest, facts = {}, {}
        for name, blocks in tables.items():
            manifest[name], rows, size = list[str](), 0, 0
            for block in blocks:
                content = _parquet(block)
                manifest[name].append(self._store(content))
                rows, size = rows + block.num_rows, size + len(content)
            facts[name] = Facts(rows, size)
        return Kept(self._store(json.dumps({"tables": manifest}, indent=1, sort_keys=True).encode()), facts)

    def blocks(self, digest: str) -> dict[str, Blocks]:
        """The tables of a dataset, to be gone through as often as is wanted; memory holds `BLOCK_ROWS` at a time.

        DatasetGone where it is missing, or, when it comes to it, one of its blocks is missing or damaged.
        """
        return {name: _Again(partial(self._pieces, blocks)) for name, blocks in self._manifest(digest).items()}

    def part(self, digest: str, name: str, where: pc.Expression | None) -> Iterator[pa.Table]:
        """The rows of one table for which `where` holds, block by block. DatasetGone, as `blocks`."""
        return self._whole(self._manifest(digest)[name], where)

    def table(self, digest: str, name: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """One table's schema and its rows, while memory holds one block. All blocks are looked at before the first row.

        Raises DatasetGone, and NotFound for another table than a dataset has.
        """
        blocks = self._manifest(digest).get(name)
        if blocks is None:
            raise NotFound("The dataset has no such table.")
        schemas = [self._open(block).schema_arrow for block in blocks]
        return schemas[0], self._batches(blocks)

    def facts(self, digest: str) -> dict[str, Facts]:
        """What `keep` told of a dataset; DatasetGone where it is not there as it was."""
        return {
            name: Facts(
                sum(self._open(block).metadata.num_rows for block in blocks),
                sum(self._path(block).stat().st_size for block in blocks),
            )
            for name, blocks in self._manifest(digest).items()
        }

    def files(self, digest: str) -> set[str]:
        """The digests of a dataset's manifest and blocks; none where its manifest is gone."""
        with suppress(DatasetGone):
            return {digest, *(block for blocks in self._manifest(digest).values() for block in blocks)}
        return set()

    def delete_others(self, named: set[str], before: float) -> int:
        """Delete files that are not `named` and were last kept `before` (seconds since 1970); returns how many."""
        deleted = 0
        for path in self.root.glob("??/*"):
            if path.name not in named:
                with suppress(FileNotFoundError), self._locked(fcntl.LOCK_EX):
                    if path.stat().st_mtime < before:
                        path.unlink()
                        deleted += 1
        return deleted

    def _whole(self, blocks: list[str], where: pc.Expression | None) -> Iterator[pa.Table]:
        return (pq.read_table(pa.BufferReader(self._load(block)), filters=where) for block in blocks)

    def _pieces(self, blocks: list[str]) -> Iterator[pa.Table]:
        for block in blocks:
            file = self._open(block)
            if not file.metadata.num_rows:
                yield file.schema_arrow.empty_table()
            yield from (pa.Table.from_batches([batch]) for batch in file.iter_batches(BLOCK_ROWS))

    def _batches(self, blocks: list[str]) -> Iterator[pa.RecordBatch]:
        for block in blocks:
            yield from self._open(block).iter_batches(BATCH_ROWS)

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def _store(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_SH):
            if not _renewed(path, content):
                _write(path, content)
            for folder in (path.parent, self.root):
                _sync(folder)
        return digest

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.flock(folder, kind)
            yield
        finally:
            os.close(folder)

    def _manifest(self, digest: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(self._load(digest))["tables"]
        return found

    def _open(self, block: str) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(self._load(block)))

    def _load(self, digest: str) -> bytes:
        content = b""
        with suppress(FileNotFoundError):
            content = self._path(digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise DatasetGone("The data is no longer kept as it was.")
        return content


@dataclass(frozen=True)
class _Again:
    """Goes through the same blocks each time."""

    pieces: Callable[[], Iterator[pa.Table]]

    def __iter__(self) -> Iterator[pa.Table]:
        return self.pieces()


def _renewed(path: Path, content: bytes) -> bool:
    """Whether a block is there as it should be; from now on it counts as just kept."""
    try:
        os.utime(path)
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).rename(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parquet(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()
