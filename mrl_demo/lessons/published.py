"""Shares that others measured and wrote down, the disagreeing ones too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFigure:
    """A share that others measured and wrote down: at `part` of the full length `share` is kept."""

    part: float
    share: float
    claim: str
    source: str
    address: str


PUBLISHED = (
    PublishedFigure(
        64 / 768,
        0.9837,
        "Trained with MRL, 64 of 768 numbers keep 98.37% (similarity of sentence pairs, STS-B).",
        "Hugging Face blog, Matryoshka embeddings",
        "https://huggingface.co/blog/matryoshka",
    ),
    PublishedFigure(
        64 / 768,
        0.9646,
        "The same training without MRL: 64 of 768 numbers keep 96.46% (STS-B).",
        "Hugging Face blog, Matryoshka embeddings",
        "https://huggingface.co/blog/matryoshka",
    ),
    PublishedFigure(
        0.5,
        0.9,
        "Half of the numbers, dropped at random, often cost under 10%: at least 90% kept.",
        "arXiv 2508.17744",
        "https://arxiv.org/abs/2508.17744",
    ),
    PublishedFigure(
        64 / 768,
        0.901,
        "nomic-embed-text-v1.5 at 64 of 768 numbers keeps 90.1% of its MTEB average.",
        "MTEB, nomic-embed-text-v1.5",
        "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    ),
    PublishedFigure(
        64 / 768,
        0.772,
        "nomic-embed-text-v1.5 at 64 of 768 numbers keeps 77.2% of its retrieval score.",
        "MTEB, nomic-embed-text-v1.5",
        "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    ),
)
