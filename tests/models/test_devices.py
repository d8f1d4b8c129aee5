"""The device that models run on: chosen by name, refused in one line, and used for weights and texts alike.

There is no GPU where these tests run: torch is told that there is one, and its "meta" device stands in for it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mrl_demo import cli
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.hardware import choose_device, has_bf16
from mrl_demo.core.types import Reading
from mrl_demo.models.batches import bulk
from mrl_demo.models.batches.bulk import PaddedForward, encode_in_bulk, forward_pass
from mrl_demo.models.batches.packed import PackedBert
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.reading import read_texts
from mrl_demo.models.specs import ModelSpec
from tests.models.zoo import ZOO

SPEC = ModelSpec("mine", "folder", "mine", 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ZOO["mean"](tmp_path_factory.mktemp("models") / "mine")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)


def test_auto_is_a_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cuda" and choose_device("cpu") == "cpu" and choose_device("mps") == "mps"


@pytest.mark.usefixtures("gpu")
def test_bfloat16_is_taken_where_the_device_has_it() -> None:
    assert has_bf16("cuda") and not has_bf16("mps")
    encoder = SentenceEncoder(SPEC, Path, device="cuda")
    assert encoder.document_precision == "bfloat16"


def test_an_unknown_device_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRL_DEVICE", "tpu")
    with pytest.raises(LabError, match="MRL_DEVICE='tpu' is no device: use auto, cuda, mps or cpu"):
        Settings.from_environment()
    assert cli.main(["search", "bread"]) == 2
    assert capsys.readouterr().err == "mrl: MRL_DEVICE='tpu' is no device: use auto, cuda, mps or cpu.\n"


def test_a_device_that_is_not_here_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LabError, match=r"MRL_DEVICE='cuda'.*torch finds no such device here.*auto or cpu"):
        SentenceEncoder(SPEC, lambda: folder, device="cuda").encode_queries(["bread"])


def test_weights_and_texts_go_to_the_device(folder: Path, tmp_path: Path) -> None:
    """A tensor left behind would raise: torch multiplies nothing across devices."""
    assert PackedBert.fits(load_sentence_transformer(folder, SPEC, "cpu"))
    assert not PackedBert.fits(load_sentence_transformer(folder, SPEC, "cpu").to("meta"))
    model = load_sentence_transformer(ZOO["static, normalised"](tmp_path / "static"), SPEC, "cpu").to("meta")
    forward = forward_pass(model, torch.float32)
    assert isinstance(forward, PaddedForward)
    vectors = forward.on_device(read_texts(model, ["bread and oven", "moon"], Reading("query")))
    assert vectors.device.type == "meta" and vectors.shape == (2, 32)


def test_a_gpu_takes_larger_batches_in_one_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same vectors as on a CPU, from one batch instead of many."""
    model = load_sentence_transformer(folder, SPEC)
    texts, sizes = [f"bread and oven {'moon ' * (i % 9)}" for i in range(300)], list[int]()
    plain = PaddedForward(model, torch.float32)

    def counting(features: dict[str, torch.Tensor]) -> object:
        sizes.append(len(features["input_ids"]))
        return plain(features)

    monkeypatch.setattr(bulk, "_BATCH_TOKENS", 64)
    expected = encode_in_bulk(model, counting, texts, Reading("document"), 2)  # type: ignore[arg-type]
    assert max(sizes) < 64
    sizes.clear()
    monkeypatch.setattr(type(model), "device", property(lambda _: torch.device("cpu", 0)))
    monkeypatch.setattr(bulk, "_is_cpu", lambda _: False)
    found = encode_in_bulk(model, counting, texts, Reading("document"), 2)  # type: ignore[arg-type]
    assert sizes == [300]
    torch.testing.assert_close(torch.from_numpy(found), torch.from_numpy(expected), atol=1e-6, rtol=0)
