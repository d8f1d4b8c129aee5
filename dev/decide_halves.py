"""Recommend on collections and on each half of their queries: seconds from cached vectors, agreement, byte frontier.

    python dev/decide_halves.py builtin PATH ... [--arms base,corpus-pca] [--max-tokens 128] [--target 0.95]

Prints one JSON object a collection, for dev/LOG.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.advisor.consult import Consultation, consult, usual_queries
from mrl_demo.advisor.recommend import Advice, Setting, advice_plan
from mrl_demo.advisor.report import frontier_of
from mrl_demo.commands.options import corpus_name, split_words
from mrl_demo.core.config import Settings
from mrl_demo.core.types import Corpus
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab


def main() -> None:
    """Measure every collection that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+")
    parser.add_argument("--arms", type=split_words, default=("base", "corpus-pca"))
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--target", type=float, default=0.95)
    options = parser.parse_args()
    lab = Lab(Settings.from_environment())
    advice = Advice(options.target)
    for given in options.corpora:
        corpus = lab.corpus(corpus_name(lab, given))
        tokens = 0 if given == "builtin" else options.max_tokens
        plan = replace(advice_plan(advice, options.arms), max_tokens=tokens)
        print(json.dumps(measure_collection(lab, corpus, advice, plan)), flush=True)


def measure_collection(lab: Lab, corpus: Corpus, advice: Advice, plan: SweepPlan) -> dict[str, object]:
    """The whole twice (the second time from cached vectors), then each half of the same queries."""
    consult(lab.builder, corpus, advice, plan)
    started, cpu = time.perf_counter(), time.process_time()
    whole = consult(lab.builder, corpus, advice, plan)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    drawn = judged_set(corpus, sample=usual_queries(corpus)).queries
    order = canonical_order(drawn)
    halves = [
        consult(lab.builder, replace(corpus, queries=tuple(drawn[row] for row in part)), advice, plan)
        for part in (order[::2], order[1::2])
    ]
    return {
        "corpus": corpus.name,
        "documents": len(corpus),
        "queries": whole.result.n_queries,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "whole": describe_choice(whole),
        "halves": [describe_choice(half) for half in halves],
        "overlap": halves_overlap(halves[0], halves[1]),
        "frontier": [setting_line(setting) for setting in frontier_of(whole.recommendation.settings)],
    }


def describe_choice(consultation: Consultation) -> dict[str, object]:
    """The setting named (or the nearest), and whether it is settled."""
    advised = consultation.recommendation
    nearest = advised.nearest
    return {
        "best": setting_line(nearest) if nearest else None,
        "holds": advised.best is not None,
        "settled": advised.settlement.sentence(),
        "worst_group": advised.groups.sentence(advised.advice.target),
    }


def setting_line(setting: Setting) -> str:
    """A setting in one line."""
    return f"{setting.key}: {setting.bytes_searched} B, {setting.share:.3f} (at least {setting.lower:.3f})"


def halves_overlap(first: Consultation, second: Consultation) -> str:
    """Whether both halves name one setting, or the first's share has overlapping intervals on the second."""
    one, other = first.recommendation.nearest, second.recommendation.nearest
    if one is None or other is None:
        return "nothing named"
    if one.key == other.key:
        return "the same setting"
    again = next(setting for setting in second.recommendation.settings if setting.key == one.key)
    spans = [(setting.lower, 2 * setting.share - setting.lower) for setting in (one, again)]
    overlaps = spans[0][0] <= spans[1][1] and spans[1][0] <= spans[0][1]
    return f"{'overlapping' if overlaps else 'disjoint'} intervals: {spans}"


if __name__ == "__main__":
    main()
