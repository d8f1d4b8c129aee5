from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.core.types import Corpus, Document
from mrl_demo.lab.searcher import EncodedQuery, Searcher
from mrl_demo.search.exact import ExactIndex
from tests.search.brute_force import cosines, random_vectors

N, FULL = 4_000, 48


def searcher_of(vectors: np.ndarray, *, compiled: bool) -> Searcher:
    index = ExactIndex(vectors, sketch_from=1 if compiled else len(vectors) + 1)
    index.warm_up()
    documents = tuple(Document(f"d{row}", f"Title {row}", "Text.") for row in range(len(vectors)))
    return Searcher("base", Corpus("own", "Own", documents, "fingerprint"), index)


def query_of(vector: np.ndarray) -> EncodedQuery:
    return EncodedQuery("a question", vector, 1.0)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dim", [1, 3, 8, 32, FULL])
def test_hits_moves_and_answers_are_those_of_brute_force(dim: int, compiled: bool) -> None:
    vectors, query = random_vectors(N, FULL), random_vectors(1, FULL, seed=1)[0]
    searcher = searcher_of(vectors, compiled=compiled)
    order, full_order = (np.argsort(-cosines(vectors, query, d).round(6), kind="stable").tolist() for d in (dim, FULL))
    answers = {"d7": 1, f"d{full_order[3]}": 1, "not here": 1}
    result = searcher.result(query_of(query), dim, 5, answers)
    if dim > 1:  # At one number rounding decides between cosines of 1.
        assert [hit.index for hit in result.hits] == order[:5]
        assert result.answer_rank == 1 + min(order.index(7), order.index(full_order[3]))
        assert result.overlap_at_10 == len({*order[:10]} & {*full_order[:10]}) / 10
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    assert [hit.full_rank for hit in result.hits] == [1 + full_order.index(hit.index) for hit in result.hits]
    assert result.full_answer_rank == 4
    assert all(hit.is_tied for hit in result.hits) == (dim == 1)
    assert result.is_answer_tied == (dim == 1)


@pytest.mark.parametrize("compiled", [False, True])
def test_twin_documents_are_tied_the_last_one_shown_too(compiled: bool) -> None:
    vectors, query = random_vectors(N, FULL), random_vectors(1, FULL, seed=1)[0]
    vectors[[100, 2_000]] = query
    vectors[50] = query + 0.1 * random_vectors(1, FULL, seed=2)[0]
    searcher = searcher_of(vectors, compiled=compiled)
    three = searcher.result(query_of(query), 32, 3, {"d2000": 1})
    assert [(hit.index, hit.is_tied) for hit in three.hits] == [(100, True), (2_000, True), (50, False)]
    assert (three.answer_rank, three.is_answer_tied) == (2, True)
    one = searcher.result(query_of(query), 32, 1, {"d50": 1})
    assert [hit.is_tied for hit in one.hits] == [True]  # Its twin is not shown.
    assert (one.answer_rank, one.is_answer_tied) == (3, False)


@pytest.mark.parametrize("compiled", [False, True])
def test_uncut_every_document_keeps_its_place_twins_too(compiled: bool) -> None:
    vectors = np.repeat(random_vectors(N // 20, FULL), 20, axis=0)
    result = searcher_of(vectors, compiled=compiled).result(query_of(vectors[37]), FULL, 15, {})
    assert [hit.move for hit in result.hits] == [0] * 15
    assert result.overlap_at_10 == 1


def test_an_answer_far_down_is_counted_among_all_documents() -> None:
    vectors, query = random_vectors(N, FULL), random_vectors(1, FULL, seed=1)[0]
    order = np.argsort(-cosines(vectors, query, 16), kind="stable").tolist()
    result = searcher_of(vectors, compiled=True).result(query_of(query), 16, 5, {f"d{order[-1]}": 1})
    assert (result.answer_rank, result.is_answer_tied) == (N, False)


def test_a_corpus_of_two_is_searched_whole() -> None:
    result = searcher_of(np.eye(2, dtype=np.float32), compiled=False).result(query_of(np.ones(2)), 2, 10, {"d1": 1})
    assert [(hit.index, hit.is_tied) for hit in result.hits] == [(0, True), (1, True)]
    assert (result.overlap_at_10, result.answer_rank, result.is_answer_tied) == (1, 2, True)
