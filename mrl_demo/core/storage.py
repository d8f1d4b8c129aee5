"""Files that are whole or absent: atomic writes, hashes, and messages that name the path and the fix."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from mrl_demo.core.errors import CacheError
from mrl_demo.core.types import FloatMatrix


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes, read in 1 MiB pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_text(*parts: str) -> str:
    """Hex sha256 of strings, each with its length, so that no two lists of parts collide by concatenation."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` that takes its place only when the block ends well.

    Raises `CacheError` naming the folder if it cannot be written (read-only, full).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # Temporary files are private; a cache or an asset is for whoever may read the folder.
        temporary.replace(path)
    except (OSError, SafetensorError) as error:  # safetensors has a word of its own for a full disk.
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a hidden sibling of `path` that takes its name only when the block ends well; `path` must not exist.

    Raises `CacheError` naming the place if it cannot be written, or if it exists by then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise unwritable(path.parent, error) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(path)
    except (OSError, SafetensorError) as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_folder(path: Path, made: Path) -> None:
    """Give the finished folder `made`, on the same disk, the name `path`; what stood there goes once it is in place.

    Raises `CacheError` naming the place if it cannot be written; what stood there is there then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise unwritable(path.parent, error) from error
    old = aside / "old"
    try:
        if path.exists():
            path.rename(old)
        made.rename(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.rename(path)
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def unwritable(path: Path, error: OSError | SafetensorError) -> CacheError:
    """The message for a place that cannot be written."""
    reason = (error.strerror if isinstance(error, OSError) else "") or error
    return CacheError(
        f"Cannot write {path}: {reason}. Free some space, make it writable, or choose another folder "
        "with --cache-dir (or MRL_CACHE_DIR)."
    )


def sha256_bytes(vectors: FloatMatrix) -> str:
    """Hex sha256 of a matrix' bytes and shape."""
    digest = hashlib.sha256(repr(vectors.shape).encode())
    digest.update(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
    return digest.hexdigest()
