"""A rotation as a value: checked, saved, applied; and the one that PCA gives."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mrl_demo.core.errors import LabError, ModelError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise

_FORMAT = "1"
_REPORT = ("held_out_before", "held_out_after", "steps", "seconds", "documents")


class AdaptError(LabError, ValueError):
    """Vectors or settings that no rotation can be fitted on."""


@dataclass(frozen=True)
class Rotation:
    """An orthogonal `(d, d)` float32 matrix whose columns are the new axes, most useful first, and how it was fitted.

    `kind` is "pca", "adapted" or "random". `held_out_before` and `held_out_after` are the mean KL divergence
    (nats) of held-out documents' neighbours at the prefixes, with PCA and with this matrix; 0 if none was
    measured. `seconds` is the fit's wall time, `is_cut_short` whether its time limit ended it early.
    Raises `AdaptError` if the matrix is not square, finite or orthogonal to 1e-3.

    >>> swap = Rotation(np.array([[0, 1], [1, 0]], dtype=np.float32), "random")
    >>> swap.apply(np.array([[0.6, 0.8]], dtype=np.float32))
    array([[0.8, 0.6]], dtype=float32)
    """

    matrix: FloatMatrix
    kind: str
    held_out_before: float = 0.0
    held_out_after: float = 0.0
    steps: int = 0
    seconds: float = 0.0
    documents: int = 0
    note: str = ""
    is_cut_short: bool = False
    orthogonality_error: float = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float32, order="C")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
            raise AdaptError(f"A rotation is a square matrix, not one of shape {matrix.shape}.")
        error = float(np.abs(matrix.T.astype(np.float64) @ matrix - np.eye(len(matrix))).max())
        if not error <= 1e-3:
            raise AdaptError(f"This matrix is no rotation: W'W differs from I by {error:.3g} (0.001 allowed).")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "orthogonality_error", error)
        object.__setattr__(self, "fingerprint", hashlib.sha256(matrix.tobytes()).hexdigest())

    @property
    def dimension(self) -> int:
        """The length d of the vectors it turns."""
        return len(self.matrix)

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """Turn `(n, d)` vectors into `(n, d)` float32 unit rows; zero rows stay zero.

        Raises `AdaptError` on another d or NaN.
        """
        rows = _checked(vectors)
        if rows.shape[1] != self.dimension:
            raise AdaptError(
                f"This rotation turns vectors of {self.dimension} numbers, not of {rows.shape[1]}: fit it on these."
            )
        return normalise(rows @ self.matrix)

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The same for queries: both sides are turned alike."""
        return self.apply(vectors)

    def save(self, path: Path, key: str = "") -> None:
        """Write matrix, report, key and sha256 to one safetensors file, whole or not at all; raises `CacheError`."""
        metadata = {name: repr(getattr(self, name)) for name in _REPORT}
        metadata |= {"kind": self.kind, "note": self.note, "sha256": self.fingerprint, "format": _FORMAT, "key": key}
        with atomic_path(path) as temporary:
            save_file({"matrix": self.matrix}, temporary, metadata=metadata)

    @classmethod
    def load(cls, path: Path, key: str | None = None, dimension: int | None = None) -> Rotation:
        """Read what `save` wrote; raises `ModelError` naming the file if it is missing, damaged or altered.

        With `key` it must have been saved under that key, with `dimension` it must turn vectors of that length.
        """
        try:
            with safe_open(path, framework="numpy") as handle:
                matrix, metadata = handle.get_tensor("matrix"), handle.metadata() or {}
            rotation = cls(
                matrix,
                metadata["kind"],
                held_out_before=float(metadata["held_out_before"]),
                held_out_after=float(metadata["held_out_after"]),
                steps=int(metadata["steps"]),
                seconds=float(metadata["seconds"]),
                documents=int(metadata["documents"]),
                note=metadata["note"],
            )
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is no readable rotation ({error}): delete it and fit it again.") from error
        if rotation.fingerprint != metadata.get("sha256"):
            raise ModelError(f"{path} does not match its checksum: delete it and fit it again.")
        if key is not None and metadata.get("key") != key:
            raise ModelError(f"{path} was fitted for something else (key {metadata.get('key')!r}): fit it again.")
        if dimension is not None and rotation.dimension != dimension:
            raise ModelError(f"{path} turns vectors of {rotation.dimension} numbers, not of {dimension}: fit it again.")
        return rotation


def default_prefixes(dimension: int) -> tuple[int, ...]:
    """The prefix lengths fitted for vectors of `dimension` numbers: powers of two from 8, then half the dimension."""
    half = max(1, dimension // 2)
    powers = [2**power for power in range(3, 16) if 2**power < half]
    return (*powers, half)


def fit_pca(vectors: FloatMatrix) -> Rotation:
    """Fit PCA on `(n, d)` float32 vectors: the eigenvectors of their second moments, largest first, as a rotation.

    The mean is *not* subtracted, neither in the fit nor by `apply`: subtracting it would change the cosines, and
    documents and queries do not share one. Zero rows are left out; with fewer rows than dimensions the rest of the
    axes is any orthogonal complement. Raises `AdaptError` on a wrong shape, NaN, or no row that is not zero.
    """
    started = time.perf_counter()
    rows = usable(vectors)
    matrix = principal_axes(torch.from_numpy(rows))
    return Rotation(matrix.numpy(), "pca", seconds=time.perf_counter() - started, documents=len(rows))


def principal_axes(rows: torch.Tensor, axis_prior: float = 0.0) -> torch.Tensor:
    """Eigenvectors `(d, d)` float32 of the second moments of `(n, d)` rows, largest first, their signs fixed.

    The i-th number counts i to the power of -`axis_prior`.
    """
    moments = torch.zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
    for part in rows.split(8_192):
        moments += part.double().T @ part.double()
    trust = torch.arange(1, len(moments) + 1, dtype=torch.float64) ** -axis_prior
    vectors = torch.linalg.eigh(moments * torch.outer(trust, trust) / len(rows)).eigenvectors.flip(1)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return (vectors * largest.sign()).float()


def usable(vectors: FloatMatrix) -> FloatMatrix:
    """The rows that are not zero, as unit rows; raises `AdaptError` if there is none."""
    rows = _checked(vectors)
    rows = normalise(rows[np.abs(rows).max(axis=1) > 0])
    if not len(rows):
        raise AdaptError(f"All {len(vectors)} vectors are zero: there is nothing to fit a rotation on.")
    return rows


def _checked(vectors: FloatMatrix) -> FloatMatrix:
    """`(n, d)` float32, finite, d at least 1; raises `AdaptError` that says what is wrong and where."""
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise AdaptError(f"Vectors are a matrix (documents, numbers), not an array of shape {rows.shape}.")
    if rows.dtype.kind not in "fiu":
        raise AdaptError(f"Vectors are numbers, not {rows.dtype}.")
    rows = rows.astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(broken):
        raise AdaptError(
            f"{len(broken)} of {len(rows)} vectors hold NaN or infinity, first in row {broken[0]}: encode them again."
        )
    return rows


def random_permutation(dimension: int, seed: int) -> Rotation:
    """A seeded permutation of the dimensions: its first d numbers are d random ones (arXiv 2508.17744)."""
    order = np.random.default_rng(seed).permutation(dimension)
    return Rotation(matrix=np.eye(dimension, dtype=np.float32)[:, order], kind="random")
