"""Content-addressed vectors on disk: one safetensors file a matrix, written atomically, verified on load."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix

logger = logging.getLogger(__name__)
#: Part of every key since the first files; what is in a key has not changed since.
_KEY_VERSION = "1"
#: The folder of what belongs to visitors.
_PRIVATE = "private"
#: How a file is laid out: since "2" the checksum covers the key too.
_FORMAT = "2"
#: Matrices of so many bytes and more are mapped instead of read into memory. Windows would not let go of their files.
_MAPPED_FROM = 16 * 2**20 if os.name != "nt" else 2**63


def vectors_key(encoder_fingerprint: str, texts_fingerprint: str, role: str) -> str:
    """Key of the vectors of some texts: changes with the model, the texts, or how they were encoded."""
    return sha256_text(_KEY_VERSION, encoder_fingerprint, texts_fingerprint, role)


def save_vectors(
    path: Path,
    vectors: FloatMatrix,
    key: str,
    dtype: type[np.floating] = np.float32,
    cut: CutTexts = NOTHING_CUT,
) -> None:
    """Write `(n, d)` vectors as one safetensors file, tied to their key by a checksum; raises `CacheError`.

    `cut` says how many of their texts were longer than the model reads.
    """
    stored = np.ascontiguousarray(vectors, dtype=dtype)
    about = {"key": key, "cut": json.dumps(asdict(cut)), "format": _FORMAT}
    with atomic_path(path) as temporary:
        save_file({"vectors": stored}, temporary, metadata=about | {"sha256": _checksum(stored, about)})


@dataclass(frozen=True)
class StoredVectors:
    """`(n, d)` float32 vectors as a file has them, and how many of their texts were cut."""

    vectors: FloatMatrix
    cut: CutTexts


def read_vectors(path: Path, key: str, rows: int) -> StoredVectors | None:
    """Read `(rows, d)` float32 vectors, or None if the file is absent, damaged or of another key.

    A damaged file is logged and never half-read: its bytes and its key must match the sha256 stored with them. A large
    matrix stays in its file: everybody who reads it shares the pages, which the system takes back when it needs room;
    what is written to it is the reader's own.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as handle:
            about = dict(handle.metadata() or {})
            if about.get("key") != key or about.get("format") != _FORMAT:
                return None
            is_large = path.stat().st_size >= _MAPPED_FROM and handle.get_slice("vectors").get_dtype() == "F32"
            stored = _map_matrix(path) if is_large else handle.get_tensor("vectors")
        expected = about.pop("sha256", "")
        if _checksum(stored, about) == expected and stored.shape[0] == rows:
            return StoredVectors(stored.astype(np.float32, copy=False), CutTexts(**json.loads(about["cut"])))
        reason = "it does not match its checksum"
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error)
    logger.warning("%s is damaged (%s): the vectors are computed again.", path, reason)
    return None


def _map_matrix(path: Path) -> NDArray[np.float32]:
    """The float32 matrix of a safetensors file, memory-mapped: 8 bytes of the header's length, the header, the data."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        about = json.loads(file.read(size))["vectors"]
        offset, shape = 8 + size + about["data_offsets"][0], tuple(about["shape"])
        # Mode "c": torch wants memory that could be written to.
        return np.asarray(np.memmap(file, np.float32, mode="c", offset=offset, shape=shape))


def _key_of(path: Path) -> str:
    """The key that a file says it has, "" if there is no such file or it cannot be read."""
    try:
        with safe_open(path, framework="numpy") as handle:
            return str((handle.metadata() or {}).get("key", ""))
    except (SafetensorError, OSError):
        return ""


def _checksum(stored: NDArray[np.floating], about: dict[str, str]) -> str:
    """Sha256 over what the file says of itself, the matrix' shape and type, and its bytes."""
    head = sha256_text(
        *(f"{name}={value}" for name, value in sorted(about.items())), str(stored.shape), str(stored.dtype)
    )
    digest = hashlib.sha256(head.encode())
    digest.update(stored.data)  # A buffer in C order: a copy would take as much memory again.
    return digest.hexdigest()


class CurrentOwner(threading.local):
    """Whose vectors this thread stores: the name of a visitor's collection, "" for what everybody may share.

    Every task on a collection begins by asking the lab for it, in the thread that does the work: that sets it.
    """

    name: str = ""


@dataclass(frozen=True)
class VectorCache:
    """Looks for vectors among the shipped files first, then in the cache folder; those of an owner lie apart.

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
    owner: CurrentOwner = field(default_factory=CurrentOwner, compare=False, repr=False)

    @property
    def folder(self) -> Path:
        """Where what is made now is kept: the cache folder, or its part that belongs to the owner."""
        return self.private_folder(self.owner.name) if self.owner.name else self.cache_dir

    def private_folder(self, owner: str) -> Path:
        """Where everything of an owner is kept."""
        return self.cache_dir / _PRIVATE / owner

    def forget(self, owner: str, older_than: float = 0) -> None:
        """Remove everything of an owner; of "" what was left by any that has not been touched for so many seconds."""
        if owner:
            shutil.rmtree(self.private_folder(owner), ignore_errors=True)
            return
        now = time.time()
        for folder in (self.cache_dir / _PRIVATE).glob("*"):
            if now - max(path.stat().st_mtime for path in (folder, *folder.rglob("*"))) > older_than:
                shutil.rmtree(folder, ignore_errors=True)

    def path(self, key: str) -> Path:
        """Where the vectors of `key` are kept: with the owner, or if they are not there, with everybody's."""
        own = self.folder / "vectors" / key[:2] / f"{key}.safetensors"
        shared = self.cache_dir / "vectors" / key[:2] / f"{key}.safetensors"
        return shared if own != shared and not own.is_file() and shared.is_file() else own

    def load(self, key: str, rows: int, shipped_name: str = "") -> FloatMatrix | None:
        """The vectors of `key`, `(rows, d)` float32, or None if neither place has them whole."""
        stored = self.load_stored(key, rows, shipped_name)
        return stored.vectors if stored else None

    def load_stored(self, key: str, rows: int, shipped_name: str = "") -> StoredVectors | None:
        """The vectors of `key` and how many of their texts were cut, or None if neither place has them whole."""
        if shipped_name:
            shipped = read_vectors(self.shipped_dir / f"{shipped_name}.safetensors", key, rows)
            if shipped is not None:
                return shipped
        return read_vectors(self.path(key), key, rows)

    def has(self, key: str, shipped_name: str = "") -> bool:
        """Whether `load` would look at a file of `key`; that the file is whole shows only when it is read."""
        shipped = self.shipped_dir / f"{shipped_name}.safetensors"
        return (bool(shipped_name) and _key_of(shipped) == key) or self.path(key).is_file()

    def remove(self, key: str) -> None:
        """Forget the vectors of `key` in the cache folder."""
        self.path(key).unlink(missing_ok=True)

    def store(self, key: str, vectors: FloatMatrix, cut: CutTexts = NOTHING_CUT) -> None:
        """Keep the vectors of `key`; raises `CacheError` if the folder cannot be written."""
        save_vectors(self.folder / "vectors" / key[:2] / f"{key}.safetensors", vectors, key, cut=cut)
