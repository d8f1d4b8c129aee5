"""A collection becomes shards, by one process or several, and a second run does what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.errors import LabError
from mrl_demo.core.shards import ShardError, ShardFolder
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.scale.embed import EmbeddedShards, ShardJob, WorkShare, embed_shards
from mrl_demo.scale.evaluate import evaluate_shards
from tests.evaluation.word_world import WordEncoder, run_sweep, word_corpus

METRICS = ("ndcg@10", "overlap@10")


class CountingEncoder(WordEncoder):
    """Remembers how many documents it encoded."""

    encoded = 0

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        self.encoded += len(texts)
        return super().encode_documents(texts, progress)


def embed(builder: SpaceBuilder, folder: Path, arm: str = "base", rank: int = 0, count: int = 1) -> EmbeddedShards:
    job = ShardJob(folder, dtype="float32", rows_a_shard=16)
    return embed_shards(builder, word_corpus(), builder.menu.find(arm), job, WorkShare(rank, count))


@pytest.mark.parametrize("arm", ["base", "corpus-pca"])
def test_shards_of_a_collection_have_the_figures_of_the_collection(
    tmp_path: Path,
    make_builder: Callable[..., SpaceBuilder],
    arm: str,
) -> None:
    builder = make_builder()
    done = embed(builder, tmp_path / "shards", arm)
    assert (done.shards, done.written, done.missing) == (4, 4, 0)
    plan = SweepPlan((arm,), (4, 16, 48), ("float32", "int8", "binary"), METRICS)
    sharded = evaluate_shards([tmp_path / "shards"], plan).sweep
    ordinary = run_sweep(builder, word_corpus(), [arm], plan.dims, plan.precisions, METRICS)
    expected = {row.key: row.value for row in ordinary.rows}
    assert {row.key: row.value for row in sharded.rows} == pytest.approx(expected, abs=1e-6)


def test_two_processes_write_what_one_writes(tmp_path: Path, make_builder: Callable[..., SpaceBuilder]) -> None:
    embed(make_builder(), tmp_path / "one")
    second = embed(make_builder(), tmp_path / "two", rank=1, count=2)
    assert second.missing == 2
    with pytest.raises(ShardError, match=r"queries\.npy is missing"):
        evaluate_shards([tmp_path / "two"], SweepPlan(("base",)))
    assert embed(make_builder(), tmp_path / "two", rank=0, count=2).missing == 0
    one, two = (ShardFolder.open(tmp_path / name) for name in ("one", "two"))
    np.testing.assert_array_equal(one.read_rows(range(60)), two.read_rows(range(60)))


def test_a_second_run_encodes_what_is_new_or_damaged(tmp_path: Path, make_builder: Callable[..., SpaceBuilder]) -> None:
    encoder = CountingEncoder()
    builder = make_builder(minilm=encoder)
    embed(builder, tmp_path)
    first = encoder.encoded
    assert embed(builder, tmp_path).written == 0
    assert encoder.encoded == first
    (tmp_path / "vectors-00002.npy").unlink()
    with pytest.raises(ShardError, match="3 of 4 shards"):
        ShardFolder.open(tmp_path)
    assert embed(builder, tmp_path).written == 1
    assert encoder.encoded == first + 16
    other = make_builder(minilm=CountingEncoder(seed="another model"))
    assert embed(other, tmp_path).written == 4


def test_torchrun_gives_each_process_its_share_and_its_gpu() -> None:
    environ = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "CUDA_VISIBLE_DEVICES": "2,3"}
    assert WorkShare.from_environment(environ) == WorkShare(5, 8)
    assert environ["CUDA_VISIBLE_DEVICES"] == "3"
    assert WorkShare.from_environment({}) == WorkShare(0, 1)


def test_what_cannot_be_written_is_refused(tmp_path: Path, make_builder: Callable[..., SpaceBuilder]) -> None:
    builder = make_builder()
    with pytest.raises(LabError, match="RANK and WORLD_SIZE"):
        WorkShare.from_environment({"RANK": "first", "WORLD_SIZE": "2"})
    with pytest.raises(LabError, match="ranks count from 0"):
        WorkShare(2, 2)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LabError, match="Cannot write"):
        embed(builder, tmp_path / "file")
    bm25 = replace(builder.menu.find("base"), encoder="")
    with pytest.raises(LabError, match="no vectors to write"):
        embed_shards(builder, word_corpus(), bm25, ShardJob(tmp_path))
