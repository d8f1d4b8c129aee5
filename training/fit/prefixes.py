"""MatryoshkaLoss whose lengths may be drawn for every step and whose weights may be learnt, and that can be heard."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss
from torch import Tensor, nn

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: How much of the running mean a step keeps: the fast one follows some five steps, the slow one some twenty.
_FAST, _SLOW = 0.8, 0.95
#: Softness of the learnt weights, as in dynamic weight averaging.
_SOFTNESS = 0.5


class PrefixLoss(MatryoshkaLoss):
    """A loss at several lengths, by shares that sum to 1, so that learning rates mean the same with and without it.

    `drawn` lengths of a step: the full one and others drawn at random between the shortest and it, weighing as the
    given ones between which they lie; 0 for the given ones. With `learns` a length weighs the more the slower its loss
    falls (dynamic weight averaging, arXiv 1803.10704, over running means). `by_dim` is the loss of the last batch at
    every given length; a drawn length counts for the nearest of them.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        loss: nn.Module,
        shares: Mapping[int, float],
        drawn: int = 0,
        learns: bool = False,
    ) -> None:
        total = sum(shares.values())
        self.shares = {dim: share / total for dim, share in sorted(shares.items())}
        super().__init__(model, loss, list(self.shares), list(self.shares.values()))
        self.drawn, self.by_dim = drawn, dict[int, float]()
        self.balance = Balance() if learns else None
        self._heard: list[float] = []
        if self.uses_gradient_cache:
            cached: Any = loss.calculate_loss
            cached.fn = self._hearing(cached.fn)
        else:
            loss.register_forward_hook(lambda _module, _inputs, value: self._heard.append(float(value.detach())))

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of one batch."""
        lengths = self._drawn_lengths() if self.drawn else self._given_lengths()
        self._use(lengths)
        self._heard.clear()
        value: Tensor = super().forward(sentence_features, labels)
        self.by_dim = self._near_given(dict(zip(self.matryoshka_dims, self._heard, strict=True)))
        if self.balance:
            self.balance.hear(self.by_dim)
        return value

    def _hearing(self, calculate: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def heard(*arguments: Any, **options: Any) -> Tensor:  # noqa: ANN401
            """The loss, remembered too."""
            value = calculate(*arguments, **options)
            self._heard.append(float(value.detach()))
            return value

        return heard

    def _use(self, shares: Mapping[int, float]) -> None:
        """Let the next batch be measured at these lengths, the longest first, as MatryoshkaLoss wants them."""
        total = sum(shares.values())
        self.matryoshka_dims = tuple(sorted(shares, reverse=True))
        self.matryoshka_weights = tuple(shares[dim] / total for dim in self.matryoshka_dims)
        if self.uses_gradient_cache:
            cached: Any = self.loss.calculate_loss
            cached.matryoshka_dims, cached.matryoshka_weights = self.matryoshka_dims, self.matryoshka_weights

    def _given_lengths(self) -> Mapping[int, float]:
        return self.balance.weigh(self.shares) if self.balance else self.shares

    def _drawn_lengths(self) -> Mapping[int, float]:
        """The full length with its share, and others spread evenly over the logarithm of the length."""
        given = self._given_lengths()
        dims = tuple(given)
        low, high = math.log(dims[0]), math.log(dims[-1])
        places = torch.rand(self.drawn - 1).tolist()  # Of torch's own state, so that a resumed run draws the same.
        others = {round(math.exp(low + place * (high - low))) for place in places} - {dims[-1]}
        weights = {dim: weight_between(given, dim) for dim in sorted(others)}
        rest = 1 - given[dims[-1]]
        total = sum(weights.values())
        scaled = {dim: rest * weight / total for dim, weight in weights.items()} if total else {}
        return {**scaled, dims[-1]: given[dims[-1]]} if given[dims[-1]] or scaled else {dims[-1]: 1.0}

    def _near_given(self, losses: Mapping[int, float]) -> dict[int, float]:
        near: dict[int, list[float]] = {}
        for dim, loss in losses.items():
            near.setdefault(min(self.shares, key=lambda given: abs(math.log(given / dim))), []).append(loss)
        return {dim: sum(near[dim]) / len(near[dim]) for dim in sorted(near)}


def weight_between(shares: Mapping[int, float], dim: int) -> float:
    """The weight of a length between two given ones, straight over the logarithm of the length.

    >>> weight_between({8: 1.0, 32: 3.0}, 16), weight_between({8: 1.0, 32: 3.0}, 32)
    (2.0, 3.0)
    """
    below = max(given for given in shares if given <= dim)
    above = min(given for given in shares if given >= dim)
    if below == above:
        return shares[below]
    place = math.log(dim / below) / math.log(above / below)
    return round(shares[below] + place * (shares[above] - shares[below]), 9)


class Balance:
    """Weights that go to the lengths whose loss falls slowest: running means of a fast and of a slow kind, compared.

    >>> balance = Balance()
    >>> for loss in (1.0, 0.5, 0.25):
    ...     balance.hear({8: 1.0, 16: loss})
    >>> weights = balance.weigh({8: 0.5, 16: 0.5})
    >>> weights[8] > weights[16], round(sum(weights.values()), 6)
    (True, 1.0)
    """

    def __init__(self) -> None:
        self.means: dict[int, tuple[float, float]] = {}

    def hear(self, losses: Mapping[int, float]) -> None:
        """Take note of a batch's loss at some lengths."""
        for dim, loss in losses.items():
            fast, slow = self.means.get(dim, (loss, loss))
            self.means[dim] = (_FAST * fast + (1 - _FAST) * loss, _SLOW * slow + (1 - _SLOW) * loss)

    def weigh(self, shares: Mapping[int, float]) -> dict[int, float]:
        """The shares, each times how slowly its loss falls, summing to 1 again."""
        raw = {dim: share * math.exp(self._pace(dim) / _SOFTNESS) for dim, share in shares.items()}
        total = sum(raw.values())
        return {dim: value / total for dim, value in raw.items()}

    def _pace(self, dim: int) -> float:
        """The fast mean over the slow one, 1 for a loss that stays as it is."""
        fast, slow = self.means.get(dim, (1.0, 1.0))
        return fast / slow if slow else 1.0

    def state(self) -> dict[str, Sequence[float]]:
        """What a run that goes on needs, in plain JSON types."""
        return {str(dim): list(means) for dim, means in self.means.items()}

    def restore(self, state: Mapping[str, Sequence[float]]) -> None:
        """Go on from what `state` gave."""
        self.means = {int(dim): (float(fast), float(slow)) for dim, (fast, slow) in state.items()}
