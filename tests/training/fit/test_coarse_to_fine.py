"""Coarse labels before fine: the loss is that of a plain loop, and rows of the data bring their labels along."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from mrl_demo.core.config import Settings
from training.config import TrainConfig
from training.data.pairs import mined_negatives
from training.data.sources import load_data
from training.errors import DataError
from training.fit.coarse_to_fine import together_by_class


def test_the_loss_is_that_of_a_plain_loop_and_nothing_without_company() -> None:
    draw = torch.Generator().manual_seed(0)
    rows = functional.normalize(torch.randn(6, 5, generator=draw), dim=1)
    classes = [0, 0, 1, 1, 1, -1]
    total = []
    for i in range(5):
        scores = {j: math.exp(float(rows[i] @ rows[j]) / 0.1) for j in range(6) if j != i}
        alike = [j for j in range(5) if j != i and classes[j] == classes[i]]
        total.append(-sum(math.log(scores[j] / sum(scores.values())) for j in alike) / len(alike))
    loss = together_by_class(3 * rows, torch.tensor(classes))
    assert float(loss) == pytest.approx(sum(total) / 5, rel=1e-4)
    assert float(together_by_class(rows[:2], torch.tensor([0, 1]))) == 0


def write_rows(path: Path, columns: dict[str, list[str]]) -> Path:
    rows = [
        {
            "query": f"what is thing {i} for",
            "answer": f"thing {i} is for use {i}",
            **{k: v[i] for k, v in columns.items()},
        }
        for i in range(60)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("is_path", [True, False])
def test_labels_of_rows_come_along_as_paths_or_from_two_columns(tmp_path: Path, is_path: bool) -> None:
    domains, topics = [f"d{i % 2}" for i in range(60)], [f"t{i % 6}" for i in range(60)]
    paths = [f"{domain}/{topic}" for domain, topic in zip(domains, topics, strict=True)]
    columns = {"topic": paths} if is_path else {"topic": topics, "domain": domains}
    config = TrainConfig("x").changed(data=str(write_rows(tmp_path / "rows.jsonl", columns)), hierarchy_weight=0.5)
    pairs = load_data(config, Settings(cache_dir=tmp_path)).pairs
    label_of = {f"what is thing {i} for": path for i, path in enumerate(paths)}
    assert pairs.labels == tuple(label_of[query] for query in pairs.queries)
    rows = functional.normalize(torch.randn(len(pairs), 4), dim=1).numpy()
    assert mined_negatives(pairs, rows, rows, seed=0).labels == pairs.labels
    plain = load_data(config.changed(hierarchy_weight=0.0), Settings(cache_dir=tmp_path))
    assert plain.pairs.labels == ()  # So that the keys of finished runs stay.


def test_without_labels_the_lever_says_what_to_give(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", {})
    config = TrainConfig("x").changed(data=str(path), hierarchy_weight=0.5)
    with pytest.raises(DataError, match="column topic"):
        load_data(config, Settings(cache_dir=tmp_path))
