"""The steps of one training run: baseline, start, training, the same measured again, and the finished folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.cache import VectorCache
from mrl_demo.core.config import Settings
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.types import FloatMatrix
from mrl_demo.corpora.parts import Parts, parts_of
from mrl_demo.evaluation.judged import judged_set
from mrl_demo.evaluation.plan import SweepPlan
from mrl_demo.evaluation.sweep import sweep_vectors
from mrl_demo.models import run_folder
from mrl_demo.models.adapters import merge_adapter, read_manifest, save_standard_folder, write_manifest
from mrl_demo.models.reading import count_cut_texts, limit_tokens, token_limit
from training.bases import Base, BaseVectors
from training.config import TrainConfig
from training.data.pairs import TrainingData, mined_negatives
from training.fit.model import prepare_model, save_adapter
from training.fit.processes import Processes
from training.fit.start import StartVectors, fit_start
from training.fit.trainer import VALIDATION_METRIC, TrainingSet, build_trainer
from training.fit.validation import encode_both, small_validation
from training.report import Report
from training.result.card import write_card
from training.result.events import Watch, watcher
from training.result.folder import RunFolder
from training.result.measure import METRICS, BeforeAfter, before_after_table, paired_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

    from training.config import RunOptions

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

    config: TrainConfig
    data: TrainingData
    base: Base
    folder: RunFolder
    settings: Settings
    report: Report
    processes: Processes
    tell: Callable[[Plan], None]

    def carry_out(self, options: RunOptions, going_on: bool, key: str) -> None:
        """Train, measure before and after, and publish the result under its cache key, whole or not at all."""
        started = time.perf_counter()
        model = self.base.load(self.settings.device)
        own_limit = token_limit(model)
        cache = VectorCache(self.settings.cache_dir, self.settings.assets_dir / "vectors")
        vectors = BaseVectors(self.base, model, cache)
        before = self._baseline(vectors)
        training, rotation = self._prepared(vectors)
        watch = watcher(options.events, self.config, vectors, training.validation)
        trainer = self._fitted(training, rotation, going_on, options.report_to, watch)
        self.folder.result.mkdir(exist_ok=True)
        final = self._finished_model(trainer, rotation, own_limit).to(model.device)
        after = encode_both(final, self.data.judge, self.data.test_split, self.config)
        rows = self._before_after(before, after)
        self.report.say(before_after_table(rows))
        metrics = self._metrics(rows, trainer, time.perf_counter() - started)
        self._write(metrics)
        if options.model_out:
            save_standard_folder(final, options.model_out, self.config.dims)
        self.folder.publish(key, {"name": self.config.name, "base": self.base.spec.model_id})
        self.report.say(f"Done: {self.folder.out}")

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
            vectors.of(documents, self.config.document_reading, self.report.progress),
        )

    def _say_what_is_cut(self, model: SentenceTransformer) -> None:
        """How many texts of the pairs are longer than training reads; before and after are measured at full length."""
        pairs, config = self.data.pairs, self.config
        queries = count_cut_texts(model, pairs.queries, config.query_reading)
        positives = count_cut_texts(model, pairs.positives, config.document_reading)
        if count := queries.count + positives.count:
            self.report.say(
                f"{count:,} of {2 * len(pairs):,} texts of the pairs are longer than the {token_limit(model):,} tokens "
                "that training reads: their rest teaches nothing (--max-tokens)."
            )

    def _prepared(self, vectors: BaseVectors) -> tuple[TrainingSet, FloatMatrix | None]:
        """Pairs with negatives, broad texts with the teacher's vectors, and the rotation to start from."""
        config, pairs = self.config, self.data.pairs
        limit_tokens(vectors.model, config.max_tokens)
        self._say_what_is_cut(vectors.model)
        validation = small_validation(self.data.judge, self.data.validation_split)
        needs_pairs = config.rotation or (config.negatives == "mined" and not pairs.negatives)
        if not (config.distillation or needs_pairs):
            return TrainingSet(pairs, (), None, validation), None
        queries = vectors.of(pairs.queries, config.query_reading, self.report.progress)
        positives = vectors.of(pairs.positives, config.document_reading, self.report.progress)
        parts = parts_of(self.data.judge.documents, config.seed)
        rotation = self._rotation(queries, positives, parts, vectors) if config.rotation and config.matryoshka else None
        if config.negatives == "mined" and not pairs.negatives:
            pairs = mined_negatives(pairs, queries, positives, config.seed)
        if not config.distillation:
            return TrainingSet(pairs, (), None, validation), rotation
        broad = (*self.data.broad, *parts.texts)
        teacher = vectors.of(broad, config.document_reading, self.report.progress)
        return TrainingSet(pairs, broad, teacher, validation), rotation

    def _rotation(
        self, queries: FloatMatrix, positives: FloatMatrix, parts: Parts, vectors: BaseVectors
    ) -> FloatMatrix:
        """The start's rotation; that of an interrupted run if there is one."""
        path = self.folder.work / _ROTATION
        if path.is_file():
            return np.load(path, allow_pickle=False)
        config, progress = self.config, self.report.progress
        distinct = {text: i for i, text in reversed(list(enumerate(self.data.pairs.positives)))}
        place = {text: i for i, text in enumerate(distinct)}
        documents = [document.content for document in self.data.judge.documents]
        start = StartVectors(
            queries,
            positives[list(distinct.values())],
            [place[text] for text in self.data.pairs.positives],
            vectors.of(documents, config.document_reading, progress),
            vectors.of(parts.texts, config.query_reading, progress),
            list(parts.wholes),
            vectors.of(self.data.broad, config.document_reading, progress),
        )
        rotation = fit_start(start, config.dims, config.dim_weights, config.seed, progress)
        np.save(path, rotation)
        return rotation

    def _fitted(
        self, training: TrainingSet, rotation: FloatMatrix | None, going_on: bool, report_to: str, watch: Watch | None
    ) -> SentenceTransformerTrainer:
        checkpoint = self.folder.last_checkpoint() if going_on else None
        if checkpoint:
            self.report.say(f"Going on from {checkpoint.name}.")
        plan = Plan(self.config, self.base, training, rotation, self.folder.work, checkpoint)
        self.tell(plan)
        return fit_plan(plan, self.processes, report_to, self.report.step, watch)

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
            return replace(self.base, folder=str(result / run_folder.MODEL)).load()
        save_adapter(trainer.model, result, rotation, config.adapter_scale)
        fresh = self.base.load()
        dimension = int(fresh.get_embedding_dimension() or 0)
        write_manifest(
            result, config.name, self.base.content_sha256, config.dims if config.matryoshka else (), dimension
        )
        merged = merge_adapter(fresh, result, read_manifest(result))
        if self.base.spec.source != "package":
            merged.prompts.update(query=config.query_prompt, document=config.document_prompt)
            save_standard_folder(merged, result / run_folder.MODEL, config.dims)
        return merged

    def _metrics(self, rows: list[BeforeAfter], trainer: SentenceTransformerTrainer, seconds: float) -> dict[str, Any]:
        history = [each for each in trainer.state.log_history if VALIDATION_METRIC in each]
        judged = judged_set(self.data.judge, self.data.test_split)
        return {
            "collection": self.data.judge.name,
            "split": self.data.test_split,
            "n_queries": len(judged.queries),
            "n_documents": len(self.data.judge),
            "pairs": len(self.data.pairs),
            "broad_texts": len(self.data.broad),
            "steps": trainer.state.global_step,
            "processes": self.processes.count,
            "best_step": trainer.state.best_global_step,
            "seconds": round(seconds, 1),
            "hardware": describe_hardware(),
            "validation": [{"step": each["step"], "mean_ndcg@10": each[VALIDATION_METRIC]} for each in history],
            "test": [row.to_dict() for row in rows],
        }

    def _write(self, metrics: dict[str, Any]) -> None:
        result = self.folder.result
        (result / run_folder.CONFIG).write_text(self.config.to_json(), encoding="utf-8")
        (result / run_folder.METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        write_card(result, self.config, metrics, result / run_folder.CARD)
