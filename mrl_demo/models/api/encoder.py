"""A model behind an API as an encoder: batches, resumed where they broke off, full-length vectors cut here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix, Progress, TextTask
from mrl_demo.core.vectors import normalise
from mrl_demo.models.api.address import ApiAddress
from mrl_demo.models.api.client import ApiClient
from mrl_demo.models.api.spending import Approve, CostEstimate

#: More texts than this are asked about first.
_FEW = 32
#: Characters of one request: some 25,000 tokens.
_BATCH_CHARACTERS = 100_000


class ApiEncoder:
    """`(n, dimension)` float32 unit rows from an API. `approve` gives the rule that says whether bulk may be sent.

    One text is sent when it is made, so that a wrong key, name or address shows at once. What was paid for before a
    request failed is kept in memory and not sent again.
    """

    document_precision = "float32"

    def __init__(
        self,
        name: str,
        client: ApiClient,
        approve: Callable[[], Approve],
        query_prompt: str = "",
        document_prompt: str = "",
    ) -> None:
        self.name, self._client, self._approve = name, client, approve
        self._prompts: dict[TextTask, str] = {"query": query_prompt, "document": document_prompt}
        self._paid: dict[tuple[TextTask, str], FloatMatrix] = {}
        self.dimension = int(client.embed(["How long are your vectors?"], "query").shape[1])

    @property
    def address(self) -> ApiAddress:
        """Where it is."""
        return self._client.address

    @property
    def fingerprint(self) -> str:
        """Provider, model, length, prompts and, for a server of one's own, its address; never a key."""
        address = self.address
        where = "" if address.provider.is_key_needed else address.url
        return sha256_text(
            "api-1", address.provider.name, address.model, where, str(self.dimension), *self._prompts.values()
        )

    @property
    def trained_dims(self) -> tuple[int, ...]:
        """Lengths that the provider names."""
        return tuple(dim for dim in self.address.about.trained_dims if dim <= self.dimension)

    @property
    def notes(self) -> tuple[str, ...]:
        """Where the texts go."""
        return () if self.address.is_local else (f"{self.name}: queries are sent to {self.address.host}.",)

    @property
    def description(self) -> str:
        """What it is, for menus."""
        return f"{self.address.model}, read by {self.address.host}: its full-length vectors are cut here."

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions; more than 32 are asked about first. Raises `ModelError`."""
        return self._encode(texts, "query")

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Vectors of documents; raises `ModelError` if nobody approves the cost, and as `ApiClient.embed`."""
        return self._encode(texts, "document", progress)

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:  # noqa: ARG002 - the API does not say
        """None: how many tokens it reads of a text, an API does not say."""
        return NOTHING_CUT

    def _encode(self, texts: Sequence[str], task: TextTask, progress: Progress | None = None) -> FloatMatrix:
        open_texts = [text for text in dict.fromkeys(texts) if (task, text) not in self._paid]
        self._ask_before_spending(open_texts)
        for done, batch in _batches(open_texts, self.address.provider.batch):
            vectors = self._client.embed([self._prompts[task] + text for text in batch], task)
            if vectors.shape[1] != self.dimension:
                raise ModelError(
                    f"{self.name} gave vectors of {vectors.shape[1]} numbers, and of {self.dimension} before: "
                    "nothing of them is kept. Check the server."
                )
            self._paid.update(((task, text), vector) for text, vector in zip(batch, vectors, strict=True))
            if progress:
                words = f"{self.address.host} has read {done + len(batch):,} of {len(open_texts):,} texts"
                progress((done + len(batch)) / len(open_texts), words)
        rows = [self._paid[task, text] for text in texts]
        self._paid = {key: row for key, row in self._paid.items() if key[0] != task}  # The caller keeps them now.
        return normalise(np.stack(rows)) if rows else np.empty((0, self.dimension), np.float32)

    def _ask_before_spending(self, texts: Sequence[str]) -> None:
        if len(texts) <= _FEW or self.address.is_local:
            return
        estimate = CostEstimate.of(texts, self.address.model, self.address.host, self.address.about.dollars)
        if not self._approve()(estimate):
            raise ModelError(f"Nobody said yes to sending {estimate}: say --yes, or take fewer texts.")


def _batches(texts: Sequence[str], most: int) -> list[tuple[int, list[str]]]:
    """Texts in requests of at most `most` texts and some 25,000 tokens, each with how many go before it."""
    batches: list[tuple[int, list[str]]] = []
    room = 0
    for place, text in enumerate(texts):
        if not batches or len(batches[-1][1]) == most or len(text) > room:
            batches.append((place, []))
            room = _BATCH_CHARACTERS
        batches[-1][1].append(text)
        room -= len(text)
    return batches
