"""Long encodings in parts that are kept as they are done: who is interrupted goes on there."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np

from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Encoder, FloatMatrix, Progress

logger = logging.getLogger(__name__)
#: Texts of one part: some seconds of a small model on two cores.
PART_TEXTS = 2_048
#: Fewer texts say nothing of the speed.
_FEWEST_TIMED = 64


class PartlyEncoded:
    """Parts of one encoding in the cache folder, found by their texts, until the whole is kept.

    `encoded` counts the texts that were encoded here, not those of parts that were kept.

    >>> from pathlib import Path
    >>> PartlyEncoded(VectorCache(Path("cache"), Path("shipped")), "a model's fingerprint").remove()
    """

    def __init__(self, cache: VectorCache, encoder_fingerprint: str, precision: str = "float32") -> None:
        self._cache, self._fingerprint, self._role = cache, encoder_fingerprint, f"documents-part-{precision}"
        self._keys: list[str] = []
        self.encoded = 0

    def encode(self, texts: Sequence[str], encoder: Encoder, progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of `texts`; parts that an earlier attempt finished are not encoded again."""
        if len(texts) <= PART_TEXTS:
            self.encoded += len(texts)
            return encoder.encode_documents(texts, progress)
        vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
        pace = _Pace(len(texts), progress)
        for start in range(0, len(texts), PART_TEXTS):
            part = texts[start : start + PART_TEXTS]
            vectors[start : start + len(part)] = self._part(part, encoder, pace.at(start, len(part)))
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
        self.encoded += len(texts)
        try:
            self._cache.store(key, vectors)
        except CacheError as error:  # Only who is interrupted notices.
            logger.warning("%s", error)
        return vectors


class _Pace:
    """Progress of all parts together: how many texts are done, how many a second, and how long the rest will take."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._first, self._started = -1, time.monotonic()

    def at(self, start: int, size: int) -> Progress | None:
        """Progress of the part that begins at text `start`."""
        progress = self._progress
        if progress is None:
            return None

        def tell(share: float, _line: str) -> None:
            """Report a part's progress as one of the whole."""
            if self._first < 0:  # What an earlier attempt left took no time.
                self._first, self._started = start, time.monotonic() - 1e-3
            done = start + round(share * size)
            progress(done / self._total, f"Encoding {done:,} of {self._total:,} documents{self._speed(done)}")

        return tell

    def _speed(self, done: int) -> str:
        a_second = (done - self._first) / (time.monotonic() - self._started)
        if done - self._first < _FEWEST_TIMED:
            return ""
        return f", {a_second:,.0f} a second, about {(self._total - done) / a_second:,.0f} s left"
