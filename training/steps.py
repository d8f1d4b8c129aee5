"""The steps of one training run: baseline, start, training, the same measured again, and the finished folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import FloatMatrix
from mrl_demo.evaluation.judged import judged_set
from mrl_demo.evaluation.plan import SweepPlan
from mrl_demo.evaluation.sweep import sweep_vectors
from mrl_demo.models import run_folder
from mrl_demo.models.adapters import merge_adapter, read_manifest, save_standard_folder, write_manifest
from mrl_demo.models.reading import token_limit
from training.bases import Base, BaseVectors
from training.config import RunOptions, TrainConfig
from training.context import RunContext, RunMaterial
from training.data.pairs import TrainingData
from training.fit.model import prepare_model, save_adapter
from training.fit.processes import Processes
from training.fit.trainer import VALIDATION_METRIC, TrainingSet, build_trainer
from training.fit.validation import encode_both
from training.preparation import Preparation, prepare_training
from training.result.card import write_card
from training.result.events import Watch, watcher
from training.result.folder import RunFolder
from training.result.measure import METRICS, BeforeAfter, before_after_table, paired_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

_ROTATION = "rotation.npy"


@dataclass(frozen=True)
class Plan:
    """What every process needs for the steps; `work` holds the checkpoints, `checkpoint` is the one to go on from."""

    config: TrainConfig
    base: Base
    training: TrainingSet
    rotation: FloatMatrix | None
    work: Path
    checkpoint: Path | None


def fit_plan(
    plan: Plan,
    processes: Processes,
    report_to: str = "none",
    log: Callable[..., None] = lambda *_: None,
    watch: Watch | None = None,
) -> SentenceTransformerTrainer:
    """The trainer after all steps of `plan`; only the first process logs and is watched."""
    model = prepare_model(plan.base.load(), plan.config, plan.rotation)
    trainer = build_trainer(model, plan.config, plan.training, plan.work, report_to, log, processes.count)
    if watch:
        watch(trainer)
    trainer.train(resume_from_checkpoint=str(plan.checkpoint) if plan.checkpoint else None)
    return trainer


@dataclass
class Run:
    """The steps of one run, in order; `tell` lets the other processes know the plan."""

    material: RunMaterial
    folder: RunFolder
    options: RunOptions
    context: RunContext
    tell: Callable[[Plan], None]

    def carry_out(self, goes_on: bool) -> None:
        """Train, measure before and after, and publish the result under its cache key, whole or not at all.

        `goes_on` starts from the last checkpoint of an interrupted run.
        """
        started = time.perf_counter()
        config, base, report = self.material.config, self.material.base, self.context.report
        model = base.load(self.context.settings.device)
        own_limit = token_limit(model)
        vectors = BaseVectors(base, model, self.context.cache)
        before = self._baseline(vectors)
        prepared = prepare_training(self.material, vectors, self.context, self.folder.work / _ROTATION)
        trainer = self._train(prepared, vectors, goes_on)
        self.folder.result.mkdir(exist_ok=True)
        final = self._finished_model(trainer, prepared.rotation, own_limit).to(model.device)
        rows = self._before_after(before, encode_both(final, self.data.judge, self.data.test_split, config))
        report.say(before_after_table(rows))
        self._write(self._metrics(rows, trainer, time.perf_counter() - started))
        if self.options.model_out:
            save_standard_folder(final, self.options.model_out, config.dims)
        about = {"name": config.name, "base": base.spec.model_id}
        self.folder.publish(self.material.key(self.context.processes), about)
        report.say(f"Done: {self.folder.out}")

    @property
    def config(self) -> TrainConfig:
        """What the run is to do."""
        return self.material.config

    @property
    def data(self) -> TrainingData:
        """What it learns from and is judged by."""
        return self.material.data

    def _before_after(self, before: ArmVectors, after: ArmVectors) -> list[BeforeAfter]:
        """Both models on the same test queries, by the same plan as every other evaluation."""
        plan = SweepPlan(
            ("before", "after"), self.config.dims, metrics=METRICS, split=self.data.test_split, against=("before",)
        )
        result = sweep_vectors(self.data.judge, plan, {"before": before, "after": after})
        return paired_rows(result, "before", "after")

    def _baseline(self, vectors: BaseVectors) -> ArmVectors:
        """The base model's vectors of the test queries and all documents."""
        queries = [query.text for query in judged_set(self.data.judge, self.data.test_split).queries]
        documents = [document.content for document in self.data.judge.documents]
        return ArmVectors(
            vectors.of(queries, self.config.query_reading),
            vectors.of(documents, self.config.document_reading, self.context.report.progress),
        )

    def _train(self, prepared: Preparation, vectors: BaseVectors, goes_on: bool) -> SentenceTransformerTrainer:
        checkpoint = self.folder.last_checkpoint() if goes_on else None
        if checkpoint:
            self.context.report.say(f"Going on from {checkpoint.name}.")
        base = self.material.base
        plan = Plan(self.config, base, prepared.training, prepared.rotation, self.folder.work, checkpoint)
        self.tell(plan)
        watch = watcher(self.options.events, self.config, vectors, prepared.training.validation)
        return fit_plan(plan, self.context.processes, self.options.report_to, self.context.report.step, watch)

    def _finished_model(
        self, trainer: SentenceTransformerTrainer, rotation: FloatMatrix | None, own_limit: int
    ) -> SentenceTransformer:
        """What was trained as anybody would load it: the adapter merged into a fresh base, or the whole model.

        It reads as many tokens as its base (`own_limit`), however short the texts of the training were cut.
        """
        result, config = self.folder.result, self.config
        if not config.lora_rank:
            if own_limit:
                trainer.model.max_seq_length = own_limit
            trainer.model.prompts.update(query=config.query_prompt, document=config.document_prompt)
            save_standard_folder(trainer.model.cpu(), result / run_folder.MODEL, config.dims)
            return replace(self.material.base, folder=str(result / run_folder.MODEL)).load()
        save_adapter(trainer.model, result, rotation, config.adapter_scale)
        fresh = self.material.base.load()
        dimension = int(fresh.get_embedding_dimension() or 0)
        write_manifest(
            result, config.name, self.material.base.content_sha256, config.dims if config.matryoshka else (), dimension
        )
        merged = merge_adapter(fresh, result, read_manifest(result))
        if self.material.base.spec.source != "package":
            merged.prompts.update(query=config.query_prompt, document=config.document_prompt)
            save_standard_folder(merged, result / run_folder.MODEL, config.dims)
        return merged

    def _metrics(self, rows: list[BeforeAfter], trainer: SentenceTransformerTrainer, seconds: float) -> dict[str, Any]:
        history = [entry for entry in trainer.state.log_history if VALIDATION_METRIC in entry]
        judged = judged_set(self.data.judge, self.data.test_split)
        return {
            "collection": self.data.judge.name,
            "split": self.data.test_split,
            "n_queries": len(judged.queries),
            "n_documents": len(self.data.judge),
            "pairs": len(self.data.pairs),
            "broad_texts": len(self.data.broad),
            "steps": trainer.state.global_step,
            "processes": self.context.processes.count,
            "best_step": trainer.state.best_global_step,
            "seconds": round(seconds, 1),
            "hardware": describe_hardware(),
            "validation": [{"step": entry["step"], "mean_ndcg@10": entry[VALIDATION_METRIC]} for entry in history],
            "test": [row.to_dict() for row in rows],
        }

    def _write(self, metrics: dict[str, Any]) -> None:
        result = self.folder.result
        (result / run_folder.CONFIG).write_text(self.config.to_json(), encoding="utf-8")
        (result / run_folder.METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        write_card(result, self.config, metrics, result / run_folder.CARD)
