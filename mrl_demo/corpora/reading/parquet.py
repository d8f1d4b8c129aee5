"""Rows of a Parquet file, in batches; library: pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.rows import Row, Table, cell_of


def parquet_rows(table: Table, wanted: Callable[[str], bool]) -> Iterator[Row]:
    """Rows of the wanted columns, numbered from 1; raises `CorpusError` for a file that is no whole Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = table.path
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            names = list(dict.fromkeys(file.schema_arrow.names))
            for name in names:
                table.see(name, always=wanted(name))
            kept = [name for name in names if wanted(name)]
            for batch in file.iter_batches(columns=kept):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(number, {name: cell_of(value) for name, value in values.items()})
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read as Parquet after {number:,} rows: {error}.") from error
