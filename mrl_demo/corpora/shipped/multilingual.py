"""Forty topics in five languages, written for this project: passages, questions and judgements across languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.shipped.builtin import read_jsonl

NAME = "multilingual"
LABEL = "Everyday knowledge in five languages"
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian"}
#: Grades of a passage that answers in the question's own language, and in another.
_OWN, _OTHER = 2, 1


def load_multilingual(assets_dir: Path) -> Corpus:
    """200 passages and 200 questions; raises `CorpusError` naming a missing or malformed file.

    Every question is answered by five passages, best by that in its own language. A query's field "language" makes the
    groups that `evaluation.query_groups` reports.
    """
    path = assets_dir / NAME / "passages.jsonl"
    try:
        rows = [(f"{row['topic']}-{row['language']}", LANGUAGES[row["language"]], row) for row in read_jsonl(path)]
        documents = [Document(name, row["title"], row["text"], row["topic"], language) for name, language, row in rows]
        queries = [
            Query(f"q-{name}", row["question"], "question", fields=(("language", language),))
            for name, language, row in rows
        ]
    except KeyError as error:
        raise CorpusError(f"{path} is malformed ({error}): take it from the repository again.") from error
    judgements = {
        query.id: {
            other.id: _OWN if other.domain == own.domain else _OTHER for other in documents if other.topic == own.topic
        }
        for query, own in zip(queries, documents, strict=True)
    }
    names = {document.topic: document.topic.replace("-", " ").capitalize() for document in documents}
    return replace(make_corpus(NAME, LABEL, documents, queries, judgements), label_names=names)
