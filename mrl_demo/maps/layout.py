"""Where documents stand on a map: t-SNE of their full vectors, so that neighbours stand together.

L. van der Maaten and G. Hinton 2008, "Visualizing data using t-SNE", by scikit-learn.
"""

from __future__ import annotations

import numpy as np

from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.search.prefix import PrefixIndex

#: So many documents at most are laid out by t-SNE, whose time grows with their number; the others join neighbours.
LANDMARKS = 3_000
_NEIGHBOURS = 5
_COMPONENTS = 50
_PERPLEXITY = 30.0
_FEWEST = 8


def lay_out(vectors: FloatMatrix, seed: int = 0, progress: Progress | None = None) -> FloatMatrix:
    """Places of `(n, d)` unit vectors on a map, `(n, 2)` float32 in 0..1; the same for the same vectors and seed.

    Beyond 3,000 documents the rest stand amid their five nearest of those 3,000, which `seed` draws.

    >>> lay_out(np.eye(12, dtype=np.float32)).shape
    (12, 2)
    """
    n = len(vectors)
    if n <= LANDMARKS:
        return _fit_into_square(_tsne(vectors, seed, progress))
    landmarks = np.sort(np.random.default_rng(seed).choice(n, LANDMARKS, replace=False))
    places = _tsne(vectors[landmarks], seed, progress)
    return _fit_into_square(_place_amid(vectors, landmarks, places))


def _tsne(vectors: FloatMatrix, seed: int, progress: Progress | None) -> FloatMatrix:
    n = len(vectors)
    if n < _FEWEST:
        angles = 2 * np.pi * np.arange(n) / max(1, n)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if progress:
        progress(0.1, f"Laying out {n:,} documents by t-SNE, about {2 + n // 150} s")
    components = min(_COMPONENTS, n, vectors.shape[1])
    reduced = PCA(components, random_state=seed).fit_transform(vectors)
    perplexity = min(_PERPLEXITY, (n - 1) / 3)
    tsne = TSNE(2, init="pca", random_state=seed, perplexity=perplexity, max_iter=500)
    places: FloatMatrix = tsne.fit_transform(reduced).astype(np.float32)
    return places


def _place_amid(vectors: FloatMatrix, landmarks: IntMatrix, places: FloatMatrix) -> FloatMatrix:
    """Landmarks where they are, every other document between its nearest landmarks, the nearer the closer."""
    nearest = PrefixIndex(vectors[landmarks]).search(vectors, vectors.shape[1], _NEIGHBOURS)
    weights = np.exp(20 * (nearest.scores - nearest.scores[:, :1]))
    weights /= weights.sum(axis=1, keepdims=True)
    everywhere: FloatMatrix = np.einsum("nk,nkc->nc", weights, places[nearest.indices]).astype(np.float32)
    everywhere[landmarks] = places
    return everywhere


def _fit_into_square(places: FloatMatrix) -> FloatMatrix:
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: FloatMatrix = (places - (low + high) / 2) / max(float((high - low).max()), 1e-9) + 0.5
    return scaled.astype(np.float32)
