"""Measure a run with `--hierarchy-weight` beside the same run without it, into assets/results/family.json.

`.venv/bin/python dev/hierarchy_runs.py PLAIN HIERARCHY --about TEXT`: both are folders of finished runs on the built-in
pairs. Domain and topic are named by the 5 nearest for texts of the 40 topics that taught no run, and questions of the
test topics search all passages. `dev/family.py --write` makes the page.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from family_labels import keep_figures
from numpy.typing import NDArray

from mrl_demo.arms.names import resolve_arm
from mrl_demo.arms.vectors import ArmVectors, load_vectors
from mrl_demo.core.config import Settings
from mrl_demo.core.types import Corpus, FloatMatrix
from mrl_demo.core.vectors import truncate
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.probes import KNN_NEIGHBOURS
from mrl_demo.evaluation.stats import PairedBootstrap
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.sweep import sweep_vectors
from mrl_demo.lab.lab import Lab

_DIMS = (8, 16, 32, 64, 128, 384)
_METRIC = "ndcg@10"
_NAMES = ("base", "without", "with")


def main() -> None:
    """Measure both runs and base, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plain", type=Path, help="the run without --hierarchy-weight")
    parser.add_argument("hierarchy", type=Path, help="the same run with it")
    parser.add_argument("--about", required=True, help="what both runs were, in a sentence")
    options = parser.parse_args()
    lab = Lab(Settings.from_environment())
    corpus = lab.corpus("builtin")
    arms = dict(zip(_NAMES, lab.add_arms(["base", str(options.plain), str(options.hierarchy)]), strict=True))
    questions = judged_set(corpus, "test").queries
    vectors = {
        name: next(load_vectors(lab.builder, resolve_arm(arm, lab.builder.menu), corpus, questions))
        for name, arm in arms.items()
    }
    rows = [*label_rows(corpus, vectors), *retrieval_rows(corpus, vectors)]
    print(*rows, sep="\n")
    keep_figures({"hierarchy": {"about": options.about, "rows": rows}})


def label_rows(corpus: Corpus, vectors: dict[str, ArmVectors]) -> list[list[Any]]:
    """By label and length: accuracy of base and both runs, and what the second run has more, by topics resampled."""
    taught = topics_of(corpus, "train")
    is_new = np.array([document.topic not in taught for document in corpus.documents])
    topics = np.array([document.topic for document in corpus.documents])
    domains = np.array([document.domain for document in corpus.documents])
    rows = []
    for label in ("domain", "topic"):
        for dim in _DIMS:
            right = []
            for name in _NAMES:
                cut = truncate(vectors[name].documents, dim)
                named = (
                    named_by_others(cut[is_new], topics[is_new])
                    if label == "topic"
                    else named_by(cut[is_new], cut[~is_new], domains[~is_new])
                )
                truth = topics[is_new] if label == "topic" else domains[is_new]
                right.append(by_topic(named == truth, topics[is_new]))
            gain = PairedBootstrap(len(right[0])).intervals((right[2] - right[1])[:, None])[0]
            values = [float(each.mean()) for each in right]
            rows.append([label, dim, *_rounded(*values, gain.value, gain.low, gain.high)])
    return rows


def retrieval_rows(corpus: Corpus, vectors: dict[str, ArmVectors]) -> list[list[Any]]:
    """The same of nDCG@10 on the questions of the test topics."""
    plan = SweepPlan(_NAMES, _DIMS, metrics=(_METRIC,), split="test", against=("without",))
    result = sweep_vectors(corpus, plan, vectors)
    rows = []
    for dim in _DIMS:
        values = [result.row(name, dim, _METRIC).value for name in _NAMES]  # type: ignore[union-attr]
        gain = next(d for d in result.differences if (d.arm, d.dim, d.against) == ("with", dim, "without"))
        rows.append([_METRIC, dim, *_rounded(*values, gain.difference, gain.low, gain.high)])
    return rows


def topics_of(corpus: Corpus, split: str) -> set[str]:
    """Topics of a split: most questions answered there are of it (a few questions are answered in other topics too)."""
    topic = {document.id: document.topic for document in corpus.documents}
    splits: dict[str, Counter[str]] = defaultdict(Counter)
    for query in corpus.queries:
        for name in corpus.judgements[query.id]:
            splits[topic[name]][query.split] += 1
    return {name for name, counts in splits.items() if counts.most_common(1)[0][0] == split}


def named_by(asked: FloatMatrix, teaching: FloatMatrix, labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """The most common label among the 5 nearest unit rows of `teaching`."""
    return _most_common(asked @ teaching.T, labels)


def named_by_others(rows: FloatMatrix, labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """The same among the other rows themselves."""
    near = rows @ rows.T
    np.fill_diagonal(near, -np.inf)
    return _most_common(near, labels)


def _most_common(near: FloatMatrix, labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """Of labels equally common the one whose document is nearest."""
    first = labels[np.argsort(-near, axis=1, kind="stable")[:, :KNN_NEIGHBOURS]]
    counts = (first[:, :, None] == first[:, None, :]).sum(axis=2)
    return np.array(first[np.arange(len(first)), counts.argmax(axis=1)])


def by_topic(right: NDArray[np.bool_], topics: NDArray[np.str_]) -> NDArray[np.float64]:
    """The share that is right by topic: texts of one topic are no independent draws."""
    return np.array([right[topics == topic].mean() for topic in np.unique(topics)])


def _rounded(*values: float) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
