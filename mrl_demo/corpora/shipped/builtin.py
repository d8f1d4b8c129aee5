"""The built-in collection: passages, queries and judgements as JSON Lines in `assets/collection/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus

NAME = "builtin"
LABEL = "Everyday knowledge"


def load_builtin(assets_dir: Path) -> Corpus:
    """Load the collection that ships with the project; raises `CorpusError` naming a missing or malformed file."""
    folder = assets_dir / "collection"
    documents = [
        Document(row["id"], row["title"], row["text"], row["topic"], row["domain"])
        for row in read_jsonl(folder / "passages.jsonl")
    ]
    queries = [
        Query(row["id"], row["text"], row["style"], row["split"]) for row in read_jsonl(folder / "queries.jsonl")
    ]
    judgements: dict[str, dict[str, int]] = {}
    for row in read_jsonl(folder / "judgements.jsonl"):
        judgements.setdefault(row["query_id"], {})[row["passage_id"]] = row["grade"]
    names = {row["label"]: row["name"] for row in read_jsonl(folder / "labels.jsonl")}
    return replace(make_corpus(NAME, LABEL, documents, queries, judgements), label_names=names)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a JSON Lines file; raises `CorpusError` with file and line if one does not parse."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{path}, line {number}: not JSON ({error.msg}).") from error
            if not isinstance(row, dict):
                raise CorpusError(f"{path}, line {number}: a JSON object is needed, not {type(row).__name__}.")
            yield row
