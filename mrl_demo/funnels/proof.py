"""At which length the exact first ten are proven, and a calibrated bound beside the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.evaluation.judging.ranked import MeasuredArm
from mrl_demo.funnels.measure import FUNNEL_RESULTS
from mrl_demo.search.funnel import FunnelIndex, ProvenTop
from mrl_demo.search.prefix import PrefixIndex

PROOF_DIMS = (32, 64, 96, 128, 192, 256, 320, 512, 768)
#: How sure the calibrated bound is meant to be, and the shares of the proof's bound that are tried.
SURENESS = 0.99
_SCALES = tuple(round(0.05 * step, 2) for step in range(1, 21))
_EXAMPLES = 5


@dataclass(frozen=True)
class StopRule:
    """How a rule for stopping did: shares by length in `dims`.

    `settled` is the share of queries whose first ten are settled by that length, `left` the mean share of documents
    that can still be among them; `numbers_read` the mean numbers read of a document, of the full length. `right` is the
    share of queries whose answer was the exact one.
    """

    dims: tuple[int, ...]
    settled: tuple[float, ...]
    left: tuple[float, ...]
    numbers_read: float
    right: float
    n_queries: int


@dataclass(frozen=True)
class ProvenExample:
    """A query and the length from which on its first ten are proven to be the exact ones."""

    query: str
    proven_at: int


@dataclass(frozen=True)
class ProofReport:
    """The proof over all queries, and the calibrated bound over those it was not calibrated on.

    `scale` is the share of the proof's bound that the calibrated one allows, found on `n_calibration` queries: 1 if
    they are too few (99) for 99%.
    """

    corpus: str
    arm: str
    full_dim: int
    n_documents: int
    proof: StopRule
    calibrated: StopRule
    scale: float
    n_calibration: int
    examples: tuple[ProvenExample, ...]
    notes: tuple[str, ...]

    def sentence(self) -> str:
        """When the proof fires, in words; a bound that proves little is said to."""
        early = self.proof.settled[-2] if len(self.proof.settled) > 1 else 0.0
        half = next(
            (dim for dim, share in zip(self.proof.dims, self.proof.settled, strict=True) if share >= 0.5), self.full_dim
        )
        reads = self.proof.numbers_read / self.full_dim
        calibrated = self.calibrated.numbers_read / self.full_dim
        small = (
            f" {self.n_calibration} queries are too few to calibrate: 99 or more are needed."
            if self.scale >= 1
            else (
                f" A bound calibrated on {self.n_calibration:,} other queries to be right for {SURENESS:.0%} of them "
                f"(no proof) reads {calibrated:.0%}, and was right for {self.calibrated.right:.1%} of "
                f"{self.calibrated.n_queries:,}."
            )
        )
        return (
            f"Before the full length the first {FUNNEL_RESULTS} are proven for {early:.0%} of {self.proof.n_queries:,} "
            f"queries; for half of them from {half} of {self.full_dim} numbers on. A search that reads on only for "
            f"documents that can still be among them is always exact and reads {reads:.0%} of the numbers.{small}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the report in words."""
        return {**asdict(self), "sentence": self.sentence()}


def measure_proof(
    measured: MeasuredArm, corpus: str, dims: Sequence[int] = PROOF_DIMS, progress: Progress | None = None
) -> ProofReport:
    """Search every query with proofs; one half of them calibrates the looser bound, the other half tries it."""
    say = progress or (lambda _share, _text: None)
    index = FunnelIndex(PrefixIndex(measured.vectors.documents))
    lengths = tuple(dim for dim in dims if dim < measured.full_dim)
    own, queries = measured.judged.own_document, measured.vectors.queries
    proven = []
    for row, query in enumerate(queries):
        say(0.5 * row / len(queries), f"Proving query {row + 1:,} of {len(queries):,}")
        proven.append(index.search_proven(query, lengths, FUNNEL_RESULTS, excluded=int(own[row])))
    half = np.random.default_rng(0).permutation(len(queries))
    chosen, others = np.sort(half[: len(half) // 2]), np.sort(half[len(half) // 2 :])
    say(0.5, "Calibrating a looser bound")
    needed = [_scale_needed(index, queries[row], lengths, int(own[row]), proven[row]) for row in chosen]
    scale = _conformal(needed)
    say(0.85, "Trying it on the other queries")
    tried = [index.search_proven(queries[row], lengths, FUNNEL_RESULTS, scale, int(own[row])) for row in others]
    right = [_is_same(one, proven[row]) for one, row in zip(tried, others, strict=True)]
    order = sorted(range(len(proven)), key=lambda row: proven[row].proven_at)
    examples = tuple(
        ProvenExample(measured.judged.queries[row].text, proven[row].proven_at) for row in order[:_EXAMPLES]
    )
    n = len(measured.documents)
    return ProofReport(
        corpus=corpus,
        arm=measured.arm,
        full_dim=measured.full_dim,
        n_documents=n,
        proof=_rule(proven, n, [True] * len(proven)),
        calibrated=_rule(tried or proven, n, right or [True] * len(proven)),
        scale=scale,
        n_calibration=len(chosen),
        examples=examples,
        notes=measured.notes,
    )


def _scale_needed(index: FunnelIndex, query: FloatMatrix, dims: tuple[int, ...], own: int, exact: ProvenTop) -> float:
    """The smallest of `_SCALES` from which on a query's answer is the exact one: wider bounds drop less."""
    low, high = 0, len(_SCALES) - 1
    while low < high:
        middle = (low + high) // 2
        if _is_same(index.search_proven(query, dims, FUNNEL_RESULTS, _SCALES[middle], own), exact):
            high = middle
        else:
            low = middle + 1
    return _SCALES[low]


def _conformal(needed: Sequence[float]) -> float:
    """The scale that is enough for another query in 99% of cases (split conformal; Vovk 2005), 1 if nobody can say."""
    rank = int(np.ceil((len(needed) + 1) * SURENESS))
    return float(np.sort(needed)[rank - 1]) if 0 < rank <= len(needed) else 1.0


def _is_same(one: ProvenTop, other: ProvenTop) -> bool:
    """Whether both are the same documents, or others that tie with them."""
    same: IntMatrix = np.intersect1d(one.documents, other.documents)
    return len(same) == len(other.documents) or bool(np.allclose(one.scores, other.scores, atol=2e-6))


def _rule(tops: Sequence[ProvenTop], n: int, right: Sequence[bool]) -> StopRule:
    dims = tops[0].dims
    k = len(tops[0].documents)
    left = np.array([top.left for top in tops], dtype=np.float64)
    widths = np.diff([0, *dims])
    entering = np.concatenate([np.full((len(tops), 1), n), left[:, :-1]], axis=1)
    settled = (left <= k).mean(axis=0)
    settled[-1] = 1.0
    return StopRule(
        dims,
        tuple(settled.tolist()),
        tuple((left.mean(axis=0) / n).tolist()),
        float((entering * widths).sum(axis=1).mean() / n),
        float(np.mean(right)),
        len(tops),
    )
