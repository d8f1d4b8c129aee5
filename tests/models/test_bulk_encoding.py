from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from mrl_demo.core.errors import Cancelled
from mrl_demo.models.batches.packed import PackedBert
from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.shipped.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM

TEXTS = ["A short one.", "", "  Spaces around it  ", "Many words make a long text. " * 60, "Umlaute: Äöü ß", "zebra"]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(MINILM, verified_base_dir, bulk_threads=1)


@pytest.mark.real_model
def test_bulk_batches_equal_the_models_own_encode(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 the same to 1e-5, whatever the batches; with bfloat16 to a cosine of 0.9999."""
    expected = encoder.model().encode(TEXTS, show_progress_bar=False)
    assert np.einsum("nd,nd->n", encoder.encode_documents(TEXTS), expected).min() > 0.9999
    monkeypatch.setattr("mrl_demo.models.batches.bulk.has_bf16", lambda _: False)
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), expected, atol=1e-5)
    monkeypatch.setattr("mrl_demo.models.batches.bulk._BATCH_TOKENS", 8)
    monkeypatch.setattr("mrl_demo.models.reading._CHUNK_TEXTS", 4)
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), expected, atol=1e-5)


@pytest.mark.real_model
@pytest.mark.parametrize("missing", ["packed forward", "oneDNN operators"])
def test_models_and_machines_without_the_fast_ways_give_the_same(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing == "packed forward":
        monkeypatch.setattr("mrl_demo.models.batches.packed.PackedBert.fits", lambda _: False)
    else:
        monkeypatch.setattr("mrl_demo.models.batches.onednn.has_onednn_linear", lambda: False)
    encoder = SentenceEncoder(MINILM, verified_base_dir)
    expected = encoder.model().encode(TEXTS, show_progress_bar=False)
    assert np.einsum("nd,nd->n", encoder.encode_documents(TEXTS), expected).min() > 0.9999
    monkeypatch.setattr("mrl_demo.models.encoders._FEW", 0)
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), expected, atol=1e-5)


@pytest.mark.real_model
def test_a_query_alone_and_among_many_has_one_vector(encoder: SentenceEncoder) -> None:
    """To float32 rounding, and the threads of the process are afterwards what they were."""
    many = [f"{text} {number}".strip() for number in range(12) for text in TEXTS]
    before = torch.get_num_threads()
    together = encoder.encode_queries(many)
    assert torch.get_num_threads() == before
    alone = np.concatenate([encoder.encode_queries([text]) for text in many])
    np.testing.assert_allclose(together, alone, atol=2e-6)


@pytest.mark.real_model
def test_only_plain_bert_is_packed(encoder: SentenceEncoder) -> None:
    model = encoder.model()
    assert PackedBert.fits(model)
    config = model[0].model.config
    for name, value in (("hidden_act", "gelu_new"), ("is_decoder", True), ("position_embedding_type", "relative_key")):
        before = getattr(config, name, None)
        setattr(config, name, value)
        assert not PackedBert.fits(model), name
        setattr(config, name, before)


@pytest.mark.real_model
def test_bulk_encoding_puts_the_prompt_first_and_reports_and_cancels(encoder: SentenceEncoder) -> None:
    prompted = SentenceEncoder(replace(MINILM, document_prompt="passage: "), verified_base_dir, bulk_threads=1)
    expected = encoder.encode_documents(["passage: zebra"])
    np.testing.assert_allclose(prompted.encode_documents(["zebra"]), expected, atol=1e-6)
    seen: list[float] = []
    encoder.encode_documents(TEXTS, lambda share, _: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == 1
    assert encoder.encode_documents([]).shape == (0, 384)

    def stop(share: float, text: str) -> None:
        raise Cancelled(f"{share} {text}")

    with pytest.raises(Cancelled):
        encoder.encode_documents(TEXTS, stop)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]
