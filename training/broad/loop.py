"""The loop: AdamW with a warm-up and a cosine, weights averaged over the last steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from training.broad.objective import Batch, Levers, batch_loss
from training.broad.student import Student


@dataclass(frozen=True)
class Pace:
    """How long and how fast: `average` is the share of the last steps whose weights are averaged."""

    steps: int = 1000
    rate: float = 1e-3
    warmup: float = 0.05
    average: float = 0.25

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm))) / 2


def fit_student(student: Student, draw: Callable[[int], Batch], levers: Levers, pace: Pace) -> Iterator[tuple[int, Tensor]]:
    """Yields step and loss (detached, on the device) after every step; at the end the student holds the average."""
    weights = [weight for weight in student.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=pace.rate, weight_decay=0.0)
    means = [torch.zeros_like(weight) for weight in weights]
    first = pace.steps - max(1, round(pace.average * pace.steps))
    student.train()
    for step in range(pace.steps):
        optimiser.param_groups[0]["lr"] = pace.rate_at(step)
        loss = batch_loss(draw(step), levers)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        if step >= first:
            torch._foreach_lerp_(means, [weight.detach() for weight in weights], 1 / (step - first + 1))
        yield step, loss.detach()
    with torch.no_grad():
        for weight, mean in zip(weights, means, strict=True):
            weight.copy_(mean)
