"""What fewer neurons of every layer keep (MatFormer, arXiv 2310.07707): figures that come with the code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mrl_demo.core.errors import CorpusError

#: In assets/results, written by dev/matformer.py.
NEURONS_FILE = "matformer.json"


@dataclass(frozen=True)
class NeuronRow:
    """Base with a share of every layer's feed-forward neurons, the most important first.

    `quality` is nDCG@10 by length, `cosine` the mean with the vectors of all neurons, `document_ms` processor time.
    """

    share: float
    neurons: int
    quality: dict[int, float]
    cosine: float
    document_ms: float


@dataclass(frozen=True)
class NeuronFigures:
    """The rows, most neurons first, and on what and when they were measured."""

    rows: tuple[NeuronRow, ...]
    n_queries: int
    n_documents: int
    date: str
    hardware: str

    def sentence(self) -> str:
        """What the first cut costs, in words."""
        whole, less = self.rows[0], self.rows[1]
        dim = max(whole.quality)
        lost = 1 - less.quality[dim] / whole.quality[dim]
        faster = whole.document_ms / less.document_ms
        return (
            f"With {less.share:.0%} of the {whole.neurons:,} neurons of every layer, {lost:.0%} of the quality in full "
            f"is lost already, and documents are encoded {faster:.2f} times as fast: without a training for it a "
            "nested feed-forward block does not pay on this small encoder."
        )


@cache
def shipped_neurons(assets_dir: Path) -> NeuronFigures | None:
    """The figures that come with the code, None without their file; raises `CorpusError` for a damaged one."""
    path = assets_dir / "results" / NEURONS_FILE
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(
            NeuronRow(**{**row, "quality": {int(dim): value for dim, value in row["quality"].items()}})
            for row in raw["rows"]
        )
        return NeuronFigures(**{**raw, "rows": rows})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"{path} holds no figures by neurons ({error}): run dev/matformer.py again.") from error
