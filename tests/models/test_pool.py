"""Documents encoded by several processes have the vectors that one process gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.hardware import devices_for, parse_devices
from mrl_demo.models.batches.pool import visible_gpu
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.specs import ModelSpec
from tests.models.zoo import WORDS, ZOO

SPEC = ModelSpec("mine", "folder", "mine", 32, document_prompt="text : ")


def test_two_processes_give_the_vectors_of_one(tmp_path: Path) -> None:
    folder = ZOO["mean"](tmp_path / "mine")
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(WORDS, size=size)) for size in random.integers(1, 30, size=1_100)]
    pooled = SentenceEncoder(SPEC, lambda: folder, device="cpu", devices=("cpu", "cpu"))
    said: list[float] = []
    try:
        many = pooled.encode_documents(texts, lambda share, _line: said.append(share))
    finally:
        pooled.close()
    one = SentenceEncoder(SPEC, lambda: folder, device="cpu")
    assert pooled.document_precision == one.document_precision
    assert (len(said), said[-1]) == (3, 1.0)
    cosines = np.sum(many * one.encode_documents(texts), axis=1)
    assert cosines.min() > (0.99999 if one.document_precision == "float32" else 0.9999)


def test_devices_are_read_and_refused_by_name() -> None:
    assert parse_devices(" cuda:0,2*cpu ") == ("cuda:0", "cpu", "cpu")
    assert parse_devices("") == ()
    for text in ("tpu", "cuda:x", "0*cpu", "cpu cpu"):
        with pytest.raises(LabError, match="is no device"):
            parse_devices(text)
    with pytest.raises(LabError, match="0 processes"):
        devices_for(0)
    with pytest.raises(LabError, match="is no device"):
        Settings.from_environment({"MRL_DEVICES": "gpu"})


def test_a_process_sees_the_gpu_that_was_named_among_those_its_parent_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert visible_gpu(1) == "6"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_gpu(3) == "3"
