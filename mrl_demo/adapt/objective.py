"""What a fit of a rotation minimises: how far neighbours at the prefixes are from the neighbours at full length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Questions:
    """Rows whose neighbours are to be kept, and the rows among which they are looked for.

    `asking` `(q, d)` and `candidates` `(c, d)` are unit rows; the first `own` of both are the same, and no row is its
    own neighbour. `weights` `(q, 1)` sum to 1.

    >>> documents, queries = torch.eye(3), torch.eye(3)[:1]
    >>> Questions.of(documents, own=2, others=queries, share=0.5).weights.tolist()
    [[0.25], [0.25], [0.5]]
    """

    asking: torch.Tensor
    candidates: torch.Tensor
    own: int
    weights: torch.Tensor

    @classmethod
    def of(cls, candidates: torch.Tensor, own: int, others: torch.Tensor, share: float) -> Questions:
        """The first `own` candidates ask, and `others` `(m, d)` beside them with `share` of the weight, if any."""
        share = share if len(others) else 0.0
        each = [torch.full((own, 1), (1 - share) / own)]
        if len(others):
            each.append(torch.full((len(others), 1), share / len(others)))
        return cls(torch.cat([candidates[:own], others]), candidates, own, torch.cat(each))


@dataclass(frozen=True)
class Objective:
    """KL divergence (nats) of the softmax over cosines at each of `prefixes` from that at full length.

    A prefix p weighs p to the power of `prefix_weight`; `temperature` is the softmax's.

    >>> documents = functional.normalize(torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]]), dim=1)
    >>> questions = Questions.of(documents, own=3, others=documents[:0], share=0.0)
    >>> objective = Objective(prefixes=(1,), temperature=0.5)
    >>> objective.loss(questions, torch.eye(2)) > 0
    True
    >>> objective.gradient(questions, torch.eye(2)).shape
    torch.Size([2, 2])
    """

    prefixes: tuple[int, ...]
    temperature: float
    prefix_weight: float = 0.0

    def loss(self, questions: Questions, axes: torch.Tensor) -> float:
        """The weighted mean divergence under the axes `(d, p)`."""
        with torch.no_grad():
            wanted = self._softmax(questions.asking @ questions.candidates.T, questions.own)
            logs = wanted.clamp(min=1e-38).log()
            total = 0.0
            for share, cosines in self._cosines(questions, axes):
                achieved = self._masked(cosines, questions.own).log_softmax(1)
                total += share * float((questions.weights * wanted * (logs - achieved)).sum())
        return total

    def gradient(self, questions: Questions, axes: torch.Tensor) -> torch.Tensor:
        """The loss's gradient `(d, p)`; that of a KL divergence by its logits is the difference of two softmaxes."""
        variable = axes.detach().requires_grad_(True)
        with torch.no_grad():
            wanted = self._softmax(questions.asking @ questions.candidates.T, questions.own)
        outputs, gradients = [], []
        for share, cosines in self._cosines(questions, variable):
            with torch.no_grad():
                excess = self._softmax(cosines, questions.own).sub_(wanted)
                gradients.append(excess.mul_(questions.weights * (share / self.temperature)))
            outputs.append(cosines)
        return torch.autograd.grad(outputs, variable, gradients)[0]

    def _cosines(self, questions: Questions, axes: torch.Tensor) -> Iterator[tuple[float, torch.Tensor]]:
        """Share of the loss and cosines `(q, c)` of every prefix."""
        importance = [prefix**self.prefix_weight for prefix in self.prefixes]
        asking, candidates = questions.asking @ axes, questions.candidates @ axes
        for prefix, weight in zip(self.prefixes, importance, strict=True):
            cut = functional.normalize(asking[:, :prefix], dim=1)
            yield weight / sum(importance), cut @ functional.normalize(candidates[:, :prefix], dim=1).T

    def _softmax(self, cosines: torch.Tensor, own: int) -> torch.Tensor:
        return self._masked(cosines, own).softmax(1)

    def _masked(self, cosines: torch.Tensor, own: int) -> torch.Tensor:
        logits = cosines / self.temperature
        logits[:own, :own].fill_diagonal_(float("-1e9"))
        return logits
