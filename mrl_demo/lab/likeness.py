"""Queries that are no words: a document of the collection (`like:ID`), or a picture that somebody gave."""

from __future__ import annotations

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Picture

_LIKE = "like:"
_PICTURE = "picture:"
_HASH_CHARS = 16
#: Pictures of visitors that can still be searched for, some 30 kB each.
_PICTURES_KEPT = 256


def like_query(document_id: str) -> str:
    """The query that searches for documents like one of the collection.

    >>> like_query("cats/1.jpg")
    'like:cats/1.jpg'
    """
    return f"{_LIKE}{document_id}"


def row_like(query: str, corpus: Corpus) -> int | None:
    """The row of the document that `like:ID` names, None for words; raises `LabError` for an id that is not there."""
    name = query.removeprefix(_LIKE)
    if name == query or not name or name[0].isspace():
        return None
    for row, document in enumerate(corpus.documents):
        if document.id == name:
            return row
    raise LabError(
        f"{corpus.label} has no document with the id {name[:80]!r}. To search for these words, put a space after the "
        "colon."
    )


class AskedPictures:
    """Pictures that were given to search with, by the query that stands for each; the latest are kept.

    >>> pictures = AskedPictures()
    >>> pictures.find(pictures.keep(Picture(b"a JPEG file"))).jpeg
    b'a JPEG file'
    """

    def __init__(self) -> None:
        self._kept: BoundedCache[Picture] = BoundedCache(_PICTURES_KEPT)

    def keep(self, picture: Picture) -> str:
        """The query that searches with this picture."""
        query = f"{_PICTURE}{picture.sha256[:_HASH_CHARS]}"
        self._kept.get(query, lambda: picture)
        return query

    def find(self, query: str) -> Picture | None:
        """The picture that a query stands for, None for words; raises `LabError` if it is no longer kept."""
        name = query.removeprefix(_PICTURE)
        if name == query or len(name) != _HASH_CHARS or set(name) - set("0123456789abcdef"):
            return None
        picture = self._kept.peek(query)
        if picture is None:
            raise LabError("The picture that was searched with is no longer here: give it again.")
        return picture
