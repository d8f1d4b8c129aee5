"""Rows of a Parquet file, in batches; library: pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mrl_demo.corpora.reading.parser_errors import parsing
from mrl_demo.corpora.reading.rows import Row, Table, cell_of

#: Rows in memory at once: one long text can stand in many rows and be stored once.
_BATCH = 4_096


def parquet_rows(table: Table, wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Rows of the wanted columns, numbered from 1; raises `CorpusError` for a file that is no whole Parquet file."""
    import pyarrow.parquet as pq

    number = 0
    with parsing(table.path, "Parquet", "write it anew"), pq.ParquetFile(table.path) as file:
        names = list(dict.fromkeys(file.schema_arrow.names))
        for name in names:
            table.see(name, always=wanted(name))
        kept = [name for name in names if wanted(name)]
        for batch in file.iter_batches(columns=kept, batch_size=_BATCH):
            for values in batch.to_pylist():
                number += 1
                yield Row(number, {name: cell_of(value) for name, value in values.items()})
