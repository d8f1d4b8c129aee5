"""Conditions on documents: a part of a collection by its labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import FILTER_FIELDS, Corpus, IntMatrix
from mrl_demo.core.wording import join_words

#: Labels of a field that a menu offers at most; a field with more is filtered by on the command line and in Python.
MOST_LABELS = 500
#: Labels that a message names.
_NAMED = 8


@dataclass(frozen=True)
class LabelCount:
    """A label of a collection's documents, how many have it, and what it is called.

    >>> LabelCount("topic", "Bees", 10).condition
    'topic=Bees'
    """

    field: str
    value: str
    count: int
    called: str = ""

    @property
    def name(self) -> str:
        """The label as people read it."""
        return self.called or self.value

    @property
    def condition(self) -> str:
        """As `parse_where` reads it."""
        return f"{self.field}={self.value}"


def parse_where(conditions: Sequence[str]) -> dict[str, str]:
    """Read FIELD=VALUE conditions; raises `CorpusError` for one that is none, or of a field that no document has.

    >>> parse_where(["topic=Bees"])
    {'topic': 'Bees'}
    """
    where: dict[str, str] = {}
    for condition in conditions:
        name, equals, value = condition.partition("=")
        if not equals or not value.strip() or name.strip() not in FILTER_FIELDS:
            fields = join_words(f"{field}=" for field in FILTER_FIELDS)
            raise CorpusError(f"{condition[:80]!r} is no condition: write one of {fields} and a value.")
        where[name.strip()] = value.strip()
    return where


def describe_where(where: Mapping[str, str], names: Mapping[str, str] | None = None) -> str:
    """Conditions in words, labels by the names that some have.

    >>> describe_where({"topic": "bees", "language": "en"}, {"bees": "Bees"})
    'topic “Bees” and language “en”'
    """
    known = names or {}
    return " and ".join(f"{field} “{known.get(value, value)}”" for field, value in where.items())


def rows_where(corpus: Corpus, where: Mapping[str, str]) -> IntMatrix:
    """Rows of the documents that fulfil all conditions, ascending int64; raises `CorpusError` if there is none.

    >>> from mrl_demo.core.types import Document
    >>> documents = (Document("a", "", "x", topic="Bees"), Document("b", "", "y", topic="Tea"))
    >>> rows_where(Corpus("tiny", "Tiny", documents, "fingerprint"), {"topic": "Tea"}).tolist()
    [1]
    """
    if unknown := sorted(where.keys() - set(FILTER_FIELDS)):
        raise CorpusError(f"Documents have no {unknown[0]!r}: filter by {join_words(FILTER_FIELDS)}.")
    rows = [
        row
        for row, document in enumerate(corpus.documents)
        if all(getattr(document, field) == value for field, value in where.items())
    ]
    if not rows:
        raise CorpusError(
            f"No document of {corpus.label} has {describe_where(where, corpus.label_names)}: {_choices(corpus, where)}."
        )
    return np.array(rows, dtype=np.int64)


def count_labels(corpus: Corpus) -> tuple[LabelCount, ...]:
    """Labels that tell a collection's documents apart, by field and then by name; none of fields with too many."""
    counts: list[LabelCount] = []
    for field in FILTER_FIELDS:
        values = _values(corpus, field)
        if field != "id" and 2 <= len(values) <= MOST_LABELS:
            names = corpus.label_names
            counts += [LabelCount(field, value, n, names.get(value, "")) for value, n in sorted(values.items())]
    return tuple(counts)


def _values(corpus: Corpus, field: str) -> Counter[str]:
    return Counter(value for document in corpus.documents if (value := getattr(document, field)))


def _choices(corpus: Corpus, where: Mapping[str, str]) -> str:
    """What would have been possible."""
    for field, value in where.items():
        values = _values(corpus, field)
        if value not in values:
            return f"its documents have no {field}" if not values else f"choose {_some(values, field)}"
    return "each is there, but no document has all"


def _some(values: Iterable[str], field: str) -> str:
    names = sorted(values)
    more = f" or another of its {len(names):,}" if len(names) > _NAMED else ""
    return f"a {field} such as {', '.join(names[:_NAMED])}{more}"
