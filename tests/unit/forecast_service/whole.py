"""Datasets of whole tables, as tests have them: kept and read at once."""

import pyarrow as pa
import pyarrow.compute as pc


def keep_whole(datasets, tables):
    """Keep tables, those with periods cut by calendar year as a run cuts them."""
    return datasets.keep({name: _by_year(table) for name, table in tables.items()})


def read_whole(datasets, digest):
    return {name: pa.concat_tables(blocks) for name, blocks in datasets.blocks(digest).items()}


def _by_year(table):
    if "period" not in table.column_names or not table.num_rows:
        return [table]
    years = pc.year(table["period"])
    return [table.filter(pc.equal(years, year)) for year in sorted(pc.unique(years).to_pylist())]
