"""What people get wrong when they cut vectors: each mistake made on purpose, beside the same search done right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.transforms.base import Identity, VectorMap
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Encoder, FloatMatrix, Progress
from mrl_demo.core.vectors import check_dimension, truncate
from mrl_demo.evaluation.judging.judged import JudgedSet, judged_set
from mrl_demo.evaluation.judging.metrics import parse_metric, quality
from mrl_demo.evaluation.judging.places import place_relevant
from mrl_demo.evaluation.stats import Interval, PairedBootstrap

SAMPLE = 200
_METRIC = "ndcg@10"
#: Share of unrelated pairs that the old threshold lets pass at full length.
_STRANGERS = 0.01
#: The prompt of another model, for models that have none of their own (bge's, for questions).
FOREIGN_PROMPT = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True)
class Pitfall:
    """One mistake: `says` what is done, `fix` how it is done right, `seen` where it happened."""

    name: str
    label: str
    says: str
    fix: str
    seen: str


@dataclass(frozen=True)
class CutSearch:
    """Queries `(q, D)` and documents `(n, D)` as the encoder gives them, and how they are searched at `dim`.

    `prompted` are the same queries with the wrong prompt, or without their own.
    """

    queries: FloatMatrix
    documents: FloatMatrix
    prompted: FloatMatrix
    transform: VectorMap
    dim: int

    @property
    def sides(self) -> tuple[FloatMatrix, FloatMatrix]:
        """Queries and documents in the order of numbers that is cut, uncut."""
        return self.transform.map_queries(self.queries), self.transform.apply(self.documents)

    def right(self) -> FloatMatrix:
        """Cosines of the cut and re-normalised rows, `(q, n)`."""
        queries, documents = self.sides
        return truncate(queries, self.dim) @ truncate(documents, self.dim).T


def score_unnormalised(search: CutSearch) -> FloatMatrix:
    """Dot products of rows that were cut and left at whatever length that gave."""
    queries, documents = search.sides
    return queries[:, : search.dim] @ documents[:, : search.dim].T


def score_cut_apart(search: CutSearch) -> FloatMatrix:
    """Queries without the documents' rotation; where there is none, by their last numbers instead of the first."""
    _, documents = search.sides
    plain = isinstance(search.transform, Identity)
    queries = search.queries[:, ::-1] if plain else search.queries
    return truncate(np.ascontiguousarray(queries), search.dim) @ truncate(documents, search.dim).T


def score_wrong_prompt(search: CutSearch) -> FloatMatrix:
    """Queries encoded with the wrong prompt."""
    return replace(search, queries=search.prompted).right()


def score_query_range(search: CutSearch) -> FloatMatrix:
    """int8 with a range taken from every query alone, read with the documents' ranges."""
    queries, documents = (truncate(side, search.dim) for side in search.sides)
    low, step = _ranges(documents)
    own_low, own_step = _ranges(queries.T)
    codes = _coded(queries.T, own_low, own_step).T
    return _read(codes, low, step) @ _read(_coded(documents, low, step), low, step).T


def score_range_before_cut(search: CutSearch) -> FloatMatrix:
    """int8 with ranges of the uncut rows: what was re-normalised after the cut does not fit into them."""
    queries, documents = search.sides
    low, step = _ranges(documents[:, : search.dim])
    codes = _coded(truncate(documents, search.dim), low, step)
    return truncate(queries, search.dim) @ _read(codes, low, step).T


PITFALLS: tuple[Pitfall, ...] = (
    Pitfall(
        "unnormalised",
        "Cut, not re-normalised",
        "The first numbers are taken and searched by dot product as they are: rows whose first numbers are large win.",
        "Divide every vector by its new length after the cut, or compare by cosine.",
        "LocalAI #9228; truncate_dim of sentence-transformers cuts after its Normalize module",
    ),
    Pitfall(
        "cut-apart",
        "Queries cut another way",
        "Documents are rotated before the cut and queries are not (or other numbers of theirs are kept).",
        "One function for both sides, and the rotation's hash beside the index.",
        "an index built by one service and asked by another",
    ),
    Pitfall(
        "prompt",
        "The wrong prompt",
        "Queries are encoded without the prompt that the model was trained with, or with another model's.",
        "Take the prompts from the model's configuration, for queries and documents.",
        "e5, bge and nomic models behind servers that add none",
    ),
    Pitfall(
        "query-range",
        "int8 range of one query",
        "The query is quantised by its own least and largest number, the documents by theirs.",
        "One range for each number, from many documents, for both sides; or leave the query in float32.",
        "haystack #9100",
    ),
    Pitfall(
        "range-before-cut",
        "int8 ranges from before the cut",
        "Ranges were measured on full vectors; after the cut numbers are larger and are clipped.",
        "Cut, re-normalise, then measure the ranges, in that order.",
        "calibration files kept over a change of length",
    ),
)
_SCORES: dict[str, Callable[[CutSearch], FloatMatrix]] = {
    "unnormalised": score_unnormalised,
    "cut-apart": score_cut_apart,
    "prompt": score_wrong_prompt,
    "query-range": score_query_range,
    "range-before-cut": score_range_before_cut,
}
THRESHOLD_PITFALL = Pitfall(
    "old-threshold",
    "The old threshold kept",
    "A cut-off that let 1% of unrelated pairs pass at full length stays for shorter vectors, whose cosines are higher.",
    "Translate the threshold for every length; mrl threshold does it with an interval.",
    "stella #2993, hindsight #2874",
)


@dataclass(frozen=True)
class PitfallEffect:
    """What a pitfall costs over `n_queries`: the metric done right and wrong, and the paired difference.

    `metric` is "ndcg@10", or "overlap@10" with the right ranking where nothing is judged.
    """

    pitfall: Pitfall
    metric: str
    right: float
    wrong: float
    difference: Interval
    n_queries: int


@dataclass(frozen=True)
class ThresholdEffect:
    """What an old threshold lets pass: shares of unrelated pairs and of right answers at full length and cut."""

    pitfall: Pitfall
    threshold: float
    strangers_before: float
    strangers_after: float
    answers_before: float | None
    answers_after: float | None
    n_pairs: int


@dataclass(frozen=True)
class PitfallReport:
    """Every pitfall on one corpus, arm and length."""

    corpus: str
    arm: str
    dim: int
    effects: tuple[PitfallEffect, ...]
    threshold: ThresholdEffect
    prompt: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class PassingCounts:
    """How many documents a threshold lets through for one query, at full length and cut."""

    threshold: float
    before: int
    after: int


@dataclass(frozen=True)
class TwoRankings:
    """One query's first rows done right and with a pitfall: `(row, score)`, best first."""

    right: tuple[tuple[int, float], ...]
    wrong: tuple[tuple[int, float], ...]
    passing: PassingCounts | None = None


def find_pitfall(name: str) -> Pitfall:
    """The pitfall of that name; raises `LabError` naming those there are."""
    known = {pitfall.name: pitfall for pitfall in (*PITFALLS, THRESHOLD_PITFALL)}
    if name not in known:
        raise LabError(f"There is no pitfall {name!r}: choose one of {', '.join(known)}.")
    return known[name]


def measure_pitfalls(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: Arm,
    dim: object,
    queries: int = SAMPLE,
    seed: int = 0,
    progress: Progress | None = None,
) -> PitfallReport:
    """Make every mistake over a sample of the corpus' queries; raises `CorpusError` if it has none."""
    judged = judged_set(corpus, sample=queries, seed=seed)
    space = builder.space(arm, corpus, progress)
    encoder = builder.encoders.encoder(arm.encoder)
    length = check_dimension(dim, encoder.dimension)
    texts = [query.text for query in judged.queries]
    prompt, prompted = wrong_prompt(encoder, texts)
    raw = builder.documents(arm.encoder, corpus)
    search = CutSearch(encoder.encode_queries(texts), raw, prompted, space.transform, length)
    right = search.right()
    bootstrap = PairedBootstrap(len(texts), seed=seed)
    effects = []
    for done, pitfall in enumerate(PITFALLS):
        if progress:
            progress(done / len(PITFALLS), f"Making the mistake “{pitfall.label}”")
        effects.append(_effect(pitfall, judged, right, _SCORES[pitfall.name](search), bootstrap))
    return PitfallReport(corpus.name, arm.name, length, tuple(effects), _old_threshold(search, judged), prompt)


def rank_both_ways(search: CutSearch, name: str, k: int = 5) -> TwoRankings:
    """The first `k` rows of a search of one query, done right and with the pitfall `name`.

    With the old threshold "right" is the full length and "wrong" the cut, and `passing` counts what each lets through.
    """
    pitfall = find_pitfall(name)
    if pitfall is not THRESHOLD_PITFALL:
        return TwoRankings(_first(search.right()[0], k), _first(_SCORES[pitfall.name](search)[0], k))
    full, cut = replace(search, dim=search.documents.shape[1]).right()[0], search.right()[0]
    threshold = strangers_threshold(search.sides[1])
    passing = PassingCounts(threshold, int((full >= threshold).sum()), int((cut >= threshold).sum()))
    return TwoRankings(_first(full, k), _first(cut, k), passing)


def strangers_threshold(documents: FloatMatrix) -> float:
    """The cosine that 1% of pairs of different documents reach: each of up to 2,000 with some others, by place."""
    rows = truncate(documents[:: max(1, len(documents) // 2_000)], documents.shape[1])
    if len(rows) < 2:
        return 1.0
    shifts = range(1, min(len(rows), 50))
    cosines = np.concatenate([np.einsum("nd,nd->n", rows, np.roll(rows, shift, axis=0)) for shift in shifts])
    return float(np.quantile(cosines, 1 - _STRANGERS))


def one_search(builder: SpaceBuilder, corpus: Corpus, arm: Arm, text: str, dim: object) -> CutSearch:
    """What `rank_both_ways` needs for one question."""
    space = builder.space(arm, corpus)
    encoder = builder.encoders.encoder(arm.encoder)
    _, prompted = wrong_prompt(encoder, [text])
    length = check_dimension(dim, encoder.dimension)
    documents = builder.documents(arm.encoder, corpus)
    return CutSearch(encoder.encode_queries([text]), documents, prompted, space.transform, length)


def wrong_prompt(encoder: Encoder, texts: list[str]) -> tuple[str, FloatMatrix]:
    """What was done to the prompt, and the queries' vectors with it."""
    prompt = str(getattr(getattr(encoder, "spec", None), "query_prompt", ""))
    if prompt:  # Documents have no query prompt, so encoded as documents they show what leaving it out does.
        return f"the model's own {prompt!r} is left out", encoder.encode_documents(texts)
    return f"another model's {FOREIGN_PROMPT!r} is put before", encoder.encode_queries(
        [FOREIGN_PROMPT + t for t in texts]
    )


def _effect(
    pitfall: Pitfall, judged: JudgedSet, right: FloatMatrix, wrong: FloatMatrix, bootstrap: PairedBootstrap
) -> PitfallEffect:
    if judged.is_judged:
        metric, values = _METRIC, [_quality(judged, scores) for scores in (right, wrong)]
    else:
        metric, values = "overlap@10", [np.ones(len(right)), _overlap(right, wrong)]
    (difference,) = bootstrap.intervals((values[1] - values[0])[:, None])
    right_mean, wrong_mean = (float(value.mean()) for value in values)
    return PitfallEffect(pitfall, metric, right_mean, wrong_mean, difference, len(right))


def _quality(judged: JudgedSet, scores: FloatMatrix) -> np.ndarray:
    relevant = judged.relevant
    places = place_relevant(_without_own(judged, scores), relevant.query, relevant.document)
    return quality(parse_metric(_METRIC), relevant, places)


def _without_own(judged: JudgedSet, scores: FloatMatrix) -> FloatMatrix:
    rows = np.flatnonzero(judged.own_document >= 0)
    if not len(rows):
        return scores
    kept = scores.copy()
    kept[rows, judged.own_document[rows]] = -np.inf
    return kept


def _overlap(right: FloatMatrix, wrong: FloatMatrix, k: int = 10) -> np.ndarray:
    k = min(k, right.shape[1])
    firsts = [np.argpartition(-scores, k - 1, axis=1)[:, :k] for scores in (right, wrong)]
    return np.array([len(set(a) & set(b)) / k for a, b in zip(*(first.tolist() for first in firsts), strict=True)])


def _old_threshold(search: CutSearch, judged: JudgedSet) -> ThresholdEffect:
    """Pairs of a query and a document that nobody judged relevant to it are the strangers."""
    full = replace(search, dim=search.documents.shape[1]).right()
    cut = search.right()
    relevant = judged.relevant
    known = relevant.document >= 0
    rows, documents = relevant.query[known], relevant.document[known]
    strangers = np.ones(full.shape, dtype=bool)
    strangers[rows, documents] = False
    threshold = float(np.quantile(full[strangers], 1 - _STRANGERS))

    def share_passing(scores: FloatMatrix) -> float:
        """Share of the scores that reach the cut-off."""
        return float((scores >= threshold).mean())

    return ThresholdEffect(
        THRESHOLD_PITFALL,
        threshold,
        strangers_before=share_passing(full[strangers]),
        strangers_after=share_passing(cut[strangers]),
        answers_before=share_passing(full[rows, documents]) if len(rows) else None,
        answers_after=share_passing(cut[rows, documents]) if len(rows) else None,
        n_pairs=int(strangers.sum()),
    )


def _first(scores: FloatMatrix, k: int) -> tuple[tuple[int, float], ...]:
    rows = np.argsort(-scores, kind="stable")[:k]
    return tuple((int(row), float(scores[row])) for row in rows)


def _ranges(rows: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """The least number of every column and the width of one of 255 steps."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    return low, np.where(high > low, (high - low) / 255, 1).astype(np.float32)


def _coded(rows: FloatMatrix, low: FloatMatrix, step: FloatMatrix) -> FloatMatrix:
    return np.clip(np.floor((rows - low) / step), 0, 255)


def _read(codes: FloatMatrix, low: FloatMatrix, step: FloatMatrix) -> FloatMatrix:
    return np.asarray(low + (codes + 0.5) * step, dtype=np.float32)
