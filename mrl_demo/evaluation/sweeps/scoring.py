"""Exact scores of all queries against all documents at every dimension and precision, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.arms.vectors import ArmCodes
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.judging.places import TIE_TOLERANCE
from mrl_demo.search.quantised import ONE_BIT, Precision, calibration_size, quantise

_SCORE_BYTES = 64 * 2**20
_MAX_ROWS = 1_024
#: Added to a rescored cosine, so that the shortlist stands above everything else.
_ABOVE = np.float32(4)
_RESCORED_AT_ONCE = 32_768


@dataclass(frozen=True)
class Block:
    """Scores of the queries from `start` on, `(rows, n)` float32, higher is better.

    Valid until the next block is asked for: the buffer is used again.
    """

    precision: Precision
    dim: int
    start: int
    scores: FloatMatrix


def score_blocks(
    queries: FloatMatrix,
    documents: FloatMatrix,
    dims: Sequence[int],
    precisions: Sequence[Precision],
    seed: int = 0,
    excluded: IntMatrix | None = None,
) -> Iterator[Block]:
    """Score `(q, D)` queries against `(n, D)` documents at rising `dims` and each precision.

    The document `excluded[i]` (-1: none) scores minus infinity for query i.
    float32 takes one pass over the vectors for all dims: the products at d are those at the dim before plus
    the slice between, divided by the prefix norms. Other precisions are quantised for each dim, after the
    cut. About 0.3 GB besides one decoded copy.
    """
    wanted = set(precisions)
    if Precision("float32") in wanted:
        for block in _float32_blocks(queries, documents, dims):
            yield _without(block, excluded)
    for stored in dict.fromkeys(precision.stored for precision in precisions if precision.stored != "float32"):
        plain = Precision(stored)
        rescored = [each for each in dict.fromkeys(precisions) if each.stored == stored and each.rescored]
        for dim in dims:
            finer = {each.rescorer: _finer_rows(documents, dim, each.rescorer, seed) for each in rescored}
            for raw in _quantised_blocks(queries, documents, dim, plain, seed):
                block = _without(raw, excluded)
                if plain in wanted:
                    yield block
                for precision in rescored:
                    scores = _rescored(block, queries, finer[precision.rescorer], precision.shortlist)
                    yield Block(precision, dim, block.start, scores)


def sparse_blocks(codes: ArmCodes, dims: Sequence[int], excluded: IntMatrix | None = None) -> Iterator[Block]:
    """Scores of sparse codes cut to each of `dims` units a row, under float32's name: that many bytes they take."""
    for dim in dims:
        documents, queries = codes.documents.cut(dim).T.tocsr(), codes.queries.cut(dim)
        step = _rows_at_once(documents.shape[1])
        for start in range(0, queries.shape[0], step):
            scores = (queries[start : start + step] @ documents).toarray()
            yield _without(Block(Precision("float32"), dim, start, scores), excluded)


def _without(block: Block, excluded: IntMatrix | None) -> Block:
    """The block with each query's excluded document at minus infinity; its scores are changed in place."""
    if excluded is not None:
        own = excluded[block.start : block.start + len(block.scores)]
        rows = np.flatnonzero(own >= 0)
        block.scores[rows, own[rows]] = -np.inf
    return block


def sample_positions(n: int, seed: int = 0, precision: str = "int8") -> IntMatrix:
    """Rows of `n` documents in canonical order that a precision is fitted on, ascending int64.

    By place, not by content as an index does it: a rotation's last bits differ from one fit to the next.
    """
    return np.sort(np.random.default_rng(seed).permutation(n)[: calibration_size(n, precision)]).astype(np.int64)


def n_blocks(n_queries: int, n_documents: int) -> int:
    """How many blocks one dimension at one precision takes."""
    return -(-n_queries // _rows_at_once(n_documents))


def _float32_blocks(queries: FloatMatrix, documents: FloatMatrix, dims: Sequence[int]) -> Iterator[Block]:
    inverse = _inverse_prefix_norms(documents, dims)
    for start, part in _chunks(queries, len(documents)):
        products = np.zeros((len(part), len(documents)), dtype=np.float32)
        scratch = np.empty_like(products)
        before = 0
        for row, dim in enumerate(dims):
            np.matmul(part[:, before:dim], documents[:, before:dim].T, out=scratch)
            products += scratch
            np.multiply(products, inverse[row], out=scratch)
            before = dim
            yield Block(Precision("float32"), dim, start, scratch)


def _inverse_prefix_norms(documents: FloatMatrix, dims: Sequence[int]) -> FloatMatrix:
    squares = np.zeros(len(documents), dtype=np.float64)
    inverse = np.empty((len(dims), len(documents)), dtype=np.float32)
    before = 0
    for row, dim in enumerate(dims):
        part = documents[:, before:dim]
        squares += np.einsum("nd,nd->n", part, part)
        inverse[row] = np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        before = dim
    return inverse


def _quantised_blocks(
    queries: FloatMatrix, documents: FloatMatrix, dim: int, precision: Precision, seed: int
) -> Iterator[Block]:
    stored = quantise(documents, dim, precision.stored, sample_positions(len(documents), seed, precision.stored))
    decoded, query_codes = stored.decode(), stored.query_side(queries)
    for start, part in _chunks(query_codes, len(documents)):
        scores = part @ decoded.T
        yield Block(precision, dim, start, scores / np.float32(dim) if precision.stored in ONE_BIT else scores)


def _finer_rows(documents: FloatMatrix, dim: int, rescorer: str, seed: int) -> FloatMatrix:
    """What rescores at `dim`: the cut rows by float32, or what their int8 codes say."""
    if rescorer == "float32":
        return documents[:, :dim]
    return quantise(documents, dim, rescorer, sample_positions(len(documents), seed)).decode()


def _rescored(block: Block, queries: FloatMatrix, finer: FloatMatrix, shortlist: int) -> FloatMatrix:
    """The block's scores with the first `shortlist` of each row ordered by finer cosines, above all the rest.

    Whatever ties with the last of a shortlist is in it too, as in the search engine.
    """
    n = block.scores.shape[1]
    k = min(shortlist, n)
    edge = np.partition(block.scores, n - k, axis=1)[:, n - k]
    finite = np.where(np.isfinite(edge), edge, np.finfo(np.float32).min / 2)  # Nothing that is left out is listed.
    rows, listed = np.nonzero(block.scores >= (finite - TIE_TOLERANCE * np.maximum(1, np.abs(finite)))[:, None])
    cut_queries = truncate(queries[block.start : block.start + len(block.scores)], block.dim)
    scores = block.scores.copy()
    for start in range(0, len(rows), _RESCORED_AT_ONCE):
        part = slice(start, start + _RESCORED_AT_ONCE)
        vectors = truncate(finer[listed[part]], block.dim)
        scores[rows[part], listed[part]] = np.einsum("pd,pd->p", vectors, cut_queries[rows[part]]) + _ABOVE
    return scores


def _chunks(queries: FloatMatrix, n_documents: int) -> Iterator[tuple[int, FloatMatrix]]:
    step = _rows_at_once(n_documents)
    for start in range(0, len(queries), step):
        yield start, queries[start : start + step]


def _rows_at_once(n_documents: int) -> int:
    return int(np.clip(_SCORE_BYTES // (4 * n_documents), 1, _MAX_ROWS))
