"""Fitted maps in files: whatever their kind, read by the one function that looks at it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from safetensors import SafetensorError, safe_open

from mrl_demo.adapt.query_aware import QUERY_AWARE_KIND, QueryAwareMap
from mrl_demo.adapt.rotation import Rotation
from mrl_demo.adapt.sparse import SPARSE_KIND, SparseCoder
from mrl_demo.adapt.supervised import SUPERVISED_KIND, SupervisedMap
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix


@runtime_checkable
class FittedMap(Protocol):
    """A map that took some time to fit and is worth a file."""

    @property
    def is_cut_short(self) -> bool:
        """Whether its time limit ended the fit early."""
        ...

    @property
    def seconds(self) -> float:
        """What the fit took, in seconds of the clock."""
        ...

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """Documents `(n, d)` to float32 unit rows."""
        ...

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """Queries `(q, d)` to float32 unit rows."""
        ...

    def save(self, path: Path, key: str = "") -> None:
        """Write it under a key; raises `CacheError`."""
        ...


def load_fitted(path: Path, key: str, dimension: int) -> FittedMap:
    """Read a fitted map of any kind, saved under `key` for vectors of `dimension` numbers; raises `ModelError`."""
    try:
        with safe_open(path, framework="numpy") as handle:
            kind = (handle.metadata() or {}).get("kind", "")
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is no readable fit ({error}): delete it and fit it again.") from error
    if kind == QUERY_AWARE_KIND:
        return QueryAwareMap.load(path, key, dimension)
    if kind == SPARSE_KIND:
        return SparseCoder.load(path, key, dimension)
    if kind == SUPERVISED_KIND:
        return SupervisedMap.load(path, key, dimension)
    return Rotation.load(path, key=key, dimension=dimension)
