"""Pairs of tests/cases through whole runs: learning nothing shows nothing, and every answer of a question judges it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.config import CODE_ROOT, Settings
from tests.models.zoo import ZOO, bert
from training.columns import Columns
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.data.files import load_pairs
from training.data.split import hold_out
from training.fit.validation import mean_ndcg
from training.report import Report
from training.run import train

CASES = CODE_ROOT / "tests" / "cases"


def run_that_learns_nothing(base: Path, out: Path, data: Path = CASES / "19" / "long.jsonl", **changes: object) -> None:
    """One step at a rate of nothing, over texts that training itself cuts short."""
    config = TrainConfig("nothing").changed(
        base=str(base), data=str(data), dims=(4, 8), batch_size=4, steps=1, evaluations=0, learning_rate=1e-12,
        rotation=False, distillation=False, negatives="none", max_tokens=128,
    )  # fmt: skip
    settings = Settings(cache_dir=out.parent / "cache", device="cpu")
    assert train(config.changed(**changes), RunOptions(out), RunContext(settings, Report(quiet=True)))


def differences(out: Path) -> set[float]:
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return {row["difference"] for row in metrics["test"]}


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_19_learning_nothing_on_a_base_of_1024_tokens_shows_nothing(lora_rank: int, tmp_path: Path) -> None:
    base = bert(tokens=1024, positions=1024)(tmp_path / "long")
    run_that_learns_nothing(base, tmp_path / "out", lora_rank=lora_rank)
    assert differences(tmp_path / "out") == {0.0}
    assert SentenceTransformer(str(tmp_path / "out" / "model"), device="cpu").max_seq_length == 1024


@pytest.mark.parametrize(
    ("name", "changes"),
    [("bfloat16", {"lora_rank": 4}), ("prompt not pooled", {"lora_rank": 0}), ("static", {"lora_rank": 0})],
    ids=str,
)
def test_learning_nothing_shows_nothing_for_bases_of_other_builds(
    name: str, changes: dict[str, object], tmp_path: Path
) -> None:
    run_that_learns_nothing(ZOO[name](tmp_path / "base"), tmp_path / "out", max_tokens=8, **changes)
    assert differences(tmp_path / "out") == {0.0}


@pytest.mark.parametrize("name", ["several.jsonl", "natural.jsonl"])
def test_12_a_perfect_order_of_answers_is_perfect(name: str) -> None:
    """Vectors that put all answers of a question first reach 1: none of them counts as wrong."""
    pairs, _ = load_pairs(CASES / "12" / name, Columns())
    judge = hold_out(pairs, 1).judge
    place = {text: i for i, text in enumerate(dict.fromkeys(pairs.queries))}
    question_of = dict(zip(pairs.positives, pairs.queries, strict=True))
    eye = np.eye(len(place), dtype=np.float32)
    documents = eye[[place[question_of[document.text]] for document in judge.documents]]
    for split in ("validation", "test"):
        queries = eye[[place[query.text] for query in judge.queries if query.split == split]]
        assert mean_ndcg(ArmVectors(queries, documents), judge, split, [len(place)]) == {len(place): pytest.approx(1)}
