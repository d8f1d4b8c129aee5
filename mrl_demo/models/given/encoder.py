"""An encoder that knows the vectors of some texts and no others: those that came from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix, Progress, TextTask
from mrl_demo.core.vectors import normalise


class GivenVectors:
    """Vectors by text: `documents` by what is read of a document, `queries` by a query's text; unit rows.

    >>> given = GivenVectors("mine", ["Bees dance."], np.array([[0, 2]], np.float32), {})
    >>> given.encode_documents(["Bees dance."]).tolist()
    [[0.0, 1.0]]
    >>> given.encode_queries(["tea"])
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.ModelError: 'mine' is vectors without a model, and has none of the query 'tea': no query came \
with them.
    """

    document_precision = "float32"

    def __init__(
        self,
        name: str,
        texts: Sequence[str],
        documents: FloatMatrix,
        queries: Mapping[str, FloatMatrix],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.name, self.notes = name, notes
        self._rows = {text: row for row, text in reversed(list(enumerate(texts)))}
        self._documents = normalise(documents)
        self._queries = {_fold(text): normalise(vector) for text, vector in queries.items()}
        self._example = next(iter(queries), "")
        asked = np.stack(list(self._queries.values())) if self._queries else np.empty((0, 0), np.float32)
        self.fingerprint = sha256_text(
            "given", sha256_bytes(self._documents), *self._rows, sha256_bytes(asked), *self._queries
        )

    @property
    def dimension(self) -> int:
        """Full length of the vectors."""
        return int(self._documents.shape[1])

    @property
    def description(self) -> str:
        """What it is, for menus."""
        return " ".join((f"Your own vectors of {len(self._rows):,} documents: no model is loaded.", *self.notes))

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """The given rows of these texts; raises `ModelError` naming a text that has none."""
        if progress:
            progress(1.0, f"Looking up the vectors of {len(texts):,} documents")
        try:
            return self._documents[[self._rows[text] for text in texts]]
        except KeyError as error:
            raise ModelError(
                f"{self.name!r} is vectors without a model, and has none of the document {_short(error)}: it goes with "
                "the collection it was given for, whole and unchanged."
            ) from error

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """The given vectors of these queries, or of documents that are asked as queries; raises `ModelError`."""
        return np.stack([self._query(text) for text in texts]) if texts else np.empty((0, self.dimension), np.float32)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:  # noqa: ARG002 - nothing is read
        """None: what the model behind the vectors read, nobody knows here."""
        return NOTHING_CUT

    def _query(self, text: str) -> FloatMatrix:
        vector = self._queries.get(_fold(text))
        if vector is not None:
            return vector
        if text in self._rows:
            return np.asarray(self._documents[self._rows[text]])
        there = f"ask one of the {len(self._queries):,} that came with them, such as {self._example!r}"
        raise ModelError(
            f"{self.name!r} is vectors without a model, and has none of the query {text[:60]!r}: "
            f"{there if self._queries else 'no query came with them'}."
        )


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _short(error: KeyError) -> str:
    return repr(str(error.args[0])[:60])
