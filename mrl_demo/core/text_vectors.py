"""Vectors of single texts, rounded to 8 bits, found by the text's hash: for collections whose texts vary by machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise

_HASH_BYTES = 8
_STEPS = 127


@dataclass(frozen=True)
class TextVectors:
    """Codes of `n` texts' unit vectors: sorted `hashes` `(n,)` uint64, `codes` `(n, d)` int8, `scales` `(d,)` float32.

    A number's scale makes its largest 127: a Matryoshka model's later numbers are smaller than its first. `encoder` is
    the fingerprint of the model they are of. Rounding leaves a cosine of .9999 and more with the vector
    itself, as far as bfloat16 products stray.

    >>> vectors = normalise(np.random.default_rng(0).standard_normal((2, 384)).astype(np.float32))
    >>> stored = TextVectors.of(["bees", "tea"], vectors, "a model")
    >>> found, rows = stored.find(["tea", "wine", "bees"])
    >>> found.tolist(), bool((np.sum(rows * vectors[[1, 0]], axis=1) > 0.9999).all())
    ([True, False, True], True)
    """

    hashes: NDArray[np.uint64]
    codes: NDArray[np.int8]
    scales: FloatMatrix
    encoder: str

    @classmethod
    def of(cls, texts: Sequence[str], vectors: FloatMatrix, encoder: str) -> TextVectors:
        """Round `(n, d)` float32 vectors of distinct texts."""
        hashes = hash_texts(texts)
        order = np.argsort(hashes)
        largest = np.abs(vectors).max(axis=0, initial=0)
        scales = np.where(largest > 0, largest / _STEPS, 1).astype(np.float32)
        return cls(hashes[order], np.rint(vectors / scales).astype(np.int8)[order], scales, encoder)

    @classmethod
    def load(cls, path: Path, encoder: str) -> TextVectors | None:
        """Read a file of `save`; None if there is none, it is of another model, or it is damaged."""
        try:
            with safe_open(path, framework="numpy") as handle:
                about = handle.metadata() or {}
                hashes, codes, scales = (handle.get_tensor(name) for name in ("hashes", "codes", "scales"))
                made = cls(hashes, codes, scales, str(about.get("encoder")))
        except (SafetensorError, OSError):
            return None
        return made if made.encoder == encoder and about.get("sha256") == made._checksum() else None

    def save(self, path: Path) -> None:
        """Write one safetensors file; raises `CacheError`."""
        about = {"encoder": self.encoder, "sha256": self._checksum()}
        with atomic_path(path) as temporary:
            save_file({"hashes": self.hashes, "codes": self.codes, "scales": self.scales}, temporary, metadata=about)

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.bool_], FloatMatrix]:
        """Which of `texts` are here, `(n,)`, and the float32 unit rows of those."""
        wanted = hash_texts(texts)
        places = np.minimum(np.searchsorted(self.hashes, wanted), max(0, len(self.hashes) - 1))
        found = self.hashes[places] == wanted if len(self.hashes) else np.zeros(len(texts), bool)
        return found, normalise(self.codes[places[found]] * self.scales)

    def _checksum(self) -> str:
        digest = hashlib.sha256(self.encoder.encode())
        digest.update(self.hashes.tobytes())
        digest.update(self.codes.tobytes())
        digest.update(self.scales.tobytes())
        return digest.hexdigest()


def hash_texts(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The first eight bytes of each text's sha256, `(n,)` uint64."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_HASH_BYTES] for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
