"""Long encodings in parts that are kept as they are done: who is interrupted goes on there."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Encoder, FloatMatrix, Progress

logger = logging.getLogger(__name__)
#: Texts of one part: some seconds of a small model on two cores.
PART_TEXTS = 2_048


class PartlyEncoded:
    """Parts of one encoding in the cache folder, found by their texts, until the whole is kept.

    >>> from pathlib import Path
    >>> PartlyEncoded(VectorCache(Path("cache"), Path("shipped")), "a model's fingerprint").remove()
    """

    def __init__(self, cache: VectorCache, encoder_fingerprint: str, precision: str = "float32") -> None:
        self._cache, self._fingerprint, self._role = cache, encoder_fingerprint, f"documents-part-{precision}"
        self._keys: list[str] = []

    def encode(self, texts: Sequence[str], encoder: Encoder, progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of `texts`; parts that an earlier attempt finished are not encoded again."""
        if len(texts) <= PART_TEXTS:
            return encoder.encode_documents(texts, progress)
        vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
        for start in range(0, len(texts), PART_TEXTS):
            part = texts[start : start + PART_TEXTS]
            told = _share_of(progress, start / len(texts), len(part) / len(texts))
            vectors[start : start + len(part)] = self._part(part, encoder, told)
        return vectors

    def remove(self) -> None:
        """Forget the parts once the whole is kept."""
        for key in self._keys:
            self._cache.remove(key)

    def _part(self, texts: Sequence[str], encoder: Encoder, progress: Progress | None) -> FloatMatrix:
        key = vectors_key(self._fingerprint, sha256_text(*texts), self._role)
        self._keys.append(key)
        stored = self._cache.load(key, len(texts))
        if stored is not None:
            return stored
        vectors = encoder.encode_documents(texts, progress)
        try:
            self._cache.store(key, vectors)
        except CacheError as error:  # Only who is interrupted notices.
            logger.warning("%s", error)
        return vectors


def _share_of(progress: Progress | None, start: float, part: float) -> Progress | None:
    if progress is None:
        return None
    return lambda share, line: progress(start + share * part, line)
