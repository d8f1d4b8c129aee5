"""Run training end to end, or report that this run already exists; `prepare` and `--check` stop before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.reading import limit_tokens
from training.bases import Base, BaseVectors, settle
from training.columns import Columns
from training.config import RunOptions, TrainConfig
from training.data.pairs import TrainingData
from training.data.sources import load_data
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
            return _Lead(processes).train(config, options, settings, report)
        plan: Plan | None = processes.broadcast()
        if plan is not None:
            from training.steps import fit_plan

            fit_plan(plan, processes)
        return plan is not None


@dataclass
class _Lead:
    """The first process: it tells the others its plan, or that there is nothing to do."""

    processes: Processes
    has_told: bool = False

    def train(self, config: TrainConfig, options: RunOptions, settings: Settings, report: Report) -> bool:
        """`train`, after which the other processes know in any case how it stands."""
        try:
            return self._carried_out(config, options, settings, report)
        finally:
            if not self.has_told:
                self.tell(None)

    def tell(self, plan: Plan | None) -> None:
        """Let the other processes know what is to be trained, None for nothing."""
        self.has_told = True
        self.processes.broadcast(plan)

    def _carried_out(self, config: TrainConfig, options: RunOptions, settings: Settings, report: Report) -> bool:
        config, base = settle(config)
        data = load_data(config, settings, options.columns, report.progress)
        for note in (*base.spec.notes, *data.notes):
            report.say(str(note))
        self.processes.check(config, len(data.pairs), len(data.broad))
        key = sha256_text(config.fingerprint, data.fingerprint, base.content_sha256, *self.processes.key_parts)
        folder = RunFolder(options.out)
        if folder.is_finished(key) and not options.force:
            report.say(f"Nothing has changed: {options.out} holds this run already (--force trains it again).")
            return False
        going_on = folder.open(key, options.resume)
        if options.resume and not going_on:
            report.say("There is no interrupted run of this configuration and data: it starts from the beginning.")
        from training.steps import Run

        Run(config, data, base, folder, settings, report, self.processes, self.tell).carry_out(options, going_on, key)
        return True


def check(config: TrainConfig, settings: Settings, columns: Columns, report: Report) -> None:
    """Find the base model and read the data as a run would, and say what is in it; nothing is encoded or written."""
    config, base = settle(config)
    data = load_data(config, settings, columns, report.progress)
    for note in (*base.spec.notes, *data.notes):
        report.say(str(note))
    report.say(f"{len(data.pairs):,} pairs to train on and {len(data.judge.queries):,} queries to judge by.")


def prepare(config: TrainConfig, settings: Settings, columns: Columns, report: Report) -> int:
    """Read and check the data, say what is in it, and encode it with the base model into the cache."""
    config, base = settle(config)
    data = load_data(config, settings, columns, report.progress)
    for note in (*base.spec.notes, *data.notes):
        report.say(str(note))
    report.say(
        f"{len(data.pairs):,} pairs, {len(data.broad):,} broad texts, {len(data.judge):,} documents to judge by."
    )
    _broad_vectors(config, base, data, settings, report)
    return 0


def fit_training_pca(config: TrainConfig, settings: Settings, report: Report) -> Rotation:
    """PCA of the base model over the configuration's training text: the rotation of the arm base-pca."""
    from mrl_demo.adapt import fit_pca

    config, base = settle(config)
    data = load_data(config, settings, progress=report.progress)
    return fit_pca(_broad_vectors(config, base, data, settings, report))


def _broad_vectors(
    config: TrainConfig, base: Base, data: TrainingData, settings: Settings, report: Report
) -> FloatMatrix:
    model = base.load()
    limit_tokens(model, config.max_tokens)
    cache = VectorCache(settings.cache_dir, settings.assets_dir / "vectors")
    return BaseVectors(base, model, cache).of(data.broad, config.document_reading, report.progress)
