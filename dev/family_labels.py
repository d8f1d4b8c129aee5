"""Figures of docs/family.md that come from labels and judged pairs, kept in assets/results/family.json.

`.venv/bin/python dev/family_labels.py --labels` classifies the built-in documents by domain and topic at every length,
and from few examples a class; `--judged` fits the supervised head to 20, 100, 500 and 2,000 judged questions of the
train topics, three draws each, and compares it with the frozen arm on the test questions; `--counts 20,100 --draws 2`
measures these alone and keeps the rows of the others. `dev/family.py --write` makes the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from mrl_demo.adapt.judged import JudgedPairs
from mrl_demo.adapt.rotation import fit_pca
from mrl_demo.adapt.supervised import fit_supervised
from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.config import Settings
from mrl_demo.core.types import Corpus, Query
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.evaluation.sweeps.sweep import sweep_vectors
from mrl_demo.lab.lab import Lab

FIGURES = Path(__file__).resolve().parents[1] / "assets" / "results" / "family.json"
LABEL_DIMS = (8, 16, 32, 64, 128, 384)
LABEL_ARMS = ("base", "tuned", "tuned-plain", "corpus-pca", "adapted", "hierarchical", "tuned+hierarchical")
CLASS_METRICS = ("accuracy@domain", "knn-accuracy@domain", "knn-accuracy@topic")
FEW_SHOT_METRICS = tuple(f"{shots}-shot-accuracy@{label}" for label in ("domain", "topic") for shots in (1, 5, 10))
JUDGED_COUNTS = (20, 100, 500, 2_000)
DRAWS = (0, 1, 2)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", action="store_true", help="classification by domain and topic, and few-shot")
    parser.add_argument("--judged", action="store_true", help="the supervised head by the number of judged questions")
    parser.add_argument("--counts", type=_numbers, default=JUDGED_COUNTS, help="numbers of judged questions")
    parser.add_argument("--draws", type=_numbers, default=DRAWS, help="which draws of them")
    options = parser.parse_args()
    lab = Lab(Settings.from_environment())
    if options.labels:
        keep_figures({"labels": classify(lab)})
    for count in options.counts if options.judged else ():
        for draw in options.draws:
            _keep_row(head_row(lab, count, draw))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def keep_figures(figures: Mapping[str, Any]) -> None:
    """Put these figures in place of what was kept under their names."""
    FIGURES.write_text(json.dumps({**_known(), **figures}, indent=1) + "\n", encoding="utf-8")


def _keep_row(row: Mapping[str, Any]) -> None:
    """Put one row of the judged questions among the others, in the order of counts and draws."""
    rows = {(each["questions"], each["draw"]): each for each in (*_known().get("judged", ()), row)}
    keep_figures({"judged": [rows[place] for place in sorted(rows)]})


def _known() -> dict[str, Any]:
    return dict(json.loads(FIGURES.read_text(encoding="utf-8"))) if FIGURES.is_file() else {"sets": [], "times": {}}


def classify(lab: Lab) -> dict[str, Any]:
    """Accuracy with intervals by arm, metric and length, and what differs from base and from the control."""
    metrics = (*CLASS_METRICS, *FEW_SHOT_METRICS)
    arms = tuple(lab.add_arms(LABEL_ARMS))
    plan = SweepPlan(arms, LABEL_DIMS, metrics=metrics, against=("base", "tuned-plain"))
    result = lab.evaluate("builtin", plan, lambda share, line: print(f"{share:.0%} {line}", flush=True))
    return {
        "tasks": {t.metric: [t.classes, t.n_train, t.n_test, round(t.chance, 4)] for t in result.tasks},
        "rows": [[r.arm, r.metric, r.dim, *_rounded(r.value, r.low, r.high)] for r in result.rows],
        "differences": _differences(result),
    }


def _differences(result: SweepResult) -> list[list[Any]]:
    return [
        [d.arm, d.metric, d.dim, d.against, *_rounded(d.difference, d.low, d.high)]
        for d in result.differences
        if d.against in ("base", "tuned-plain")
    ]


def head_row(lab: Lab, count: int, draw: int) -> dict[str, Any]:
    """The head fitted to one draw of `count` judged questions, against the frozen arm on the test questions."""
    corpus = lab.corpus("builtin")
    documents = lab.builder.documents("minilm", corpus)
    frozen = fit_pca(documents)
    questions = lab.builder.judged_queries("minilm", corpus, judged_set(corpus, "test").queries)
    head = fit_supervised(_judged(lab, corpus, count, draw), seed=draw)
    arms = {
        "frozen": ArmVectors(frozen.apply(questions), frozen.apply(documents)),
        "head": ArmVectors(head.map_queries(questions), head.apply(documents)),
    }
    plan = SweepPlan(tuple(arms), LABEL_DIMS, metrics=("ndcg@10",), split="test", against=("frozen",))
    differences = [d for d in sweep_vectors(corpus, plan, arms).differences if d.against == "frozen"]
    row = {"questions": count, "draw": draw, "is_refused": head.is_refused, "seconds": round(head.seconds, 1)}
    row |= {"gain": _rounded(head.gain, head.surely)}
    row |= {str(d.dim): _rounded(d.difference, d.low, d.high) for d in differences if d.arm == "head"}
    print(row, flush=True)
    return row


def _judged(lab: Lab, corpus: Corpus, count: int, draw: int) -> JudgedPairs:
    """So many questions of the train topics with all their answers."""
    train = [query for query in corpus.queries if query.split == "train"]
    chosen: Sequence[Query] = [train[i] for i in np.random.default_rng(draw).permutation(len(train))[:count]]
    place = {document.id: row for row, document in enumerate(corpus.documents)}
    pairs = [
        (row, place[name])
        for row, query in enumerate(chosen)
        for name, grade in corpus.judgements[query.id].items()
        if grade > 0
    ]
    vectors = lab.builder.judged_queries("minilm", corpus, chosen)
    return JudgedPairs(vectors, lab.builder.documents("minilm", corpus), np.array(pairs, dtype=np.int64))


def _rounded(*values: float) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()
