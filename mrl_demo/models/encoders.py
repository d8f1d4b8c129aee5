"""Sentence encoders: loaded lazily under a lock, queries on few threads, documents in length-sorted bf16 batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mrl_demo.models.specs import ModelSpec
from mrl_demo.types import FloatMatrix, ModelError, Progress
from mrl_demo.vectors import normalise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32
_REPORT_EVERY = 16 * _BATCH


class SentenceEncoder:
    """A sentence-transformers model as an `Encoder`; `find_folder` is called once, on first use."""

    def __init__(
        self, spec: ModelSpec, find_folder: Callable[[], Path | str], query_threads: int = 1, bulk_threads: int = 2
    ) -> None:
        self.spec = spec
        self._find_folder = find_folder
        self._query_threads = query_threads
        self._bulk_threads = bulk_threads
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Full length of the vectors."""
        return self.spec.dimension

    @property
    def fingerprint(self) -> str:
        """The spec's fingerprint: weights, prompts, length limit, code version."""
        return self.spec.fingerprint

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of queries, in float32 on `query_threads` threads."""
        with torch_threads(self._query_threads):
            return self._encode(texts, self.spec.query_prompt)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of documents.

        In bf16 autocast where the CPU has it (cosine 0.99997 to float32). Texts are encoded longest first, so the
        first progress report is the most cautious about the time left.
        """
        order = np.argsort([-len(text) for text in texts], kind="stable")
        out = np.empty((len(texts), self.dimension), dtype=np.float32)
        autocast = torch.autocast("cpu", dtype=torch.bfloat16) if has_bf16() else nullcontext()
        with torch_threads(self._bulk_threads), autocast:
            for start in range(0, len(order), _REPORT_EVERY):
                part = order[start : start + _REPORT_EVERY]
                out[part] = self._encode([texts[i] for i in part], self.spec.document_prompt)
                if progress:
                    done = start + len(part)
                    progress(done / len(order), f"Encoding {done:,} of {len(order):,} documents with {self.spec.name}")
        return out

    def model(self) -> SentenceTransformer:
        """The loaded model; raises `ModelError` where its files are missing or damaged."""
        with self._lock:
            if self._model is None:
                self._model = load_sentence_transformer(self._find_folder(), self.spec)
            return self._model

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatMatrix:
        if not len(texts):
            return np.empty((0, self.dimension), dtype=np.float32)
        model = self.model()
        found = model.encode(
            list(texts), prompt=prompt or None, batch_size=_BATCH, convert_to_numpy=True, show_progress_bar=False
        )
        vectors = np.asarray(found, dtype=np.float32)
        if vectors.shape[1] != self.dimension:
            raise ModelError(
                f"{self.spec.model_id} gave vectors of {vectors.shape[1]} numbers, not {self.dimension}: "
                "its folder was saved with truncate_dim or is another model."
            )
        return normalise(_layer_norm(vectors) if self.spec.layer_norm else vectors)


def load_sentence_transformer(folder: Path | str, spec: ModelSpec) -> SentenceTransformer:
    """Load a model from a folder, or from the Hub at the pinned revision; safetensors only, no remote code."""
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    options: dict[str, Any] = {"device": "cpu", "trust_remote_code": False, "model_kwargs": {"use_safetensors": True}}
    if spec.source == "hub":
        options["revision"] = spec.revision or None
    else:
        options["local_files_only"] = True
    try:
        model = SentenceTransformer(str(folder), **options)
    except Exception as error:
        raise ModelError(f"{folder} could not be loaded as {spec.name}: {error}") from error
    model.max_seq_length = min(spec.max_tokens, model.max_seq_length or spec.max_tokens)
    model.eval()
    return model


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; elsewhere bf16 is slower than float32."""
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run the block on `count` torch threads; a busy second core makes two threads 40 times slower for one query."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _layer_norm(vectors: FloatMatrix) -> FloatMatrix:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=1, keepdims=True) + 1e-5)
