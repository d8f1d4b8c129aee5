"""Texts whose vectors an earlier encoding made, in whatever collection: a changed one costs what is new in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.cache import VectorCache
from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.text_vectors import hash_texts
from mrl_demo.core.types import FloatMatrix

logger = logging.getLogger(__name__)
#: Fewer texts are encoded again in a moment.
LEAST_TEXTS = 256
#: So many collections are looked through, the latest first.
_MOST_FILES = 8


class KnownTexts:
    """Hashes of the texts behind each stored matrix of one encoder, in the folder of whoever it belongs to.

    Where documents are multiplied in bfloat16 a reused vector may differ in its last bits from one encoded among other
    texts (cosine .9999 and more).

    >>> known = KnownTexts(VectorCache(Path("no such folder"), Path("shipped")), "a model's fingerprint", "float32")
    >>> is_known, vectors = known.find(["bees", "tea"], dimension=384)
    >>> is_known.tolist(), vectors.shape
    ([False, False], (0, 384))
    """

    def __init__(self, cache: VectorCache, encoder_fingerprint: str, precision: str) -> None:
        self._cache = cache
        self._folder = cache.folder / "texts" / sha256_text(encoder_fingerprint, precision)

    def find(self, texts: Sequence[str], dimension: int) -> tuple[NDArray[np.bool_], FloatMatrix]:
        """Which of `texts` are known, `(n,)`, and the `(k, dimension)` float32 rows of those, in their order."""
        vectors = np.empty((len(texts), dimension), dtype=np.float32)
        is_known = np.zeros(len(texts), dtype=bool)
        if len(texts) < LEAST_TEXTS:
            return is_known, vectors[:0]
        wanted = hash_texts(texts)
        for path in self._latest():
            missing = np.flatnonzero(~is_known)
            if not len(missing):
                break
            rows = missing[np.isin(wanted[missing], hashes := self._read(path))]
            stored = self._cache.load(path.stem, len(hashes)) if len(rows) else None
            if stored is not None and stored.shape[1] == dimension:
                order = np.argsort(hashes)
                places = order[np.searchsorted(hashes, wanted[rows], sorter=order)]
                vectors[rows], is_known[rows] = stored[places], True
        return is_known, vectors[is_known]

    def remember(self, key: str, texts: Sequence[str]) -> None:
        """Say that the vectors stored under `key` are those of `texts`, row by row."""
        if len(texts) < LEAST_TEXTS:
            return
        try:
            with atomic_path(self._folder / f"{key}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, hash_texts(texts), allow_pickle=False)
        except CacheError as error:  # Only who changes the collection notices.
            logger.warning("%s", error)

    def _latest(self) -> Iterator[Path]:
        paths = sorted(self._folder.glob("*.npy"), key=lambda path: path.stat().st_mtime, reverse=True)
        yield from paths[:_MOST_FILES]

    def _read(self, path: Path) -> NDArray[np.uint64]:
        try:
            return np.asarray(np.load(path, allow_pickle=False), dtype=np.uint64)
        except (OSError, ValueError):
            return np.empty(0, dtype=np.uint64)
