"""Run training end to end, or report that this run already exists; `prepare` and `--check` stop before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mrl_demo.core.config import Settings
from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.reading import limit_tokens
from training.bases import BaseVectors
from training.columns import Columns
from training.config import RunOptions, TrainConfig
from training.context import RunContext, RunMaterial, gather_material
from training.fit.processes import Processes
from training.report import Report
from training.result.folder import RunFolder

if TYPE_CHECKING:
    from mrl_demo.adapt import Rotation
    from training.steps import Plan


def train(config: TrainConfig, options: RunOptions, settings: Settings, report: Report) -> bool:
    """Train and publish into `options.out`; False if the same run is there. Raises `LabError` before long work.

    Under `torchrun` the first process reads, measures and writes; the others take part in the steps alone.
    """
    processes = Processes.from_environment()
    with processes.joined():
        if processes.is_first:
            return _Lead(RunContext(settings, report, processes)).train(config, options)
        plan: Plan | None = processes.broadcast()
        if plan is not None:
            from training.steps import fit_plan

            fit_plan(plan, processes)
        return plan is not None


@dataclass
class _Lead:
    """The first process: it tells the others its plan, or that there is nothing to do."""

    context: RunContext
    has_told: bool = False

    def train(self, config: TrainConfig, options: RunOptions) -> bool:
        """`train`, after which the other processes know in any case how it stands."""
        try:
            return self._train(config, options)
        finally:
            if not self.has_told:
                self.tell(None)

    def tell(self, plan: Plan | None) -> None:
        """Let the other processes know what is to be trained, None for nothing."""
        self.has_told = True
        self.context.processes.broadcast(plan)

    def _train(self, config: TrainConfig, options: RunOptions) -> bool:
        report, processes = self.context.report, self.context.processes
        material = gather_material(config, self.context, options.columns)
        processes.check(material.config, len(material.data.pairs), len(material.data.broad))
        key, folder = material.key(processes), RunFolder(options.out)
        if folder.is_finished(key) and not options.force:
            report.say(f"Nothing has changed: {options.out} holds this run already (--force trains it again).")
            return False
        goes_on = folder.open(key, options.resume)
        if options.resume and not goes_on:
            report.say("There is no interrupted run of this configuration and data: it starts from the beginning.")
        from training.steps import Run

        Run(material, folder, options, self.context, self.tell).carry_out(goes_on)
        return True


def check(config: TrainConfig, settings: Settings, columns: Columns, report: Report) -> None:
    """Find the base model and read the data as a run would, and say what is in it; nothing is encoded or written."""
    data = gather_material(config, RunContext(settings, report), columns).data
    report.say(f"{len(data.pairs):,} pairs to train on and {len(data.judge.queries):,} queries to judge by.")


def prepare(config: TrainConfig, settings: Settings, columns: Columns, report: Report) -> int:
    """Read and check the data, say what is in it, and encode it with the base model into the cache."""
    context = RunContext(settings, report)
    material = gather_material(config, context, columns)
    data = material.data
    report.say(
        f"{len(data.pairs):,} pairs, {len(data.broad):,} broad texts, {len(data.judge):,} documents to judge by."
    )
    _broad_vectors(material, context)
    return 0


def fit_training_pca(config: TrainConfig, settings: Settings, report: Report) -> Rotation:
    """PCA of the base model over the configuration's training text: the rotation of the arm base-pca."""
    from mrl_demo.adapt import fit_pca

    context = RunContext(settings, report)
    return fit_pca(_broad_vectors(gather_material(config, context), context))


def _broad_vectors(material: RunMaterial, context: RunContext) -> FloatMatrix:
    model = material.base.load()
    limit_tokens(model, material.config.max_tokens)
    vectors = BaseVectors(material.base, model, context.cache)
    return vectors.of(material.data.broad, material.config.document_reading, context.report.progress)
