"""Pictures to vectors, by models that read both texts and pictures (CLIP, SigLIP)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mrl_demo.core.types import FloatMatrix, Picture, Progress

if TYPE_CHECKING:
    from PIL.Image import Image
    from sentence_transformers import SentenceTransformer

#: Pictures that go through a model together.
_BATCH = 16


def reads_pictures(model: SentenceTransformer) -> bool:
    """Whether a model takes pictures beside texts."""
    return {"text", "image"} <= set(model.modalities)


def picture_vectors(
    model: SentenceTransformer, name: str, pictures: Sequence[Picture], progress: Progress | None = None
) -> FloatMatrix:
    """`(n, dimension)` float32 vectors as sentence-transformers gives them, of any length."""
    parts = []
    for start in range(0, len(pictures), _BATCH):
        if progress:
            progress(start / len(pictures), f"Encoding {start:,} of {len(pictures):,} pictures with {name}")
        images = [_opened(picture) for picture in pictures[start : start + _BATCH]]
        parts.append(np.asarray(model.encode(images, batch_size=_BATCH, show_progress_bar=False), np.float32))
    return np.concatenate(parts) if parts else np.empty((0, int(model.get_embedding_dimension() or 0)), np.float32)


def _opened(picture: Picture) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(picture.jpeg)).convert("RGB")
