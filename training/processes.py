"""The processes of one run under `torchrun`: which one this is, and what the first one tells the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import distributed

from training.config import TrainConfig
from training.errors import ConfigError

#: The others wait while the first one encodes the data and measures the base model, which may take hours.
_PATIENCE = timedelta(hours=24)
_OTHER_LAUNCHERS = ("ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP")


@dataclass(frozen=True)
class Processes:
    """The `rank` of this process among the `count` of a run; the first (rank 0) alone reads, measures and writes."""

    rank: int = 0
    count: int = 1

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Processes:
        """Read what `torchrun` sets; raises `ConfigError` for what cannot be trained with, naming what can."""
        environ = os.environ if environ is None else environ
        count, rank = (_number(environ, name, default) for name, default in (("WORLD_SIZE", 1), ("RANK", 0)))
        here = _number(environ, "LOCAL_WORLD_SIZE", count)
        if here != count:
            raise ConfigError(
                f"{count} processes of which {here} are on this machine: a run works on one machine, because its "
                "checkpoints lie on one disk. Use torchrun --nnodes 1 --nproc-per-node N."
            )
        used = [name for name in _OTHER_LAUNCHERS if environ.get(name, "").lower() in {"1", "true"}]
        if used:
            raise ConfigError(
                f"{used[0]} is set: gradients of cached-mnrl would be reduced twice under it. Start the run with "
                "torchrun --nproc-per-node N -m training train ... instead."
            )
        return cls(rank, count)

    @property
    def is_first(self) -> bool:
        """Whether this process reads, measures and writes."""
        return self.rank == 0

    @property
    def key_parts(self) -> tuple[str, ...]:
        """What the number of processes adds to a run's key: nothing for one, so that existing keys stay valid."""
        return () if self.count == 1 else (f"{self.count} processes",)

    def check(self, config: TrainConfig, pairs: int, broad: int) -> None:
        """Raise `ConfigError` if `pairs` or `broad` texts do not fill one step, or GPUs are fewer than processes."""
        if self.count == 1:
            return
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else self.count
        if gpus < self.count:
            raise ConfigError(
                f"{self.count} processes share {gpus} GPU: use --nproc-per-node {gpus}, or set CUDA_VISIBLE_DEVICES= "
                "to train on the processor."
            )
        batch_size = config.schedule.batch_size
        needed = batch_size * self.count
        counts = {
            "pairs": pairs if config.objective.loss != "none" else needed,
            "texts": broad if config.objective.distillation else needed,
        }
        for what, count in counts.items():
            if count < needed:
                raise ConfigError(
                    f"{count:,} {what} do not fill one step of {self.count} processes with a batch_size of "
                    f"{batch_size} each: use --batch-size {max(2, count // self.count)} or fewer processes."
                )

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Run the block as a member of the group of processes; nothing is set up for one."""
        if self.count == 1:
            try:
                yield
            finally:  # A single process of `torchrun` gets a group from its trainer.
                if distributed.is_initialized():
                    distributed.destroy_process_group()
            return
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=_PATIENCE)
        try:
            yield
        finally:
            distributed.destroy_process_group()

    def broadcast(self, value: Any = None) -> Any:  # noqa: ANN401 - whatever the first has to say
        """What the first process gives as `value`, in every process."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    raw = environ.get(name, str(default))
    if not raw.isdigit():
        raise ConfigError(f"{name} is {raw!r}, no whole number: start several processes with torchrun, which sets it.")
    return int(raw)
