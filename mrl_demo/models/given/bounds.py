"""What a file of vectors unpacks to, told before it is read: a visitor's may say little and hold a lot."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from mrl_demo.core.errors import ModelError

_FLOAT_BYTES = 4


def check_unpacked_size(path: Path, most_bytes: int) -> None:
    """Refuse a file whose arrays or columns would take more than `most_bytes` in memory; raises `ModelError`.

    Files that cannot be looked at are left to their reader, which names what is wrong with them.
    """
    size = max(path.stat().st_size, _unpacked_size(path))
    if size > most_bytes:
        raise ModelError(
            f"{path.name} holds {size / 1e6:,.0f} MB of vectors, {most_bytes / 1e6:,.0f} MB are the limit here: give "
            "float16 or fewer numbers a vector, or run the lab on your own machine."
        )


def _unpacked_size(path: Path) -> int:
    kind = path.suffix.lower()
    try:
        if kind == ".npz":
            with ZipFile(path) as archive:
                return sum(entry.file_size for entry in archive.infolist())
        if kind == ".npy":
            return int(np.load(path, mmap_mode="r", allow_pickle=False).nbytes)
        if kind == ".parquet":
            import pyarrow.parquet as pq

            about = pq.ParquetFile(path).metadata
            groups = [about.row_group(number) for number in range(about.num_row_groups)]
            values = sum(group.column(i).num_values for group in groups for i in range(group.num_columns))
            return max(values * _FLOAT_BYTES, sum(group.total_byte_size for group in groups))
    except (OSError, ValueError, EOFError, BadZipFile):
        return 0
    return 0
