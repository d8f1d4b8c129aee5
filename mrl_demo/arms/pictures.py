"""Vectors of a collection of pictures: each picture encoded once, texts among them as ever."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrl_demo.core.cache import StoredVectors
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import Corpus, Document, Encoder, FloatMatrix, Picture, PictureEncoder, Progress


def encode_pictured(
    name: str, encoder: Encoder, documents: Sequence[Document], progress: Progress | None = None
) -> StoredVectors:
    """`(n, d)` float32 unit rows of documents, some of them pictures; raises `ModelError` for a model of texts."""
    rows = [row for row, document in enumerate(documents) if document.picture is None]
    texts = [documents[row].content for row in rows]
    pictures = {row: document.picture for row, document in enumerate(documents) if document.picture is not None}
    vectors = np.empty((len(documents), encoder.dimension), dtype=np.float32)
    vectors[list(pictures)] = vectors_of_pictures(name, encoder, list(pictures.values()), progress)
    if texts:
        vectors[rows] = encoder.encode_documents(texts, progress)
    return StoredVectors(vectors, encoder.count_cut(texts, "document"))


def can_read(encoder: Encoder, corpus: Corpus) -> bool:
    """Whether a model reads what a collection holds: pictures want one that reads them."""
    return not corpus.has_pictures or (isinstance(encoder, PictureEncoder) and encoder.reads_pictures)


def vectors_of_pictures(
    name: str, encoder: Encoder, pictures: Sequence[Picture], progress: Progress | None = None
) -> FloatMatrix:
    """`(n, d)` float32 unit rows of pictures, equal ones encoded once; raises `ModelError` if it reads texts alone."""
    if not isinstance(encoder, PictureEncoder):
        raise ModelError(f"{name} reads no pictures: choose a model of texts and pictures (CLIP, SigLIP).")
    distinct = {picture.sha256: picture for picture in pictures}
    place = {key: row for row, key in enumerate(distinct)}
    vectors = encoder.encode_pictures(list(distinct.values()), progress)
    return vectors[[place[picture.sha256] for picture in pictures]]
