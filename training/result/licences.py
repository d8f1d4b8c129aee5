"""Licences of the broad pairs that this project's own weights learnt from, by the name of their source."""

from __future__ import annotations

_PUBLIC = "public domain, CC BY 4.0 or CC0"
_LICENCES = {
    "acl": "CC BY 4.0",
    "arxiv": "CC0 (metadata)",
    "blogs": _PUBLIC,
    "factbook": _PUBLIC,
    "movies": "MIT, texts CC BY-SA",
    "msdocs": "CC BY 4.0",
    "openstax": "CC BY 4.0",
    "recipes": _PUBLIC,
    "scitldr": "Apache-2.0",
    "usgov": _PUBLIC,
    "wikipedia": "CC BY-SA",
    "wordnet": "WordNet licence (BSD-like)",
}


def licence_of(source: str) -> str:
    """The licence of a source of broad pairs; a pointer to the source for one that is not known here.

    >>> licence_of("wikipedia"), licence_of("mine")
    ('CC BY-SA', 'see its source for the licence')
    """
    return _LICENCES.get(source, "see its source for the licence")
