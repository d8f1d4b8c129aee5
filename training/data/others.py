"""Text of others: what a run on own pairs is to leave as it was, and the queries that show whether it did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from mrl_demo.core.config import Settings
from mrl_demo.core.types import Corpus, Progress
from mrl_demo.corpora.shipped.builtin import load_builtin
from mrl_demo.corpora.shipped.python_reference import load_python_reference
from training.data.small import small_collection

_DOCUMENTS = 1_200


@dataclass(frozen=True)
class TextOfOthers:
    """`broad` texts to distil the base model's neighbours of, and collections whose queries `judge` the tax.

    No text that a query of `judges` looks for is among `broad`.
    """

    broad: tuple[str, ...]
    judges: tuple[Corpus, ...]


def load_text_of_others(settings: Settings, most: int, progress: Progress | None = None) -> TextOfOthers:
    """At most `most` texts: passages of the built-in training topics, then docstrings of the Python reference.

    The judges are the built-in validation topics and some summary lines of the Python reference.
    """
    builtin = load_builtin(settings.assets_dir)
    reference = load_python_reference(settings.cache_dir, progress)
    judges = (
        replace(small_collection(builtin, "validation", _DOCUMENTS), label="Built-in validation topics"),
        small_collection(reference, "", _DOCUMENTS),
    )
    passages = _training_passages(builtin)
    judged = {text for judge in judges for text in _judging_texts(judge)}
    docstrings = [text for text in (*_contents(reference), *_questions(reference)) if text not in judged]
    return TextOfOthers((*passages, *_by_hash(docstrings))[:most], judges)


def _training_passages(corpus: Corpus) -> list[str]:
    """Passages that answer queries of the train split: those of other topics stay unseen."""
    train = {query.id for query in corpus.queries if query.split == "train"}
    wanted = {passage for query in train for passage in corpus.judgements.get(query, {})}
    return [document.content for document in corpus.documents if document.id in wanted]


def _judging_texts(judge: Corpus) -> Iterable[str]:
    """The queries and the texts that they look for."""
    wanted = {document for query in judge.queries for document in judge.judgements[query.id]}
    yield from _questions(judge)
    yield from (document.content for document in judge.documents if document.id in wanted)


def _contents(corpus: Corpus) -> list[str]:
    return [document.content for document in corpus.documents]


def _questions(corpus: Corpus) -> list[str]:
    return [query.text for query in corpus.queries]


def _by_hash(texts: Iterable[str]) -> list[str]:
    """Distinct texts in an order of their own, so that a sample does not hold one package alone."""
    return sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())
