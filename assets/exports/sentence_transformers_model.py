"""sentence-transformers: the model with the rotation (if any) as a bias-free Dense layer, cut *and* re-normalised.

`encode(truncate_dim=...)` alone cuts after the model's own Normalize module: rows of length 0.4 or so, whose dot
products are no cosines. `normalize_embeddings=True` re-normalises after the cut. pip install sentence-transformers
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from prepare import DIM, DOCUMENT_PROMPT, FULL_DIM, LAYER_NORM, MODEL, QUERY_PROMPT, REVISION, rotation
from sentence_transformers import SentenceTransformer

try:
    from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm
except ImportError:  # Before sentence-transformers 6.
    from sentence_transformers.models import Dense, LayerNorm


def load_model() -> SentenceTransformer:
    """The model with what stands between its vectors and the cut; full-length until it is told where to cut."""
    folder = Path(__file__).with_name("model")
    where = str(folder) if folder.is_dir() else MODEL
    model = SentenceTransformer(where, revision=None if folder.is_dir() else REVISION or None)
    if LAYER_NORM:
        norm = LayerNorm(FULL_DIM)
        torch.nn.init.ones_(norm.norm.weight)
        torch.nn.init.zeros_(norm.norm.bias)
        model.append(norm)
    matrix = rotation()
    if matrix is not None:
        dense = Dense(FULL_DIM, FULL_DIM, bias=False, activation_function=torch.nn.Identity())
        with torch.no_grad():
            dense.linear.weight.copy_(torch.from_numpy(matrix.T.copy()))  # A Dense layer multiplies by its transpose.
        model.append(dense.to(model.device))
    return model.eval()


def encode_documents(model: SentenceTransformer, texts: list[str]) -> np.ndarray:
    """`(n, DIM)` float32 unit rows."""
    return model.encode(texts, prompt=DOCUMENT_PROMPT or None, truncate_dim=DIM, normalize_embeddings=True)


def encode_queries(model: SentenceTransformer, texts: list[str]) -> np.ndarray:
    """`(n, DIM)` float32 unit rows; cut like the documents, always."""
    return model.encode(texts, prompt=QUERY_PROMPT or None, truncate_dim=DIM, normalize_embeddings=True)


if __name__ == "__main__":  # python sentence_transformers_model.py FOLDER: saves the whole model, for servers.
    load_model().save(sys.argv[1])
