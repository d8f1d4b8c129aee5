"""A retrieval collection (a BEIR folder) as training data: its train split teaches, its dev and test splits judge."""

from __future__ import annotations

from pathlib import Path

from mrl_demo.core.types import Corpus, Document, Note
from mrl_demo.corpora.own.files import load_path
from training.data.pairs import Pairs, TrainingData
from training.data.split import text_key
from training.errors import DataError

_TRAIN, _TEST = "train", "test"
_VALIDATION = ("dev", "validation", "valid", "val")


def is_beir(path: Path) -> bool:
    """Whether the folder holds a corpus beside its queries, in any of the types that are read."""
    return path.is_dir() and any(file.name.lower().startswith("corpus.") for file in path.iterdir())


def load_beir_pairs(path: Path, max_documents: int) -> tuple[Pairs, Corpus]:
    """Every query of the train split with each of its relevant documents, and the collection.

    Raises `DataError` naming the splits there are if none is called train, and `CorpusError` for what cannot be read.
    """
    corpus = load_path(path, max_documents, split=_TRAIN)
    content = {document.id: document for document in corpus.documents}
    rows = [
        (query.text, content[document])
        for query in corpus.queries
        if query.split == _TRAIN
        for document, grade in sorted(corpus.judgements.get(query.id, {}).items())
        if grade > 0 and document in content
    ]
    if not rows:
        splits = ", ".join(sorted({query.split for query in corpus.queries})) or "none"
        raise DataError(f"{path} has no judged train split to learn from (qrels/train.tsv); its splits are: {splits}.")
    labels = tuple(document.topic if "/" in document.topic else _path_of(document) for _, document in rows)
    texts = tuple(document.content for _, document in rows)
    return Pairs(tuple(query for query, _ in rows), texts, labels=labels if any(labels) else ()), corpus


def _path_of(document: Document) -> str:
    """Coarse and fine label as one path."""
    return "/".join(filter(None, (document.domain, document.topic)))


def judged_by_its_splits(pairs: Pairs, corpus: Corpus, broad_texts: int) -> TrainingData | None:
    """Training data judged by the collection's dev and test splits, None if one of them is missing.

    Pairs whose question is asked in one of these splits too are left out and counted.
    """
    splits = {query.split for query in corpus.queries}
    validation = next((name for name in _VALIDATION if name in splits), "")
    if not validation or _TEST not in splits:
        return None
    judged = {text_key(query.text) for query in corpus.queries if query.split in {validation, _TEST}}
    kept = [row for row, query in enumerate(pairs.queries) if text_key(query) not in judged]
    notes = list(corpus.notes)
    if left_out := len(pairs) - len(kept):
        words = f"{left_out:,} pairs are left out: their questions judge ({validation} and test)."
        notes.append(Note("judged-too", words, left_out))
    rest = pairs.take(kept)
    if len(rest) < 2:
        raise DataError(f"{corpus.label} leaves {len(rest)} pairs to train on: its train split is also its {_TEST}.")
    counts = {name: sum(query.split == name for query in corpus.queries) for name in (validation, _TEST)}
    shown = " and ".join(f"{count:,} queries ({name})" for name, count in counts.items())
    notes.append(Note("split", f"{len(rest):,} rows to train on; {shown} judge over {len(corpus):,} documents."))
    broad = tuple(dict.fromkeys((*rest.positives, *rest.queries)))[:broad_texts]
    return TrainingData(rest, broad, corpus, validation, _TEST, tuple(notes))
