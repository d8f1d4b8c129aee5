"""Run training end to end, or report that this run already exists; `prepare` and `--check` stop before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.core.types import FloatMatrix
from mrl_demo.jobs.events import DataRead, LineWriter, WaitExpected
from mrl_demo.models.reading import limit_tokens
from training.bases import BaseVectors
from training.columns import Columns
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.data.pairs import TrainingData
from training.processes import Processes
from training.result.folder import NOTHING_TO_RESUME, RunFolder
from training.task import Task, read_task

_PREVIEW_ROWS, _PREVIEW_CHARACTERS = 3, 300

if TYPE_CHECKING:
    from mrl_demo.adapt import Rotation
    from training.steps import Plan, Tell


def train(config: TrainConfig, options: RunOptions, context: RunContext) -> bool:
    """Train and publish into `options.out`; False if the same run is there. Raises `LabError` before long work.

    Under `torchrun` the first process reads, measures and writes; the others take part in the steps alone.
    """
    processes = context.processes
    with processes.joined():
        if not processes.is_first:
            return _follow(processes)
        with _telling(processes) as tell:
            return _lead(config, options, context, tell)


def _lead(config: TrainConfig, options: RunOptions, context: RunContext, tell: Tell) -> bool:
    """The first process, which does all there is to do; `tell` lets the others know the plan of the steps."""
    task = read_task(config, options.columns, context)
    context.processes.check(task.config, len(task.data.pairs), len(task.data.broad))
    folder, key = RunFolder(options.out), task.key(context.processes.key_parts)
    if folder.is_finished(key) and not options.force:
        context.report.say(f"Nothing has changed: {options.out} holds this run already (--force trains it again).")
        return False
    work = folder.open(key, options.resume, 0 if task.config.adapter.lora_rank else task.base.weight_bytes)
    if options.resume and not work.is_resumed:
        context.report.say(NOTHING_TO_RESUME)
    from training.steps import Run

    Run(task, work, options, context, tell).carry_out()
    return True


def _follow(processes: Processes) -> bool:
    """Another process: it waits for the first one's plan and takes part in the steps; False if there are none."""
    plan: Plan | None = processes.broadcast()
    if plan is None:
        return False
    from training.steps import fit_plan

    fit_plan(plan, processes)
    return True


@contextmanager
def _telling(processes: Processes) -> Iterator[Tell]:
    """A function that gives the other processes the plan; if it is never called, they hear that there is none."""
    plans: list[Plan] = []

    def tell(plan: Plan) -> None:
        """Keep the plan, and tell the other processes."""
        plans.append(plan)
        processes.broadcast(plan)

    try:
        yield tell
    finally:
        if not plans:
            processes.broadcast(None)


def check(config: TrainConfig, columns: Columns, context: RunContext, events: Path | None = None) -> None:
    """Find the base model and read the data as a run would; say what is in it and how long a run will take here.

    `events` gets both as events, with the first rows. Nothing is written, and but a few texts are encoded.
    """
    from training.estimate import expected_stages, probe_speed

    task = read_task(config, columns, context, with_others=False)
    data = task.data
    context.report.say(f"{len(data.pairs):,} pairs to train on and {len(data.judge.queries):,} queries to judge by.")
    stages = expected_stages(task, probe_speed(task.base.load(context.settings.device), task))
    if events is None:
        context.report.expect(stages)
    else:
        writer = LineWriter(events)
        writer.event(_data_read(data))
        writer.event(WaitExpected({stage.name: round(stage.seconds, 1) for stage in stages}))


def _data_read(data: TrainingData) -> DataRead:
    columns = (("query", data.pairs.queries), ("positive", data.pairs.positives), ("negative", data.pairs.negatives))
    rows = tuple(
        {name: texts[row][:_PREVIEW_CHARACTERS] for name, texts in columns if texts}
        for row in range(min(_PREVIEW_ROWS, len(data.pairs)))
    )
    return DataRead(len(data.pairs), len(data.judge.queries), len(data.judge), rows)


def prepare(config: TrainConfig, columns: Columns, context: RunContext) -> None:
    """Read and check the data, say what is in it, and encode it with the base model into the cache."""
    task = read_task(config, columns, context)
    data = task.data
    context.report.say(
        f"{len(data.pairs):,} pairs, {len(data.broad):,} broad texts, {len(data.judge):,} documents to judge by."
    )
    _broad_vectors(task, context)


def fit_training_pca(config: TrainConfig, columns: Columns, context: RunContext) -> Rotation:
    """PCA of the base model over the configuration's training text: the rotation of the arm base-pca."""
    from mrl_demo.adapt import fit_pca

    return fit_pca(_broad_vectors(read_task(config, columns, context), context))


def _broad_vectors(task: Task, context: RunContext) -> FloatMatrix:
    model = task.base.load()
    limit_tokens(model, task.config.pairs.max_tokens)
    vectors = BaseVectors(task.base, model, context.cache)
    return vectors.of(task.data.broad, task.config.prompts.document_reading, context.report.progress)
