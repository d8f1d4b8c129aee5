"""From a corpus and two settings to a translated cut-off: whose pairs are scored, and what is said about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.core.vectors import check_dimension
from mrl_demo.evaluation.judging.judged import JudgedSet, judged_set
from mrl_demo.search.quantised import parse_precision
from mrl_demo.thresholds.counts import ScoreCounts, count_scores
from mrl_demo.thresholds.translate import Translations, check_cutoff, translate

_FULL = "float32"
_FEW = 10
_PICTURE_BINS = 100


@dataclass(frozen=True)
class ThresholdQuestion:
    """What is asked: the cut-off now, and the arm, length and precision it is wanted for.

    `full_arm` is the arm that the cut-off is for, at its full length in float32; "" is `arm` itself. `split`, `queries`
    and `seed` choose the judged queries and `max_tokens` cuts texts as in a `SweepPlan`. Raises `LabError` kinds for a
    cut-off that is no cosine and a precision that there is not.

    >>> ThresholdQuestion(0.7, "base", 64).precision
    'float32'
    """

    cutoff: float
    arm: str
    dim: int
    precision: str = _FULL
    full_arm: str = ""
    split: str = ""
    queries: int = 0
    seed: int = 0
    max_tokens: int = 0

    def __post_init__(self) -> None:
        check_cutoff(self.cutoff)
        parse_precision(self.precision)


@dataclass(frozen=True)
class ScoreDensity:
    """Shares of all pairs by score, to draw: `edges` are the lowest scores of the bins, each side sums to 1."""

    edges: tuple[float, ...]
    related: tuple[float, ...]
    unrelated: tuple[float, ...]


@dataclass(frozen=True)
class TranslatedThreshold(Translations):
    """The answers for one corpus; `related_pairs` and `unrelated_pairs` were scored for `n_queries` queries.

    `stand_ins` names what stood in for judged queries; `full` and `short` are the two distributions.
    """

    corpus: str
    given: float
    full_arm: str
    full_dim: int
    arm: str
    dim: int
    precision: str
    n_queries: int
    related_pairs: int
    unrelated_pairs: int
    stand_ins: str
    full: ScoreDensity
    short: ScoreDensity
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The answer in words."""
        was = f"{self.given:g} for {self.full_arm} at {self.full_dim} (float32)"
        now = f"{self.arm} at {self.dim} in {self.precision}"
        answer, rate = self.equal_precision, self.equal_rate
        also = f" For as many false positives it is {rate.cutoff:.3f}." if rate.cutoff is not None else ""
        if answer.cutoff is None or answer.interval is None:
            return f"No cut-off for {now} is as precise as {was}.{also}"
        low, high = answer.interval.low, answer.interval.high
        return f"A cut-off of {was} becomes {answer.cutoff:.3f} ({low:.3f} to {high:.3f}) for {now}.{also}"


def translate_threshold(
    builder: SpaceBuilder, corpus: Corpus, question: ThresholdQuestion, progress: Progress | None = None
) -> TranslatedThreshold:
    """Translate a cut-off with the corpus' own pairs: judged relevant ones, and all others as unrelated.

    Raises `ModelError` for an arm there is not or without vectors, `InvalidDimensionError`, `CorpusError` for a corpus
    without queries, and `LabError` if no pair is judged relevant.
    """
    judged = judged_set(corpus, question.split, question.queries, question.seed)
    full_arm, arm = (
        builder.with_token_limit(_arm(builder, name), question.max_tokens)
        for name in (question.full_arm or question.arm, question.arm)
    )
    whole = _first(load_vectors(builder, full_arm, corpus, judged.queries, progress))
    cut = whole if arm == full_arm else _first(load_vectors(builder, arm, corpus, judged.queries, progress))
    full_dim = whole.documents.shape[1]
    dim = check_dimension(question.dim, cut.documents.shape[1])
    at_full = _counts(whole, judged, full_dim, _FULL, progress)
    short = _counts(cut, judged, dim, question.precision, progress)
    translated = translate(question.cutoff, at_full, short, question.seed)
    return TranslatedThreshold(
        **vars(translated),
        corpus=corpus.name,
        given=question.cutoff,
        full_arm=full_arm.name,
        full_dim=full_dim,
        arm=arm.name,
        dim=dim,
        precision=parse_precision(question.precision).name,
        n_queries=at_full.n_queries,
        related_pairs=int(at_full.related.sum()),
        unrelated_pairs=int(at_full.unrelated.sum(dtype=np.float64)),
        stand_ins=corpus.stand_ins,
        full=_density(at_full),
        short=_density(short),
        notes=(*judged.notes, *_warnings(translated, at_full)),
    )


def _arm(builder: SpaceBuilder, name: str) -> Arm:
    arm = resolve_arm(name, builder.menu)
    if not arm.has_vectors:
        raise ModelError(f"{name!r} has no vectors, so its scores are no cosines: choose an arm with vectors.")
    return replace(arm, transform=arm.transform.variants()[0])


def _first(vectors: Iterator[ArmVectors]) -> ArmVectors:
    return next(vectors)


def _counts(vectors: ArmVectors, judged: JudgedSet, dim: int, precision: str, progress: Progress | None) -> ScoreCounts:
    if progress:
        progress(0.5, f"Scoring pairs with {dim} numbers in {precision}")
    return count_scores(vectors, judged.relevant, dim, precision, judged.own_document)


def _density(counts: ScoreCounts) -> ScoreDensity:
    related, unrelated = (
        side.sum(axis=0, dtype=np.float64).reshape(_PICTURE_BINS, -1).sum(axis=1)
        for side in (counts.related, counts.unrelated)
    )
    edges = np.round(np.linspace(-1, 1, _PICTURE_BINS + 1)[:-1], 3)
    shares = [side / max(1.0, float(side.sum())) for side in (related, unrelated)]
    return ScoreDensity(tuple(edges.tolist()), tuple(shares[0].tolist()), tuple(shares[1].tolist()))


def _warnings(translated: Translations, full: ScoreCounts) -> list[str]:
    notes = ["A pair that nobody judged counts as unrelated, so precision is understated where judgements are few."]
    n_related = float(full.related.sum())
    if translated.at_full.related * n_related < _FEW:
        passing = round(translated.at_full.related * n_related)
        notes.append(f"Only {passing:,} related pairs pass the cut-off at full length: too few to translate it well.")
    if translated.at_full.unrelated == 0:
        notes.append("No unrelated pair passes the cut-off at full length: its rate is too low to measure.")
    return notes
