"""Vectors that lie in a file without a name: searched from disk, gone with the process."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.prefix import PrefixIndex, even_rows

logger = logging.getLogger(__name__)

_ROWS = 16_384


def map_vectors(vectors: FloatMatrix, folder: Path) -> PrefixIndex:
    """A `PrefixIndex` of `(n, D)` float32 vectors whose blocks lie in a file of a folder instead of in memory.

    The system keeps of it what it has room for. The file has no name and takes no room once the index is gone, however
    the process ends. If it cannot be written, the vectors stay in memory.

    >>> index = map_vectors(np.eye(3, dtype=np.float32), Path(tempfile.gettempdir()))
    >>> index.search(np.array([0, 1, 0.5], np.float32), dim=3, k=2).indices.tolist()
    [[1, 2]]
    """
    n, dimension = vectors.shape
    rows = even_rows(n, _ROWS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(0, n, rows):
                block = np.zeros((dimension, rows), np.float32)
                part = vectors[start : start + rows]
                block[:, : len(part)] = part.T
                file.write(block.tobytes())
            file.flush()
            # Mode "c": torch wants memory that could be written to; nothing is.
            blocks = np.memmap(file, np.float32, mode="c", shape=(-(-n // rows), dimension, rows))
    except OSError as error:
        logger.warning("%s cannot hold the vectors (%s): they stay in memory.", folder, error.strerror)
        return PrefixIndex(vectors)
    return PrefixIndex.over(blocks, n)
