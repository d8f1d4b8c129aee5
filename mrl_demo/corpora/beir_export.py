"""Any collection as a BEIR folder, the layout that retrieval toolkits read (arXiv 2104.08663)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import Corpus


def write_beir(corpus: Corpus, folder: Path) -> Path:
    """Write `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`; raises `CacheError`."""
    _lines(folder / "corpus.jsonl", ({"_id": d.id, "title": d.title, "text": d.text} for d in corpus.documents))
    _lines(folder / "queries.jsonl", ({"_id": q.id, "text": q.text} for q in corpus.queries))
    rows = [
        f"{query.id}\t{document}\t{grade}"
        for query in corpus.queries
        for document, grade in corpus.judgements.get(query.id, {}).items()
    ]
    with atomic_path(folder / "qrels" / "test.tsv") as temporary:
        temporary.write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n", encoding="utf-8")
    return folder


def _lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
