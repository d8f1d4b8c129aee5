"""Some of an index's documents, searched among themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.errors import InvalidDimensionError, LabError
from mrl_demo.core.sparse_rows import SparseRows
from mrl_demo.search.engine import RankingEngine
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.mapped import map_vectors
from mrl_demo.search.part import PartIndex
from mrl_demo.search.sparse import SparseIndex
from tests.search.brute_force import nearest, random_vectors

N, D = 200, 16
VECTORS = random_vectors(N, D)
VECTORS[[5, 6, 7]] = VECTORS[5]
QUERIES = random_vectors(3, D, seed=1)
ROWS = np.array([5, 7, 8, *range(40, 60), 199])
WHOLES: dict[str, Callable[[], RankingEngine]] = {
    "embedded": lambda: ExactIndex(VECTORS),
    "sketch": lambda: ExactIndex(VECTORS, sketch_from=1),
}


@pytest.fixture(params=WHOLES)
def part(request: pytest.FixtureRequest) -> PartIndex:
    whole = WHOLES[request.param]()
    return PartIndex(whole, ROWS)


@pytest.mark.parametrize("dim", [1, 5, D])
def test_a_part_is_searched_as_if_it_were_all(dim: int, part: PartIndex) -> None:
    among = ExactIndex(VECTORS[ROWS])
    found, wanted = part.search(QUERIES, dim, 30), among.search(QUERIES, dim, 30)
    assert found.indices.tolist() == ROWS[wanted.indices].tolist()
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    ranks = part.ranks(QUERIES[0], ROWS.tolist(), [dim])
    assert ranks.tolist() == among.scan.ranks(QUERIES[0], range(len(ROWS)), [dim]).tolist()


def test_equal_documents_of_a_part_are_tied_those_outside_do_not_count(part: PartIndex) -> None:
    ranking = part.ranking(VECTORS[5], D)
    assert ranking.top(2).indices.tolist() == [[5, 7]]
    assert ranking.is_tied(7)
    alone = PartIndex(ExactIndex(VECTORS), np.array([6, 50]))
    assert not alone.ranking(VECTORS[5], D).is_tied(6)
    assert alone.search(VECTORS[5], D, 9).indices.tolist() == [[6, 50]]


def test_a_part_refuses_what_every_index_refuses(part: PartIndex) -> None:
    assert (part.n, part.dimension) == (len(ROWS), D)
    with pytest.raises(InvalidDimensionError):
        part.search(QUERIES, D + 1, 3)
    with pytest.raises(LabError, match="k=0"):
        part.search(QUERIES, 4, 0)
    with pytest.raises(LabError, match="do not fit"):
        part.search(QUERIES[:, :3], 2, 3)


def test_a_part_of_sparse_codes() -> None:
    rows = SparseRows(np.array([[0, 1], [1, 0], [1, 2]], np.uint16), np.full((3, 2), 0.7, np.float16), 4)
    part = PartIndex(SparseIndex(rows, lambda _vectors: rows.take([1])), np.array([0, 2]))
    assert part.search(np.ones((1, 2), np.float32), 2, 5).indices.tolist() == [[0, 2]]


@pytest.mark.parametrize("n", [1, 63, 200])
def test_vectors_in_a_file_are_searched_as_in_memory(n: int, tmp_path: Path) -> None:
    index = map_vectors(VECTORS[:n], tmp_path / "new")
    assert [*(tmp_path / "new").iterdir()] == []
    for dim in (3, D):
        assert index.search(QUERIES, dim, 5).indices.tolist() == [
            nearest(VECTORS[:n], query, dim, 5).tolist() for query in QUERIES
        ]


def test_vectors_stay_in_memory_where_no_file_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    index = map_vectors(VECTORS, tmp_path / "file")
    assert index.search(QUERIES, D, 1).indices.tolist() == [nearest(VECTORS, q, D, 1).tolist() for q in QUERIES]
