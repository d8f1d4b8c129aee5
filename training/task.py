"""What a run is to do, known before its first long step: settled configuration, base model and data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import FloatMatrix
from training.bases import Base, find_base, settle
from training.columns import Columns
from training.config import TrainConfig
from training.context import RunContext
from training.data.axes import find_axes
from training.data.pairs import TrainingData
from training.data.sources import load_data, with_text_of_others


@dataclass(frozen=True)
class Task:
    """A configuration that fits its base, and the data to learn from and to be judged by.

    `axes` `(d, d)` are those that the result is given instead of the ones learnt, None if it keeps these. `teacher` is
    another model whose neighbours are taught, None if they are the base's.
    """

    config: TrainConfig
    base: Base
    data: TrainingData
    axes: FloatMatrix | None = None
    teacher: Base | None = None

    def key(self, more: Iterable[str] = ()) -> str:
        """Sha256 over all that decides the result; `more` is what the processes add."""
        turned = () if self.axes is None else (sha256_bytes(self.axes),)
        turned = (*turned, self.teacher.content_sha256) if self.teacher else turned
        return sha256_text(self.config.fingerprint, self.data.fingerprint, self.base.content_sha256, *turned, *more)


def read_task(config: TrainConfig, columns: Columns, context: RunContext, with_others: bool = True) -> Task:
    """Find the base and read the data, and report what was noticed; raises `LabError` for what cannot be trained.

    A check does without text of others, which takes seconds to gather the first time.
    """
    config, base = settle(config)
    wanted = config.adapter.axes
    axes = find_axes(wanted, context.settings.assets_dir, base.spec.dimension) if wanted else None
    data = load_data(config, context.settings, columns, context.report.progress)
    if with_others:
        data = with_text_of_others(data, config, context.settings, context.report.progress)
    for note in (*base.spec.notes, *data.notes):
        context.report.say(str(note))
    if not config.adapter.lora_rank:
        megabytes = base.weight_bytes / 1e6
        context.report.say(
            f"All weights are trained: the result is a whole model of {megabytes:,.0f} MB, where a LoRA adapter over "
            "the packaged base takes a few."
        )
    teacher = (
        find_base(config.changed(base=config.objective.teacher, revision="")) if config.objective.teacher else None
    )
    if teacher:
        context.report.say(f"{teacher.spec.model_id} teaches its neighbours of broad text.")
    return Task(config, base, data, axes, teacher)
