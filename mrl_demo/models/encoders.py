"""Sentence encoders: loaded lazily under a lock, a query on one thread, many texts in length-sorted bf16 batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import has_bf16
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.core.vectors import normalise
from mrl_demo.models.packed import PackedBert, TokenBatch
from mrl_demo.models.specs import ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32
#: Bulk batches hold at most about so many tokens: small enough for a core's cache, large enough for its multipliers.
_BATCH_TOKENS = 1_024
_BATCH_ROWS = 256
#: More queries than this are encoded in bulk; a page never asks for so many.
_FEW = 32
#: Texts whose tokens are kept in memory at once.
_TOKENISED = 4_096


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
        self._forwards: dict[torch.dtype, Callable[[TokenBatch], FloatMatrix]] = {}
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
        """`(n, dimension)` float32 unit rows of queries, in float32: a few on `query_threads` threads, many in bulk."""
        if len(texts) > _FEW:
            return self._encode_in_bulk(texts, self.spec.query_prompt, torch.float32)
        with torch_threads(self._query_threads):
            return self._encode(texts, self.spec.query_prompt)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of documents; bf16 products where the CPU has them (cosine 0.9999).

        Texts are tokenised once and batched by token count, longest first, so that next to nothing is padding and
        the first progress report is the most cautious about the time left.
        """
        dtype = torch.bfloat16 if has_bf16() else torch.float32
        return self._encode_in_bulk(texts, self.spec.document_prompt, dtype, progress)

    def with_token_limit(self, max_tokens: int) -> SentenceEncoder:
        """The same model cutting texts at `max_tokens`: another encoder, with a fingerprint of its own."""
        spec = replace(self.spec, max_tokens=max_tokens)
        return SentenceEncoder(spec, self._find_folder, self._query_threads, self._bulk_threads)

    def model(self) -> SentenceTransformer:
        """The loaded model; raises `ModelError` where its files are missing or damaged."""
        with self._lock:
            if self._model is None:
                self._model = load_sentence_transformer(self._find_folder(), self.spec)
            return self._model

    def _encode_in_bulk(
        self, texts: Sequence[str], prompt: str, dtype: torch.dtype, progress: Progress | None = None
    ) -> FloatMatrix:
        model, forward = self.model(), self._forward(dtype)

        def report(done: int) -> None:
            if progress:
                progress(done / len(texts), f"Encoding {done:,} of {len(texts):,} documents with {self.spec.name}")

        prompted = [prompt + text for text in texts]
        return self._finished(encode_in_bulk(model, forward, prompted, self.dimension, self._bulk_threads, report))

    def _forward(self, dtype: torch.dtype) -> Callable[[TokenBatch], FloatMatrix]:
        model = self.model()
        with self._lock:
            if dtype not in self._forwards:
                self._forwards[dtype] = forward_pass(model, dtype)
            return self._forwards[dtype]

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatMatrix:
        if not len(texts):
            return np.empty((0, self.dimension), dtype=np.float32)
        model = self.model()
        found = model.encode(
            list(texts), prompt=prompt or None, batch_size=_BATCH, convert_to_numpy=True, show_progress_bar=False
        )
        return self._finished(np.asarray(found, dtype=np.float32))

    def _finished(self, vectors: FloatMatrix) -> FloatMatrix:
        _check_length(vectors, self.dimension)
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


def forward_pass(model: SentenceTransformer, dtype: torch.dtype) -> Callable[[TokenBatch], FloatMatrix]:
    """The fastest way from tokenised texts to `(n, d)` float32 vectors: without padding for a plain BERT."""
    return (PackedBert if PackedBert.fits(model) else _Padded)(model, dtype)


def encode_in_bulk(
    model: SentenceTransformer,
    forward: Callable[[TokenBatch], FloatMatrix],
    texts: Sequence[str],
    dimension: int,
    threads: int,
    report: Callable[[int], None] | None = None,
) -> FloatMatrix:
    """`(n, dimension)` float32 vectors as `forward` gives them, on a CPU; `report` takes how many texts are done.

    One batch a thread, each on one torch thread: nothing waits for the slowest part of every product. Raises
    `ModelError` where vectors have another length.
    """
    out = np.empty((len(texts), dimension), dtype=np.float32)
    order = np.argsort([-len(text) for text in texts], kind="stable")
    done = 0
    with torch_threads(1), _one_thread_workers(threads) as pool:
        for start in range(0, len(order), _TOKENISED):
            part = order[start : start + _TOKENISED]
            batches = list(_token_batches(model, [texts[i] for i in part]))
            for (rows, _), found in zip(batches, pool.map(forward, [batch for _, batch in batches]), strict=True):
                _check_length(found, dimension)
                out[part[rows]] = found
                done += len(rows)
                if report:
                    report(done)
    return out


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run the block on `count` torch threads; a busy second core makes two threads 40 times slower for one query."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _one_thread_workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """`count` threads with one torch thread each; batches not yet begun are dropped when the block raises."""
    pool = ThreadPoolExecutor(max(1, count), "encode", initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class _Padded:
    """Any model's own forward pass over a padded batch, under autocast where `dtype` is not float32."""

    def __init__(self, model: SentenceTransformer, dtype: torch.dtype) -> None:
        self._model, self._dtype = model, dtype

    def __call__(self, batch: TokenBatch) -> FloatMatrix:
        """`(n, dimension)` float32 vectors of n tokenised texts."""
        tokenizer: Any = self._model.tokenizer
        mixed = self._dtype != torch.float32
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            features = dict(tokenizer.pad(dict(batch), return_tensors="pt"))
            found: FloatMatrix = self._model(features)["sentence_embedding"].float().numpy()
        return found


def _token_batches(model: SentenceTransformer, texts: Sequence[str]) -> Iterator[tuple[IntMatrix, TokenBatch]]:
    """Row numbers and token ids of texts, by falling token count, at most about `_BATCH_TOKENS` tokens at a time."""
    tokenizer: Any = model.tokenizer
    encoded = tokenizer([text.strip() for text in texts], truncation=True, max_length=model.max_seq_length)
    lengths = np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = order[start : start + int(np.clip(_BATCH_TOKENS // lengths[order[start]], 1, _BATCH_ROWS))]
        yield rows, {name: [values[i] for i in rows] for name, values in encoded.items()}
        start += len(rows)


def _check_length(vectors: FloatMatrix, dimension: int) -> None:
    if vectors.shape[1] != dimension:
        raise ModelError(
            f"The model gave vectors of {vectors.shape[1]} numbers, not {dimension}: "
            "its folder was saved with truncate_dim or is another model."
        )


def _layer_norm(vectors: FloatMatrix) -> FloatMatrix:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=1, keepdims=True) + 1e-5)
