"""Content-addressed vectors on disk: one safetensors file a matrix, written atomically, verified on load."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import FloatMatrix

logger = logging.getLogger(__name__)
_FORMAT = "1"


def vectors_key(encoder_fingerprint: str, texts_fingerprint: str, role: str) -> str:
    """Key of the vectors of some texts: changes with the weights, the texts, or how they were encoded."""
    return sha256_text(_FORMAT, encoder_fingerprint, texts_fingerprint, role)


def save_vectors(path: Path, vectors: FloatMatrix, key: str, dtype: type[np.floating] = np.float32) -> None:
    """Write `(n, d)` vectors as one safetensors file with their key and checksum; raises `CacheError`."""
    stored = np.ascontiguousarray(vectors, dtype=dtype)
    metadata = {"key": key, "sha256": hashlib.sha256(stored.tobytes()).hexdigest(), "format": _FORMAT}
    with atomic_path(path) as temporary:
        save_file({"vectors": stored}, temporary, metadata=metadata)


def read_vectors(path: Path, key: str, rows: int) -> FloatMatrix | None:
    """Read `(rows, d)` float32 vectors, or None where the file is absent, damaged or of another key.

    A damaged file is logged and never half-read: its bytes must match the sha256 stored with them.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as handle:
            metadata = handle.metadata() or {}
            if metadata.get("key") != key:
                return None
            stored = handle.get_tensor("vectors")
    except (SafetensorError, OSError, ValueError) as error:
        logger.warning("%s is damaged (%s): the vectors are computed again.", path, error)
        return None
    if hashlib.sha256(stored.tobytes()).hexdigest() != metadata.get("sha256") or stored.shape[0] != rows:
        logger.warning("%s does not match its checksum: the vectors are computed again.", path)
        return None
    return stored.astype(np.float32)


@dataclass(frozen=True)
class VectorCache:
    """Looks for vectors among the shipped files first, then in the cache folder.

    >>> cache = VectorCache(Path("cache"), shipped_dir=Path("assets/vectors"))
    >>> key = vectors_key("fingerprint of an encoder", "fingerprint of texts", "documents")
    >>> cache.load(key, rows=2) is None
    True
    >>> cache.store(key, np.eye(2, dtype=np.float32))
    >>> cache.load(key, rows=2)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    cache_dir: Path
    shipped_dir: Path

    def path(self, key: str) -> Path:
        """Where the cache folder keeps the vectors of `key`."""
        return self.cache_dir / "vectors" / key[:2] / f"{key}.safetensors"

    def load(self, key: str, rows: int, shipped_name: str = "") -> FloatMatrix | None:
        """The vectors of `key`, `(rows, d)` float32, or None where neither place has them whole."""
        if shipped_name:
            shipped = read_vectors(self.shipped_dir / f"{shipped_name}.safetensors", key, rows)
            if shipped is not None:
                return shipped
        return read_vectors(self.path(key), key, rows)

    def store(self, key: str, vectors: FloatMatrix) -> None:
        """Keep the vectors of `key`; raises `CacheError` where the folder cannot be written."""
        save_vectors(self.path(key), vectors, key)
