"""One order of a collection that does not depend on the order of its file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Document, IntMatrix, Query


def canonical_order(rows: Sequence[Document] | Sequence[Query]) -> IntMatrix:
    """Positions `(n,)` int64 that put documents or queries into the order of a hash of id and text.

    Whatever has to choose among equals (a shortlist's edge, rows to calibrate on, held-out rows of a fit) goes by this
    order: as good as drawn by lot, and the same however the file was sorted.
    """
    hashes = [sha256_text(row.id, row.content if isinstance(row, Document) else row.text) for row in rows]
    return np.array(sorted(range(len(rows)), key=hashes.__getitem__), dtype=np.int64)
