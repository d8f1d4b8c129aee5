"""Matryoshka lab: how short can embeddings be, measured and shown live."""

from __future__ import annotations

__version__ = "0.2.0"
