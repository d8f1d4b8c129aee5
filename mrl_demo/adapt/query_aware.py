"""Different maps for queries and documents, in closed form: LeanVec with sphering (arXiv 2410.22347, section 3)."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from mrl_demo.adapt.rotation import AdaptError, principal_axes, usable
from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise

QUERY_AWARE_KIND = "query-aware"
#: The power of the queries' second moments in the documents' map. The paper's dot products want 1/2; with rows that
#: are re-normalised after the cut, as everywhere here, 1/4 keeps more (dev/LOG.md).
STRENGTH = 0.25
#: Directions in which queries have less than this share of their largest energy are held there: no division by zero.
_LEAST_SHARE = 1e-6


@dataclass(frozen=True)
class QueryAwareMap:
    """Two `(d, d)` float32 matrices, for queries and for documents, whose product is the identity: `A @ B.T == I`.

    A query's dot product with a document is what it was before both were mapped; cosines are not, because documents
    are re-normalised. `seconds` is the fit's wall time. Raises `AdaptError` for matrices that do not fit together.

    >>> stretched = QueryAwareMap(np.diag([1, 0.5]).astype(np.float32), np.diag([1, 2]).astype(np.float32))
    >>> [round(number, 2) for number in stretched.apply(np.array([[0.6, 0.8]], np.float32))[0].tolist()]
    [0.35, 0.94]
    """

    queries: FloatMatrix
    documents: FloatMatrix
    seconds: float = 0.0
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        d = len(self.queries)
        if self.queries.shape != (d, d) or self.documents.shape != (d, d):
            raise AdaptError(f"Maps of shape {self.queries.shape} and {self.documents.shape} are no pair of squares.")
        error = float(np.abs(self.queries.astype(np.float64) @ self.documents.T - np.eye(d)).max())
        if not error <= 1e-3:
            raise AdaptError(f"These maps change dot products by up to {error:.3g} (0.001 allowed).")
        sha256 = hashlib.sha256(self.queries.tobytes() + self.documents.tobytes()).hexdigest()
        object.__setattr__(self, "fingerprint", sha256)

    @property
    def is_cut_short(self) -> bool:
        """Never: a closed form has no time limit."""
        return False

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """Map `(n, d)` document vectors to `(n, d)` float32 unit rows."""
        return normalise(vectors @ self.documents)

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """Map `(q, d)` query vectors to `(q, d)` float32 unit rows."""
        return normalise(vectors @ self.queries)

    def save(self, path: Path, key: str = "") -> None:
        """Write both maps, the key and a sha256 to one safetensors file, whole or not at all; raises `CacheError`."""
        metadata = {"kind": QUERY_AWARE_KIND, "key": key, "sha256": self.fingerprint, "seconds": repr(self.seconds)}
        with atomic_path(path) as temporary:
            save_file({"queries": self.queries, "documents": self.documents}, temporary, metadata=metadata)

    @classmethod
    def load(cls, path: Path, key: str, dimension: int) -> QueryAwareMap:
        """Read what `save` wrote; raises `ModelError` naming the file if it is damaged or another's."""
        try:
            with safe_open(path, framework="numpy") as handle:
                metadata = handle.metadata() or {}
                maps = cls(handle.get_tensor("queries"), handle.get_tensor("documents"), float(metadata["seconds"]))
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} holds no readable maps ({error}): delete it and fit them again.") from error
        if metadata.get("key") != key or metadata.get("sha256") != maps.fingerprint or len(maps.queries) != dimension:
            raise ModelError(f"{path} is damaged or was fitted for something else: delete it and fit the maps again.")
        return maps


def fit_query_aware(vectors: FloatMatrix, queries: FloatMatrix, strength: float = STRENGTH) -> QueryAwareMap:
    """Maps for `(n, d)` document vectors and the `(m, d)` queries that will be asked, or texts that stand in for them.

    With K the second moments of the queries, documents are stretched by K to the power of `strength` and queries
    shrunk by the same, and both are turned to the principal axes of the stretched documents: the first numbers then
    hold what tells documents apart in directions that queries look at, for every length at once. Without queries the
    documents stand for them. Raises `AdaptError` on vectors that cannot be fitted.
    """
    started = time.perf_counter()
    rows = usable(vectors)
    asking = usable(queries) if len(queries) else rows
    if asking.shape[1] != rows.shape[1]:
        raise AdaptError(
            f"Queries have {asking.shape[1]} numbers and documents {rows.shape[1]}: encode both with one model."
        )
    moments = asking.astype(np.float64).T @ asking / len(asking)
    energy, axes = np.linalg.eigh(moments)
    energy = np.maximum(energy / energy[-1], _LEAST_SHARE)
    stretch, shrink = ((axes * energy**power) @ axes.T for power in (strength, -strength))
    turn = principal_axes(torch.from_numpy((rows @ stretch).astype(np.float32))).double().numpy()
    asked, searched = (np.ascontiguousarray(side @ turn, dtype=np.float32) for side in (shrink, stretch))
    return QueryAwareMap(asked, searched, time.perf_counter() - started)
