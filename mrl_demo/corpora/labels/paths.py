"""Labels that are paths, such as Health/Heart: their first part is the coarse label, the whole path the fine one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mrl_demo.core.types import Document, Note

_SEPARATOR = "/"


def with_label_paths(documents: Sequence[Document]) -> tuple[list[Document], tuple[Note, ...]]:
    """The documents with a `domain` of their own from labels that are all paths, and a note that says so.

    Only if no document has a domain, every label is a path, and first parts repeat: one `TCP/IP` among other labels
    stays what it is.

    >>> books = [Document(str(n), "", "text", label) for n, label in enumerate(["a/x", "a/y", "b/z"])]
    >>> [document.domain for document in with_label_paths(books)[0]]
    ['a', 'a', 'b']
    """
    labels = {document.topic for document in documents} - {""}
    first = {label: label.partition(_SEPARATOR)[0].strip() for label in labels}
    are_paths = all(_is_path(label) for label in labels) and 2 <= len(set(first.values())) < len(labels)
    if not are_paths or any(document.domain for document in documents):
        return list(documents), ()
    text = (
        f"Labels are read as paths: {len(set(first.values())):,} first parts are domains, "
        f"{len(labels):,} whole paths topics."
    )
    domains = [replace(document, domain=first.get(document.topic, "")) for document in documents]
    return domains, (Note("label-path", text),)


def _is_path(label: str) -> bool:
    parts = label.split(_SEPARATOR)
    return len(parts) > 1 and all(part.strip() for part in parts)
