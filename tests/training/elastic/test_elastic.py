"""2D Matryoshka on a tiny base: every layer nears the last one, and what is saved is what was taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Reading
from mrl_demo.models.adapters import read_manifest
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.run_folder import HEADS_FILE, ROTATION_FILE
from mrl_demo.models.specs import ModelSpec
from tests.training.tiny import make_tiny_model, rows
from training.cli import main
from training.data.pairs import Pairs
from training.elastic.data import sampled
from training.elastic.fit import ElasticStep
from training.elastic.model import ElasticModel
from training.elastic.run import ask_teacher, teach_layers, train_elastic
from training.elastic.settings import ElasticSettings

TINY = ModelSpec("tiny", "folder", "tiny", 32)


def test_every_layer_is_near_the_teacher_and_what_is_saved_is_what_was_taught(tmp_path: Path) -> None:
    base = load_sentence_transformer(make_tiny_model(tmp_path / "tiny"), TINY)
    taught = rows(160)
    pairs = Pairs(tuple(row["query"] for row in taught), tuple(row["positive"] for row in taught))
    settings = ElasticSettings(steps=30, head_steps=10, batch_size=16, rank=4, prefixes=(8, 32))
    seen: list[str] = []
    axes = np.eye(32, dtype=np.float32)
    report = train_elastic(base, pairs, axes, settings, tmp_path / "out", lambda _share, line: seen.append(line))
    assert max(report.loss_by_layer) < 0.05
    assert any(line.startswith("Head step 1, loss by layer") for line in seen)
    assert any(line.startswith("Step 21 of 30") for line in seen)
    manifest = read_manifest(tmp_path / "out")
    assert {HEADS_FILE, ROTATION_FILE} <= set(manifest.files)
    assert set(load_file(tmp_path / "out" / HEADS_FILE)) == {"layer1"}


def test_shallow_steps_read_half_of_the_layers_and_the_minutes_end_a_run(tmp_path: Path) -> None:
    base = load_sentence_transformer(make_tiny_model(tmp_path / "tiny"), TINY)
    pairs = Pairs(*[tuple(row[side] for row in rows(80)) for side in ("query", "positive")])
    settings = ElasticSettings(steps=10_000, head_steps=1, batch_size=16, rank=4, prefixes=(8, 32), minutes=0.02)
    axes = np.eye(32, dtype=np.float32)
    plain = Reading("document", "")
    taught = ask_teacher(base, pairs, (plain, plain), axes, None)
    steps: list[ElasticStep] = []
    _, losses, done = teach_layers(base, taught, axes, settings, watch=steps.append)
    assert 1 < done < 10_000
    assert {len(step.losses) for step in steps} == {1, 2}
    assert steps[-1].of < 10_000
    assert steps[-1].seconds_left < steps[0].seconds_left
    assert len(losses) == 2


def test_a_base_without_a_stack_of_layers_is_refused(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models

    static = SentenceTransformer(modules=[StaticEmbedding(Tokenizer(models.WordLevel({"a": 0})), embedding_dim=4)])
    with pytest.raises(ModelError, match="no BERT-like stack"):
        ElasticModel(static, 0, 0)


def test_sources_have_equal_shares_and_small_ones_leave_theirs_to_others() -> None:
    parts = [Pairs(*[tuple(f"{name}{i}" for i in range(size))] * 2) for name, size in (("a", 5), ("b", 2), ("c", 50))]
    kept = sampled(parts, 17).queries
    assert [sum(text.startswith(name) for text in kept) for name in "abc"] == [5, 2, 10]


def test_the_command_names_the_option_that_mends_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["elastic", "--out", str(tmp_path), "--leave-out", "php"]) == 2
    assert "--leave-out: sources can be left out of --pairs alone" in capsys.readouterr().err
    assert main(["elastic", "--out", str(tmp_path), "--rank", "0"]) == 2
    assert "--rank: rank is 0" in capsys.readouterr().err


def test_without_steps_only_heads_are_learnt_and_saved(tmp_path: Path) -> None:
    base = load_sentence_transformer(make_tiny_model(tmp_path / "tiny"), TINY)
    queries, positives = (tuple(row[side] for row in rows(80)) for side in ("query", "positive"))
    settings = ElasticSettings(head_steps=40, prefixes=(8, 32))
    axes = np.eye(32, dtype=np.float32)
    report = train_elastic(base, Pairs(queries, positives), axes, settings, tmp_path / "out")
    assert report.loss_by_layer[1] < 0.05
    assert set(read_manifest(tmp_path / "out").files) == {HEADS_FILE, ROTATION_FILE}
