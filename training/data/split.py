"""What a person's pairs are judged by: whole clusters of questions and answers that training never sees.

Rows that share a question or an answer, word for word apart from case, spaces and punctuation, are one cluster. A
question is judged by all its answers, is in one split only, and neither it nor an answer of it is trained on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus
from training.data.pairs import Pairs
from training.errors import DataError

VALIDATION, TEST = "validation", "test"
_SHARE = 20
_MAX_QUERIES = 1_000
_MAX_DOCUMENTS = 20_000


@dataclass(frozen=True)
class HeldOut:
    """Rows to train on, and the collection whose validation and test questions judge."""

    training: Pairs
    judge: Corpus


def hold_out(pairs: Pairs, seed: int) -> HeldOut:
    """Hold out clusters with about 5% of the questions (at most 1,000), half to validate, half to test.

    The collection has all answers (20,000 and those that are held out, if there are more). Raises `DataError` if too
    little is left to train on or nothing can be held out.
    """
    clusters = cluster_rows(pairs)
    validation, test = _draw_clusters(pairs, clusters, seed)
    kept = np.flatnonzero(~np.isin(clusters, [*validation, *test]))
    if len(kept) < 2 or not validation or not test:
        largest = int(np.bincount(clusters).max())
        raise DataError(
            f"{len(pairs)} rows leave {len(kept)} to train on once some are held out (the largest group that shares "
            f"questions or answers has {largest}): give at least 20 rows with different questions and answers."
        )
    split_of = dict.fromkeys(validation, VALIDATION) | dict.fromkeys(test, TEST)
    rows = [row for row in range(len(pairs)) if clusters[row] in split_of]
    return HeldOut(pairs.take(kept.tolist()), _judge(pairs, rows, [split_of[clusters[row]] for row in rows]))


def cluster_rows(pairs: Pairs) -> np.ndarray:
    """The cluster of every row, `(n,)` int: connected components over equal questions and equal answers."""
    queries, positives = _numbered(pairs.queries), _numbered(pairs.positives)
    n_queries, n_positives = queries.max() + 1, positives.max() + 1
    edges = coo_matrix(
        (np.ones(len(pairs), dtype=bool), (queries, n_queries + positives)),
        shape=(n_queries + n_positives, n_queries + n_positives),
    )
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[queries])


def _numbered(texts: Sequence[str]) -> np.ndarray:
    """A number for every distinct text, case, spaces and punctuation aside."""
    _, numbers = np.unique([" ".join(re.findall(r"\w+", text.lower())) or text for text in texts], return_inverse=True)
    return numbers


def _draw_clusters(pairs: Pairs, clusters: np.ndarray, seed: int) -> tuple[list[int], list[int]]:
    """Clusters for validation and for test, in turn, until enough questions are held out."""
    members: dict[int, set[str]] = {}
    for row, name in enumerate(clusters.tolist()):
        members.setdefault(name, set()).add(pairs.queries[row])
    sizes = {name: len(questions) for name, questions in members.items()}
    questions = sum(sizes.values())
    wanted = max(4, min(_MAX_QUERIES, questions // _SHARE))
    drawn = np.random.default_rng(seed).permutation(sorted(sizes)).tolist()
    small_first = sorted(drawn, key=lambda name: sizes[name] > wanted // 2)  # Large clusters are better trained on.
    sides: tuple[list[int], list[int]] = ([], [])
    counts = [0, 0]
    for name in small_first[: len(sizes) - 1]:
        if min(counts) and sum(counts) >= wanted:
            break
        side = int(counts[1] < counts[0])
        sides[side].append(name)
        counts[side] += sizes[name]
    return sides


def _judge(pairs: Pairs, rows: Sequence[int], splits: Sequence[str]) -> Corpus:
    """Every answer as a document, and the questions of `rows`, each judged by all its answers."""
    place = {text: f"d{i}" for i, text in enumerate(dict.fromkeys(pairs.positives))}
    judged: dict[str, dict[str, int]] = {}
    split_of: dict[str, str] = {}
    for row, split in zip(rows, splits, strict=True):
        judged.setdefault(pairs.queries[row], {})[place[pairs.positives[row]]] = 1
        split_of[pairs.queries[row]] = split
    wanted = {doc for grades in judged.values() for doc in grades}
    kept = [(text, doc) for i, (text, doc) in enumerate(place.items()) if i < _MAX_DOCUMENTS or doc in wanted]
    queries = [Query(f"q{i}", text, "", split_of[text]) for i, text in enumerate(judged)]
    judgements = {query.id: judged[query.text] for query in queries}
    return make_corpus(
        "held-out", "Held-out rows", [Document(doc, "", text) for text, doc in kept], queries, judgements
    )
