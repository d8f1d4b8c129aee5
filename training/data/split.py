"""What a person's pairs are judged by: whole clusters of questions and answers that training never sees.

Rows that share a question or an answer are one cluster; so are rows whose answers are nearly the same. A question is
judged by all its answers, is in one split only, and neither it nor an answer of it is trained on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mrl_demo.core.types import Corpus, Document, IntMatrix, Note, Query
from mrl_demo.corpora import make_corpus
from training.data.near_duplicates import near_duplicates
from training.data.pairs import Pairs
from training.errors import DataError

VALIDATION, TEST = "validation", "test"
_SHARE = 20
_MAX_QUERIES = 1_000
_MAX_DOCUMENTS = 10_000


@dataclass(frozen=True)
class HeldOut:
    """Rows to train on, the collection whose validation and test questions judge, and what was noticed on the way."""

    training: Pairs
    judge: Corpus
    notes: tuple[Note, ...] = ()


_MUCH_ALIKE = Note(
    "answers-much-alike",
    "Nearly all answers are alike but for a few words, so that answers held out may differ from those trained on in no "
    "more than that: read the figures with care.",
)


def hold_out(pairs: Pairs, seed: int) -> HeldOut:
    """Hold out clusters with about 5% of the questions (at most 1,000), half to validate, half to test.

    The collection has all answers (10,000 and those that are held out, if there are more). If too little is left
    because nearly all answers are alike, only equal ones are kept together, and a note says so. Raises `DataError` if
    too little is left to train on or nothing can be held out even so.
    """
    clusters = cluster_rows(pairs)
    held = _hold_out_clusters(pairs, clusters, seed)
    if held is not None:
        return held
    clusters = cluster_rows(pairs, near_too=False)
    held = _hold_out_clusters(pairs, clusters, seed)
    if held is not None:
        return replace(held, notes=(_MUCH_ALIKE,))
    raise DataError(
        f"{len(pairs)} rows leave too few to train on once some are held out (the largest group that shares questions "
        f"or answers has {int(np.bincount(clusters).max())}): give at least 20 rows with different questions and "
        "answers."
    )


def _hold_out_clusters(pairs: Pairs, clusters: IntMatrix, seed: int) -> HeldOut | None:
    """The rows and the collection, None if training, validation or test would get nothing."""
    validation, test = _draw_clusters(pairs, clusters, seed)
    kept = np.flatnonzero(~np.isin(clusters, [*validation, *test]))
    if len(kept) < 2 or not validation or not test:
        return None
    split_of = dict.fromkeys(validation, VALIDATION) | dict.fromkeys(test, TEST)
    rows = [row for row in range(len(pairs)) if clusters[row] in split_of]
    return HeldOut(pairs.take(kept.tolist()), _judge(pairs, rows, [split_of[clusters[row]] for row in rows]))


def cluster_rows(pairs: Pairs, near_too: bool = True) -> IntMatrix:
    """The cluster of every row, `(n,)` int: connected components over equal questions and (nearly) equal answers.

    Equal is what is equal apart from case, spaces and punctuation; for nearly equal see `near_duplicates`.
    """
    _, queries = np.unique([text_key(text) for text in pairs.queries], return_inverse=True)
    answers, positives = np.unique([text_key(text) for text in pairs.positives], return_inverse=True)
    first = int(queries.max()) + 1
    near = near_duplicates(answers.tolist()) if near_too else ()
    links = [(first + a, first + b) for a, b in near]
    ends = np.array([*zip(queries.tolist(), (first + positives).tolist(), strict=True), *links])
    size = first + len(answers)
    edges = coo_matrix((np.ones(len(ends), dtype=bool), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    return np.asarray(component[queries])


def text_key(text: str) -> str:
    """What two texts share that differ in case, spaces and punctuation alone.

    >>> text_key("How do bees, talk?") == text_key("how do  bees talk")
    True
    """
    return " ".join(re.findall(r"\w+", text.lower())) or text


def _draw_clusters(pairs: Pairs, clusters: IntMatrix, seed: int) -> tuple[list[int], list[int]]:
    """Clusters for validation and for test, in turn, until enough questions are held out."""
    members: dict[int, set[str]] = {}
    for row, name in enumerate(clusters.tolist()):
        members.setdefault(name, set()).add(_folded(pairs.queries[row]))
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
    """Every answer as a document, and the questions of `rows`, each judged by all its answers.

    Texts that differ in case and spaces alone are one document, or one question.
    """
    documents: dict[str, Document] = {}
    for text in pairs.positives:
        documents.setdefault(_folded(text), Document(f"d{len(documents)}", "", text))
    queries: dict[str, Query] = {}
    judgements: dict[str, dict[str, float]] = {}
    for row, split in zip(rows, splits, strict=True):
        text = pairs.queries[row]
        query = queries.setdefault(_folded(text), Query(f"q{len(queries)}", text, "", split))
        judgements.setdefault(query.id, {})[documents[_folded(pairs.positives[row])].id] = 1.0
    wanted = {document for grades in judgements.values() for document in grades}
    kept = [document for i, document in enumerate(documents.values()) if i < _MAX_DOCUMENTS or document.id in wanted]
    return make_corpus("held-out", "Held-out rows", kept, list(queries.values()), judgements)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
