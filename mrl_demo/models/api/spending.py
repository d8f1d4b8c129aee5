"""What sending texts away costs, and who may say yes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mrl_demo.models.api.providers import PRICES_AS_OF

_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class CostEstimate:
    """Texts about to be sent to a host: their number, tokens (four characters each), and US dollars, None if unknown.

    >>> print(CostEstimate.of(["bees " * 800] * 1000, "text-embedding-3-small", "api.openai.com", 0.02))
    1,000 texts (about 1,000,000 tokens) to text-embedding-3-small at api.openai.com, about $0.02 by its list price of \
November 2026
    """

    texts: int
    tokens: int
    model: str
    host: str
    dollars: float | None

    @classmethod
    def of(cls, texts: Sequence[str], model: str, host: str, dollars_a_million: float | None) -> CostEstimate:
        """The estimate for these texts."""
        tokens = sum(max(1, -(-len(text) // _CHARACTERS_A_TOKEN)) for text in texts)
        cost = None if dollars_a_million is None else tokens * dollars_a_million / 1e6
        return cls(len(texts), tokens, model, host, cost)

    def __str__(self) -> str:
        price = "at a price that is not known here"
        if self.dollars is not None:
            amount = f"${self.dollars:.2f}" if self.dollars >= 0.01 else "under $0.01"
            price = f"about {amount} by its list price of {PRICES_AS_OF}"
        return f"{self.texts:,} texts (about {self.tokens:,} tokens) to {self.model} at {self.host}, {price}"


#: Says whether texts may be sent for that price.
Approve: TypeAlias = Callable[[CostEstimate], bool]


def refuse_spending(_estimate: CostEstimate) -> bool:
    """The rule until somebody sets another: nothing is sent in bulk."""
    return False
