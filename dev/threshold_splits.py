"""How often a translated cut-off's precision on held-out questions is within its interval, on the built-in collection.

    python dev/threshold_splits.py [--splits 40]

The 800 test questions are halved at random; one half translates, the other one judges.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.arms.vectors import load_vectors
from mrl_demo.core.config import Settings
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.lab.lab import Lab
from mrl_demo.thresholds.counts import ScoreCounts, bin_of, count_scores
from mrl_demo.thresholds.translate import TranslatedCutoff, translate

_SETTINGS = (("base", 64, "float32"), ("tuned", 256, "binary"), ("base", 128, "int8"))
_CUTOFFS = (0.4, 0.55)


def main() -> None:
    """Print the share inside for both rules at three settings and two cut-offs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=40)
    splits = parser.parse_args().splits
    lab = Lab(Settings.from_environment())
    corpus = lab.corpus("builtin")
    judged = judged_set(corpus)
    for arm, dim, precision in _SETTINGS:
        vectors = next(load_vectors(lab.builder, lab.builder.menu.find(arm), corpus, judged.queries))
        full, short = (
            count_scores(vectors, judged.relevant, *setting, judged.own_document)
            for setting in ((vectors.documents.shape[1], "float32"), (dim, precision))
        )
        for cutoff in _CUTOFFS:
            inside = np.mean([halves_inside(cutoff, full, short, seed) for seed in range(splits)], axis=0)
            print(f"{arm} {dim} {precision}, cut-off {cutoff}: {inside[0]:.1%} by precision, {inside[1]:.1%} by rate")


def halves_inside(cutoff: float, full: ScoreCounts, short: ScoreCounts, seed: int) -> list[bool]:
    """Whether the other half's precision is within the interval, for equal precision and for equal false positives."""
    order = np.random.default_rng(seed).permutation(full.n_queries)
    mine, others = order[: len(order) // 2], order[len(order) // 2 :]
    answer = translate(cutoff, _part(full, mine), _part(short, mine), seed)
    return [_is_inside(rule, _part(short, others)) for rule in (answer.equal_precision, answer.equal_rate)]


def _part(counts: ScoreCounts, rows: np.ndarray) -> ScoreCounts:
    return ScoreCounts(counts.related[rows], counts.unrelated[rows])


def _is_inside(answer: TranslatedCutoff, held_out: ScoreCounts) -> bool:
    if answer.cutoff is None or answer.precision is None:
        return False
    place = bin_of(answer.cutoff)
    related, unrelated = (float(side[:, place:].sum()) for side in (held_out.related, held_out.unrelated))
    return answer.precision.low <= related / (related + unrelated) <= answer.precision.high


if __name__ == "__main__":
    main()
