"""Different maps for queries and documents: exact dot products, better short prefixes, files that hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrl_demo.adapt.kept import load_fitted
from mrl_demo.adapt.query_aware import QueryAwareMap, fit_query_aware
from mrl_demo.adapt.rotation import AdaptError, fit_pca
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise, truncate


def documents_and_queries(seed: int = 0) -> tuple[FloatMatrix, FloatMatrix]:
    """Documents spread most in directions that no query looks at."""
    random = np.random.default_rng(seed)
    loud, quiet = np.repeat([3.0, 1.0], [16, 16]), np.repeat([0.05, 1.0], [16, 16])
    documents = random.normal(size=(600, 32)) * loud
    queries = random.normal(size=(300, 32)) * quiet
    return normalise(documents.astype(np.float32)), normalise(queries.astype(np.float32))


def shared_leaders(queries: FloatMatrix, documents: FloatMatrix, wanted: FloatMatrix) -> float:
    order = np.argsort(-(queries @ documents.T), axis=1)[:, :10]
    exact = np.argsort(-wanted, axis=1)[:, :10]
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(order, exact, strict=True)])) / 10


def test_dot_products_are_those_before_the_maps() -> None:
    documents, queries = documents_and_queries()
    maps = fit_query_aware(documents, queries[:200])
    mapped = (queries @ maps.queries) @ (documents @ maps.documents).T
    assert np.abs(mapped - queries @ documents.T).max() < 1e-4


def test_short_prefixes_keep_more_of_what_queries_look_for_than_a_pca_of_the_documents() -> None:
    documents, queries = documents_and_queries()
    maps, pca = fit_query_aware(documents, queries[:200]), fit_pca(documents)
    unseen = queries[200:]
    exact = unseen @ documents.T
    ours = shared_leaders(truncate(maps.map_queries(unseen), 12), truncate(maps.apply(documents), 12), exact)
    plain = shared_leaders(truncate(pca.apply(unseen), 12), truncate(pca.apply(documents), 12), exact)
    assert ours > plain + 0.1


def test_without_queries_the_documents_stand_for_them() -> None:
    documents, _ = documents_and_queries()
    maps = fit_query_aware(documents, np.empty((0, 32), np.float32))
    assert maps.apply(documents).shape == (600, 32)


def test_a_saved_pair_comes_back_under_its_own_key_alone(tmp_path: Path) -> None:
    documents, queries = documents_and_queries()
    path = tmp_path / "maps.safetensors"
    maps = fit_query_aware(documents, queries)
    maps.save(path, key="mine")
    loaded = load_fitted(path, "mine", 32)
    assert isinstance(loaded, QueryAwareMap)
    assert np.array_equal(loaded.map_queries(queries), maps.map_queries(queries))
    for key, dimension in (("other", 32), ("mine", 16)):
        with pytest.raises(ModelError, match="fitted for something else"):
            load_fitted(path, key, dimension)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"maps\.safetensors"):
        load_fitted(path, "mine", 32)


def test_queries_of_another_length_and_maps_that_do_not_belong_together_are_refused() -> None:
    documents, _ = documents_and_queries()
    with pytest.raises(AdaptError, match="16 numbers and documents 32"):
        fit_query_aware(documents, np.ones((3, 16), np.float32))
    with pytest.raises(AdaptError, match="change dot products"):
        QueryAwareMap(np.eye(2, dtype=np.float32), 2 * np.eye(2, dtype=np.float32))
