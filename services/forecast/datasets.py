"""The data that a run read, kept as Parquet blocks under the SHA-256 of their bytes.

A dataset is a manifest, itself kept under its digest, that lists the blocks of each table. Demand and driver values
are cut by calendar year, so that runs share the blocks of years that did not change.
"""

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.errors import Gone

type Tables = dict[str, pa.Table]


class DatasetGone(Gone):
    slug, title = "dataset-gone", "The dataset is no longer kept"


class Datasets:
    """A directory of blocks and manifests."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, tables: Tables) -> str:
        """Store the tables; returns the dataset's digest, the same for the same rows in the same order."""
        blocks = {name: [self._store(_parquet(block)) for block in _blocks(table)] for name, table in tables.items()}
        return self._store(json.dumps({"tables": blocks}, indent=1, sort_keys=True).encode())

    def read(self, digest: str) -> Tables:
        """The tables of a dataset; DatasetGone where it, or one of its blocks, is missing or damaged."""
        manifest: dict[str, list[str]] = json.loads(self._load(digest))["tables"]
        return {
            name: pa.concat_tables([pq.read_table(pa.BufferReader(self._load(block))) for block in blocks])
            for name, blocks in manifest.items()
        }

    def _path(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def _store(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(draft).rename(path)
        return digest

    def _load(self, digest: str) -> bytes:
        path = self._path(digest)
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise DatasetGone("The data of this run is no longer kept as it was.")
        return content


def _blocks(table: pa.Table) -> Iterator[pa.Table]:
    if "period" not in table.column_names or not table.num_rows:
        yield table
        return
    years = pc.year(table["period"])
    for year in sorted(pc.unique(years).to_pylist()):
        yield table.filter(pc.equal(years, year))


def _parquet(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()
