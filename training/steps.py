"""The steps of one training run: baseline, start, training, the same measured again, and the finished folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.sweep import sweep_vectors
from mrl_demo.jobs.events import BaseQuality, LineWriter, ShareMeasured
from mrl_demo.models import run_folder
from mrl_demo.models.reading import token_limit
from mrl_demo.models.shipped.adapters import save_standard_folder
from training.bases import Base, BaseVectors
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.estimate import BASELINE, RESULT, SHARES, STEPS, TEXTS, expected_stages, probe_speed
from training.fit.events import Listener, tell_events
from training.fit.model import prepare_model
from training.fit.trainer import VALIDATION_METRIC, build_trainer
from training.fit.training_set import TrainingSet, TrainingSetBuilder
from training.fit.validation import base_quality, encode_both
from training.processes import Processes
from training.result.card import write_card
from training.result.folder import RunWork
from training.result.measure import METRICS, BeforeAfter, before_after_table, paired_rows
from training.result.model import ModelWriter
from training.result.shares import ShareCurve, ShareMeter, decide_share, share_table
from training.task import Task

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainer


@dataclass(frozen=True)
class Plan:
    """What every process needs for the steps; `work` holds the checkpoints, `checkpoint` is the one to go on from."""

    config: TrainConfig
    base: Base
    training: TrainingSet
    work: Path
    checkpoint: Path | None


#: Lets the other processes of a run know its plan.
Tell: TypeAlias = Callable[[Plan], None]


def fit_plan(
    plan: Plan,
    processes: Processes,
    report_to: str = "none",
    listeners: Sequence[Listener] = (),
) -> SentenceTransformerTrainer:
    """The trainer after all steps of `plan`; only the first process has `listeners`."""
    model = prepare_model(plan.base.load(), plan.config, plan.training.matrix)
    trainer = build_trainer(model, plan.config, plan.training, plan.work, report_to, processes.count)
    if listeners:
        tell_events(trainer, listeners)
    trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint else None)
    return trainer


@dataclass(frozen=True)
class Run:
    """One run of a task in the folder `work`; `tell` lets the other processes know the plan of the steps."""

    task: Task
    work: RunWork
    options: RunOptions
    context: RunContext
    tell: Tell

    def carry_out(self) -> None:
        """Train, measure before and after, and publish the result under its cache key, whole or not at all."""
        started = time.perf_counter() - self.work.spent
        task, report = self.task, self.context.report
        model = task.base.load(self.context.settings.device)
        report.expect(expected_stages(task, probe_speed(model, task), self.context.processes.count))
        own_limit = token_limit(model)
        vectors = BaseVectors(task.base, model, self.context.cache)
        report.begin(BASELINE)
        before = self._baseline(vectors)  # First, while the model still reads as many tokens as it does by itself.
        report.begin(TEXTS)
        training = TrainingSetBuilder(task, vectors, self.work.path, report).build()
        listeners = [report.event, *self._page(vectors, training)]
        report.begin(STEPS)
        trainer = self._fit(training, listeners)
        training = training if task.axes is None else replace(training, rotation=task.axes)
        writer = ModelWriter(task.config, task.base, own_limit, self.work.make_result())
        curve = self._share_curve(writer, trainer, training, vectors, listeners)
        report.begin(RESULT)
        final = writer.write(trainer.model, training, curve.kept).to(model.device)
        after = encode_both(final, task.data.judge, task.data.test_split, task.config, report.progress)
        rows = self._compare(before, after)
        report.say(before_after_table(rows))
        self._write(self._metrics(rows, curve, training, trainer, time.perf_counter() - started), curve)
        if self.options.model_out:
            save_standard_folder(final, self.options.model_out, task.config.objective.dims)
        self.work.publish({"name": task.config.name, "base": task.base.spec.model_id})
        report.say(f"Done: {self.work.out}")

    def _baseline(self, vectors: BaseVectors) -> ArmVectors:
        """The base model's vectors of the test queries and all documents."""
        data, prompts = self.task.data, self.task.config.prompts
        queries = [query.text for query in judged_set(data.judge, data.test_split).queries]
        documents = [document.content for document in data.judge.documents]
        return ArmVectors(
            vectors.of(queries, prompts.query_reading),
            vectors.of(documents, prompts.document_reading, self.context.report.progress),
        )

    def _page(self, vectors: BaseVectors, training: TrainingSet) -> list[Listener]:
        """The page that watches, if one does: it is told what the base model reaches on the validation queries."""
        if self.options.events is None:
            return []
        writer, config = LineWriter(self.options.events), self.task.config
        if config.schedule.evaluations:
            writer.event(BaseQuality(base_quality(vectors, training.validation, config)))
        return [writer.event]

    def _fit(self, training: TrainingSet, listeners: Sequence[Listener]) -> SentenceTransformerTrainer:
        """All steps, from the last checkpoint of an interrupted run if there is one."""
        checkpoint = self.work.last_checkpoint()
        if checkpoint:
            self.context.report.say(f"Going on from {checkpoint.name}.")
        plan = Plan(self.task.config, self.task.base, training, self.work.path, checkpoint)
        self.tell(plan)
        return fit_plan(plan, self.context.processes, self.options.report_to, listeners)

    def _share_curve(
        self,
        writer: ModelWriter,
        trainer: SentenceTransformerTrainer,
        training: TrainingSet,
        vectors: BaseVectors,
        listeners: Sequence[Listener],
    ) -> ShareCurve:
        """What each share of the training gains and costs, if the configuration wants to know, and the one to keep."""
        config, report = self.task.config, self.context.report
        if not config.adapter.shares:
            return ShareCurve(config.adapter.adapter_scale)
        report.begin(SHARES)
        meter = ShareMeter(training.validation, self.task.data.others, vectors, config)
        blend = writer.blend(trainer.model, training)

        def tell(row: ShareMeasured) -> None:
            """Report a share, and pass it to the listeners."""
            report.progress(row.share, f"Measured {row.share:g} of the training")
            for listener in listeners:
                listener(row)

        curve = decide_share(meter.measure(blend.at, tell), config)
        report.say(share_table(curve.rows, config.objective.dims, curve.kept))
        report.say(curve.words)
        return curve

    def _compare(self, before: ArmVectors, after: ArmVectors) -> list[BeforeAfter]:
        """Both models on the same test queries, by the same plan as every other evaluation."""
        data, dims = self.task.data, self.task.config.objective.dims
        plan = SweepPlan(("before", "after"), dims, metrics=METRICS, split=data.test_split, against=("before",))
        result = sweep_vectors(data.judge, plan, {"before": before, "after": after})
        return paired_rows(result, "before", "after")

    def _metrics(
        self,
        rows: list[BeforeAfter],
        curve: ShareCurve,
        training: TrainingSet,
        trainer: SentenceTransformerTrainer,
        seconds: float,
    ) -> dict[str, Any]:
        data = self.task.data
        validations = [entry for entry in trainer.state.log_history if VALIDATION_METRIC in entry]
        return {
            "collection": data.judge.name,
            "split": data.test_split,
            "n_queries": len(judged_set(data.judge, data.test_split).queries),
            "n_documents": len(data.judge),
            "pairs": len(training.pairs),
            "pairs_read": len(data.pairs),
            "broad_texts": len(data.broad),
            **({"sources": dict(training.sources)} if training.sources else {}),
            "steps": trainer.state.global_step,
            "processes": self.context.processes.count,
            "best_step": trainer.state.best_global_step,
            "seconds": round(seconds, 1),
            "hardware": describe_hardware(),
            "validation": [
                {"step": validation["step"], "mean_ndcg@10": validation[VALIDATION_METRIC]}
                for validation in validations
            ],
            "share": curve.to_dict(),
            "test": [row.to_dict() for row in rows],
        }

    def _write(self, metrics: dict[str, Any], curve: ShareCurve) -> None:
        """Configuration with the share that is kept, figures and card beside the model."""
        result, config = self.work.result, self.task.config.changed(adapter_scale=curve.kept)
        (result / run_folder.CONFIG).write_text(config.to_json(), encoding="utf-8")
        (result / run_folder.METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        write_card(result, config, metrics, result / run_folder.CARD)
