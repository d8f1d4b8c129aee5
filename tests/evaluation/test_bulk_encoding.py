from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mrl_demo.models.encoders import SentenceEncoder
from mrl_demo.models.packaged import verified_base_dir
from mrl_demo.models.specs import MINILM
from mrl_demo.types import Cancelled

TEXTS = ["A short one.", "", "  Spaces around it  ", "Many words make a long text. " * 60, "Umlaute: Äöü ß", "zebra"]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(MINILM, verified_base_dir, bulk_threads=1)


@pytest.mark.real_model
def test_bulk_batches_equal_the_models_own_encode(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 the same to 1e-5, whatever the batches; with bfloat16 to a cosine of 0.9999."""
    expected = encoder.model().encode(TEXTS, show_progress_bar=False)
    assert np.einsum("nd,nd->n", encoder.encode_documents(TEXTS), expected).min() > 0.9999
    monkeypatch.setattr("mrl_demo.models.encoders.has_bf16", lambda: False)
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), expected, atol=1e-5)
    monkeypatch.setattr("mrl_demo.models.encoders._BATCH_TOKENS", 8)
    monkeypatch.setattr("mrl_demo.models.encoders._TOKENISED", 4)
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), expected, atol=1e-5)


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
