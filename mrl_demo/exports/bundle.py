"""Bundles on disk and as one zip file: whole or absent."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np

from mrl_demo.core.storage import atomic_folder
from mrl_demo.core.types import FloatMatrix
from mrl_demo.exports.setting import ExportError
from mrl_demo.exports.target import Bundle


def write_bundle(bundle: Bundle, out: Path) -> None:
    """Write a bundle as the new folder `out`; raises `ExportError` if that exists, `CacheError` if it cannot be."""
    if out.exists():
        raise ExportError(f"{out} is there already: name a folder that is not, so that nothing is written over.")
    with atomic_folder(out) as folder:
        for name, content in bundle.files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        for name, source in bundle.folders.items():
            shutil.copytree(source, folder / name)


def zip_bundle(bundle: Bundle) -> bytes:
    """A bundle's files as one zip file; without the folders, which are for who has the disk beside them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in bundle.files.items():
            archive.writestr(f"{bundle.target}/{name}", content)
    return buffer.getvalue()


def vector_files(ids: list[str], vectors: FloatMatrix) -> dict[str, bytes]:
    """`documents.npy`, full-length `(n, d)` float32 as the model gives them, and `ids.txt`, a line each.

    Raises `ExportError` if an id has a line break.
    """
    broken = next((name for name in ids if len(name.splitlines()) != 1), None)
    if broken is not None:
        raise ExportError(f"The id {broken!r} is not one line of text: rename it, or export without vectors.")
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
    return {"documents.npy": buffer.getvalue(), "ids.txt": ("\n".join(ids) + "\n").encode()}
