"""Sentence encoders: loaded lazily under a lock, a few queries on one thread, many texts in bulk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mrl_demo.core.errors import ModelError
from mrl_demo.core.hardware import choose_device
from mrl_demo.core.types import CutTexts, FloatMatrix, Picture, Progress, Reading, TextTask
from mrl_demo.core.vectors import normalise
from mrl_demo.models.batches.bulk import (
    Forward,
    PaddedForward,
    bulk_dtype,
    check_length,
    encode_in_bulk,
    forward_pass,
    torch_threads,
)
from mrl_demo.models.batches.pool import FEWEST_FOR_POOL, EncoderPool
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.pictures import picture_vectors
from mrl_demo.models.reading import count_cut_texts, read_texts, token_batches
from mrl_demo.models.specs import ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: More queries than this are encoded in bulk; a page never asks for so many.
_FEW = 32
#: Tokens of a few queries that go through the model together.
_FEW_TOKENS = 8_192


class SentenceEncoder:
    """A sentence-transformers model as an `Encoder`; `find_folder` is called once, on first use.

    `device` is one of `core.hardware.DEVICES`; `model` is the loaded model if somebody has it already. With `devices`
    many documents are encoded by a process on each (`models.batches.pool`), with the same vectors.

    >>> from mrl_demo.models.shipped.packaged import verified_base_dir
    >>> from mrl_demo.models.specs import MINILM
    >>> SentenceEncoder(MINILM, verified_base_dir).dimension
    384
    """

    def __init__(
        self,
        spec: ModelSpec,
        find_folder: Callable[[], Path | str],
        query_threads: int = 1,
        bulk_threads: int = 2,
        device: str = "cpu",
        model: SentenceTransformer | None = None,
        devices: Sequence[str] = (),
    ) -> None:
        self.spec = spec
        self._find_folder = find_folder
        self._query_threads = query_threads
        self._bulk_threads = bulk_threads
        self._wanted_device = device
        self._model = model
        self._devices = tuple(devices)
        self._pool: EncoderPool | None = None
        self._forwards: dict[torch.dtype, Forward] = {}
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Full length of the vectors."""
        return self.spec.dimension

    @property
    def fingerprint(self) -> str:
        """The spec's fingerprint: everything that decides the vectors but what they are multiplied in."""
        return self.spec.fingerprint

    @property
    def reads_pictures(self) -> bool:
        """Whether it takes pictures beside texts."""
        return self.spec.reads_pictures

    @property
    def document_precision(self) -> str:
        """What documents are multiplied in here, "float32" or "bfloat16"."""
        return str(self._bulk_dtype()).removeprefix("torch.")

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of queries, in float32: a few on `query_threads` threads, many in bulk."""
        if len(texts) > _FEW:
            return self._encode_many(texts, self.spec.query, torch.float32)
        with torch_threads(self._query_threads):
            return self._encode_few(texts, self.spec.query)

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of documents; bf16 products if the device has them (cosine 0.9999).

        Texts are tokenised once and batched by token count, longest first, so that next to nothing is padding and
        the first progress report is the most cautious about the time left.
        """
        if self._devices and len(texts) >= FEWEST_FOR_POOL:
            return self._start_pool().encode(texts, progress)
        return self._encode_many(texts, self.spec.document, self._bulk_dtype(), progress)

    def close(self) -> None:
        """End the processes of `devices`, if there are any; the next documents start them again."""
        if self._pool:
            self._pool.close()

    def encode_pictures(self, pictures: Sequence[Picture], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of pictures, in float32; raises `ModelError` if the model reads none."""
        if not self.reads_pictures:
            raise ModelError(
                f"{self.spec.name} reads no pictures: choose a model of texts and pictures, such as "
                "sentence-transformers/clip-ViT-B-32 or a folder of one."
            )
        with torch_threads(self._bulk_threads):
            return self._finish(picture_vectors(self.model(), self.spec.name, pictures, progress))

    def folder(self) -> Path:
        """Where this model's files are on this machine, fetched or merged on first use; raises `ModelError`."""
        return Path(self._find_folder())

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:
        """How many of `texts` are longer than the model reads, with the prompt of the task."""
        reading = self.spec.query if task == "query" else self.spec.document
        return count_cut_texts(self.model(), texts, reading)

    def with_token_limit(self, max_tokens: int) -> SentenceEncoder:
        """The same model cutting texts at `max_tokens`: another encoder, with a fingerprint of its own."""
        spec = replace(self.spec, max_tokens=max_tokens)
        return SentenceEncoder(
            spec, self._find_folder, self._query_threads, self._bulk_threads, self._wanted_device, None, self._devices
        )

    def model(self) -> SentenceTransformer:
        """The loaded model; raises `ModelError` if its files are missing or damaged, `LabError` for no such device."""
        with self._lock:
            if self._model is None:
                device = choose_device(self._wanted_device)
                self._model = load_sentence_transformer(self._find_folder(), self.spec, device)
            return self._model

    def _bulk_dtype(self) -> torch.dtype:
        """What documents are multiplied in: that of the devices named, which one process follows for a few texts."""
        kind = self._devices[0].partition(":")[0] if self._devices else choose_device(self._wanted_device)
        return bulk_dtype(kind)

    def _start_pool(self) -> EncoderPool:
        with self._lock:
            if self._pool is None:
                threads = max(1, self._bulk_threads // max(1, self._devices.count("cpu")))
                make = partial(_load_on, self.spec, self.folder(), threads)
                self._pool = EncoderPool(make, self.spec.name, self.dimension, self._devices)
            return self._pool

    def _encode_many(
        self, texts: Sequence[str], reading: Reading, dtype: torch.dtype, progress: Progress | None = None
    ) -> FloatMatrix:
        model, forward = self.model(), self._forward(dtype)

        def report(done: int) -> None:
            """Say how many texts are encoded."""
            if progress:
                progress(done / len(texts), f"Encoding {done:,} of {len(texts):,} documents with {self.spec.name}")

        return self._finish(encode_in_bulk(model, forward, texts, reading, self._bulk_threads, report))

    def _encode_few(self, texts: Sequence[str], reading: Reading) -> FloatMatrix:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if not len(texts):
            return vectors
        model = self.model()
        forward = PaddedForward(model, torch.float32)
        for rows, part in token_batches(read_texts(model, texts, reading), _FEW_TOKENS, _FEW):
            encoded = forward(part)
            check_length(encoded, self.dimension)
            vectors[rows] = encoded
        return self._finish(vectors)

    def _forward(self, dtype: torch.dtype) -> Forward:
        model = self.model()
        with self._lock:
            if dtype not in self._forwards:
                self._forwards[dtype] = forward_pass(model, dtype)
            return self._forwards[dtype]

    def _finish(self, vectors: FloatMatrix) -> FloatMatrix:
        check_length(vectors, self.dimension)
        return normalise(_layer_norm(vectors) if self.spec.layer_norm else vectors)


def _load_on(spec: ModelSpec, folder: Path, threads: int, device: str) -> SentenceEncoder:
    """An encoder with its model loaded, in a process of a pool."""
    encoder = SentenceEncoder(spec, lambda: folder, bulk_threads=threads, device=device)
    encoder.model()
    return encoder


def _layer_norm(vectors: FloatMatrix) -> FloatMatrix:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=1, keepdims=True) + 1e-5)
