"""Many texts at a time: length-sorted batches, packed on a CPU, padded on anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import has_bf16
from mrl_demo.core.types import FloatMatrix, Reading
from mrl_demo.models.batches.packed import PackedBert
from mrl_demo.models.reading import Features, chunks_by_length, read_texts, token_batches

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: From the features of n texts to their `(n, d)` float32 vectors.
Forward: TypeAlias = Callable[[Features], FloatMatrix]

#: Batches hold at most about so many tokens: small enough for a core's cache, large enough for its multipliers.
_BATCH_TOKENS = 1_024
_BATCH_ROWS = 256
#: A GPU wants more at a time.
_GPU_BATCH_TOKENS = 32_768
_GPU_BATCH_ROWS = 1_024


class PaddedForward:
    """Any model's own forward pass on its own device, under autocast if `dtype` is not float32."""

    def __init__(self, model: SentenceTransformer, dtype: torch.dtype) -> None:
        self._model, self._dtype = model, dtype

    def __call__(self, features: Features) -> FloatMatrix:
        """`(n, dimension)` float32 vectors of n tokenised texts."""
        vectors: FloatMatrix = self.on_device(features).float().cpu().numpy()
        return vectors

    def on_device(self, features: Features) -> Tensor:
        """The vectors where the model computes them."""
        device = self._model.device
        moved = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in features.items()}
        is_exact = self._dtype == torch.float32
        products = nullcontext() if is_exact else torch.autocast(device.type, dtype=self._dtype)
        task = {"task": moved["task"]} if "task" in moved else {}
        with torch.inference_mode(), products:
            vectors: Tensor = self._model(moved, **task)["sentence_embedding"]
        return vectors


def forward_pass(model: SentenceTransformer, dtype: torch.dtype) -> Forward:
    """The fastest way from tokenised texts to `(n, d)` float32 vectors: without padding for a plain BERT on a CPU."""
    return (PackedBert if PackedBert.fits(model) else PaddedForward)(model, dtype)


def bulk_dtype(device: str) -> torch.dtype:
    """What many texts are multiplied in on `device`: bfloat16 if it has that in hardware."""
    return torch.bfloat16 if has_bf16(device) else torch.float32


def encode_in_bulk(
    model: SentenceTransformer,
    forward: Forward,
    texts: Sequence[str],
    reading: Reading,
    threads: int,
    report: Callable[[int], None] | None = None,
) -> FloatMatrix:
    """`(n, d)` float32 vectors as `forward` gives them; `report` takes how many texts are done.

    On a CPU one batch a thread, each on one torch thread: nothing waits for the slowest part of every product. Raises
    `ModelError` if vectors have another length than the model says.
    """
    dimension = int(model.get_embedding_dimension() or 0)
    vectors = np.empty((len(texts), dimension), dtype=np.float32)
    on_cpu = _is_cpu(model)
    size = (_BATCH_TOKENS, _BATCH_ROWS) if on_cpu else (_GPU_BATCH_TOKENS, _GPU_BATCH_ROWS)
    done = 0
    with torch_threads(1 if on_cpu else threads), _one_thread_workers(threads if on_cpu else 1) as pool:
        for chunk in chunks_by_length(texts):
            features = read_texts(model, [texts[row] for row in chunk], reading)
            batches = list(token_batches(features, *size))
            for (rows, _), part in zip(batches, pool.map(forward, [batch for _, batch in batches]), strict=True):
                check_length(part, dimension)
                vectors[chunk[rows]] = part
                done += len(rows)
                if report:
                    report(done)
    return vectors


def _is_cpu(model: SentenceTransformer) -> bool:
    return model.device.type == "cpu"


def check_length(vectors: FloatMatrix, dimension: int) -> None:
    """Raise `ModelError` if `(n, d)` vectors are not of the length that the model was taken for."""
    if vectors.shape[1] != dimension:
        raise ModelError(
            f"The model gave vectors of {vectors.shape[1]} numbers, not {dimension}: its folder is another model's."
        )


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
