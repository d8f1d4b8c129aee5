"""Which batches a step takes: every process of a run works on the same kind of data in the same step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

from sentence_transformers.base.sampler import RoundRobinBatchSampler


class TurnsBatchSampler(RoundRobinBatchSampler):
    """Takes `turn` batches of each data set before it goes on to the next, until one has no whole turn left.

    Batches are dealt out to the processes one by one, so with as many a turn as there are processes all of them have
    the same loss in a step. Otherwise one process would see pairs alone, and losses that go backwards several times
    (cached-mnrl) would wait for a process that does not.
    """

    def __init__(self, *arguments: Any, turn: int, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self.turn = turn

    def __iter__(self) -> Iterator[list[int]]:
        """Row numbers over all data sets, a batch at a time."""
        if self.generator and self.seed is not None:
            self.generator.manual_seed(self.seed + self.epoch)
        offsets = [0, *accumulate(len(dataset) for dataset in self.dataset.datasets)]
        samplers = [iter(sampler) for sampler in self.batch_samplers]
        while True:
            turns = [list(islice(sampler, self.turn)) for sampler in samplers]
            if any(len(batches) < self.turn for batches in turns):
                return
            for offset, batches in zip(offsets, turns, strict=False):
                yield from ([row + offset for row in batch] for batch in batches)

    def __len__(self) -> int:
        """Batches of an epoch, estimated if the samplers estimate theirs."""
        return min(len(sampler) for sampler in self.batch_samplers) // self.turn * self.turn * len(self.batch_samplers)
