"""The language of a question: its own column's, or that of the documents that answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mrl_demo.core.types import Document, Judgements, Query

LANGUAGE = "language"


def with_languages(queries: Sequence[Query], judgements: Judgements, documents: Sequence[Document]) -> list[Query]:
    """The queries, those without a column "language" with the one language of their best answers, if it is one.

    >>> bees = Document("d1", "", "Bienen tanzen.", language="de")
    >>> with_languages([Query("q", "wie reden Bienen")], {"q": {"d1": 1}}, [bees])[0].fields
    (('language', 'de'),)
    """
    spoken = {document.id: document.language for document in documents if document.language}
    if not spoken:
        return list(queries)
    return [query if LANGUAGE in dict(query.fields) else _with_language(query, judgements, spoken) for query in queries]


def _with_language(query: Query, judgements: Judgements, spoken: dict[str, str]) -> Query:
    grades = judgements.get(query.id, {})
    best = max(grades.values(), default=0.0)
    languages = {spoken.get(name, "") for name, grade in grades.items() if grade == best > 0}
    if len(languages) != 1 or languages == {""}:
        return query
    return replace(query, fields=(*query.fields, (LANGUAGE, languages.pop())))
