"""Training data: (query, positive, hard negative) rows and broad text, checked before any long work starts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Corpus, FloatMatrix, Note, Progress
from mrl_demo.corpora.shipped.builtin import load_builtin, read_jsonl
from mrl_demo.corpora.shipped.python_reference import load_python_reference

#: Three more queries for every passage of the train topics, for training only.
_TRAINING_QUERIES = "collection/training_queries.jsonl"


@dataclass(frozen=True)
class Pairs:
    """Rows to train on, as parallel tuples; `negatives`, `scores` and `labels` are empty if there are none.

    A label may be a path, the coarse one first, as in Health/Heart; "" for a row without one.
    """

    queries: tuple[str, ...]
    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.queries)

    def take(self, rows: Sequence[int]) -> Pairs:
        """Only these rows, in this order."""
        columns = (self.queries, self.positives, self.negatives, self.labels)
        queries, positives, negatives, labels = (tuple(column[i] for i in rows) if column else () for column in columns)
        scores = tuple(self.scores[i] for i in rows) if self.scores else ()
        return Pairs(queries, positives, negatives, scores, labels)


@dataclass(frozen=True)
class TrainingData:
    """What a run learns from (`pairs`, `broad` texts) and is judged by (`judge`: a collection with judged queries).

    `validation_split` and `test_split` name the splits of `judge`'s queries; `others` are collections of others, on
    which the tax of the training is measured; `sources` are broad pairs beside the data's own, name and count;
    `parallel` are texts with their translations;
    `fingerprint` is the sha256 of every text.
    """

    pairs: Pairs
    broad: tuple[str, ...]
    judge: Corpus
    validation_split: str = "validation"
    test_split: str = "test"
    notes: tuple[Note, ...] = ()
    others: tuple[Corpus, ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    parallel: Pairs = Pairs((), ())
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        judges = (self.judge, *self.others)
        parts = (*self.pairs.queries, *self.pairs.positives, *self.pairs.negatives, *self.broad)
        parts = (*parts, *self.pairs.labels, *self.parallel.queries, *self.parallel.positives)
        parts = (*parts, *(judge.fingerprint for judge in judges))
        object.__setattr__(self, "fingerprint", sha256_text(*parts, *(query.text for query in self.judge.queries)))

    @property
    def own_pairs(self) -> int:
        """How many of `pairs` are the data's own: they come first, then those of `sources` in their order."""
        return len(self.pairs) - sum(count for _, count in self.sources)

    def draw(self, most: int, seed: int) -> NDArray[np.int64]:
        """Rows of at most `most` pairs in rising order: broad pairs leave room for the data's own, up to a half."""
        generator, own = np.random.default_rng(seed), self.own_pairs
        first = generator.permutation(own)[: max(most // 2, most - (len(self.pairs) - own)) if self.sources else most]
        others = own + generator.permutation(len(self.pairs) - own)[: most - len(first)]
        return np.sort(np.concatenate([first, others]))

    def sources_among(self, rows: NDArray[np.int64]) -> tuple[tuple[str, int], ...]:
        """How many of these rows of `pairs`, in rising order, each of `sources` gave; those that gave none too."""
        ends = self.own_pairs + np.cumsum([0, *(count for _, count in self.sources)])
        places = np.searchsorted(rows, ends)
        return tuple((name, int(n)) for (name, _), n in zip(self.sources, np.diff(places), strict=True))


def builtin_data(assets_dir: Path, cache_dir: Path, broad_texts: int, progress: Progress | None = None) -> TrainingData:
    """Pairs of the train topics and of the further training queries; broad text: every passage, the Python reference.

    No query is among the broad text.

    Passages of validation and test topics are read as plain text, by the rotation and the distillation; their
    queries and judgements are never trained on.
    """
    corpus = load_builtin(assets_dir)
    place = {document.id: document for document in corpus.documents}
    rows = [
        (query.text, place[passage])
        for query in corpus.queries
        if query.split == "train"
        for passage in sorted(corpus.judgements.get(query.id, {}))
    ]
    rows += [(row["text"], place[row["passage_id"]]) for row in read_jsonl(assets_dir / _TRAINING_QUERIES)]
    labels = tuple(f"{passage.domain}/{passage.topic}" for _, passage in rows)
    texts = tuple(passage.content for _, passage in rows)
    pairs = Pairs(tuple(query for query, _ in rows), texts, labels=labels)
    reference = _sampled(_reference_texts(cache_dir, progress), broad_texts)
    return TrainingData(pairs, (*(document.content for document in corpus.documents), *reference), corpus)


def _reference_texts(cache_dir: Path, progress: Progress | None) -> list[str]:
    """Descriptions and summary lines of the Python reference: real text that nobody wrote for this project."""
    corpus = load_python_reference(cache_dir, progress)
    return [*(document.content for document in corpus.documents), *(query.text for query in corpus.queries)]


def _sampled(texts: Sequence[str], count: int) -> list[str]:
    """At most `count` distinct texts, chosen by their hash, so that the same text is chosen wherever it stands."""
    return sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())[:count]


def _nearest(cosines: FloatMatrix, count: int) -> list[int]:
    """Places of the `count` highest, the first of equal ones first."""
    count = min(count, len(cosines))
    least = np.partition(cosines, -count)[-count]
    places = np.flatnonzero(cosines >= least)
    return places[np.argsort(-cosines[places], kind="stable")][:count].tolist()


def mined_negatives(pairs: Pairs, queries: FloatMatrix, positives: FloatMatrix, seed: int) -> Pairs:
    """Rows with a hard negative each: one of the 8 positives of other rows nearest to the query in the base model.

    Those at 95% or more of the own positive's cosine are left out as likely answers (NV-Retriever, arXiv 2407.15831),
    and so are all positives of the same query text. `queries` and `positives` are `(n, d)` unit rows of the pairs.
    """
    first = {text: row for row, text in reversed(list(enumerate(pairs.positives)))}
    texts = list(dict.fromkeys(pairs.positives))
    place = {text: i for i, text in enumerate(texts)}
    candidates = positives[[first[text] for text in texts]]
    own: dict[str, set[int]] = {}
    for query, positive in zip(pairs.queries, pairs.positives, strict=True):
        own.setdefault(query, set()).add(place[positive])
    generator = np.random.default_rng(seed)
    chosen = []
    for row, query in enumerate(pairs.queries):
        cosines = candidates @ queries[row]
        limit = 0.95 * float(cosines[place[pairs.positives[row]]])
        order = [i for i in _nearest(cosines, 64) if i not in own[query]]
        allowed = (
            [i for i in order if cosines[i] < limit] or order[-1:] or [(place[pairs.positives[row]] + 1) % len(texts)]
        )
        chosen.append(texts[allowed[int(generator.integers(min(8, len(allowed))))]])
    return Pairs(pairs.queries, pairs.positives, tuple(chosen), labels=pairs.labels)
