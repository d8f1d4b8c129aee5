"""A whole run of `training elastic`: base, pairs and teacher, steps, the result measured by layer, and its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mrl_demo.adapt import fit_pca
from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.hardware import describe_hardware
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import FloatMatrix, Reading
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.evaluation.sweeps.sweep import sweep_vectors
from mrl_demo.jobs.events import DataRead, LineWriter, StepDone, WaitExpected
from mrl_demo.models import run_folder
from mrl_demo.models.depth import count_layers
from mrl_demo.models.reading import limit_tokens, token_limit
from mrl_demo.models.specs import MINILM
from training.bases import BaseVectors
from training.config import TrainConfig
from training.context import RunContext, RunOptions
from training.data.pairs import Pairs
from training.data.small import small_collection
from training.elastic.checkpoints import ElasticCheckpoints
from training.elastic.data import elastic_pairs, tuned_axes
from training.elastic.fit import ElasticStep, TaughtPairs, Watch
from training.elastic.model import ElasticModel
from training.elastic.settings import ElasticSettings
from training.elastic.teach import (
    HEAD_PAIRS,
    TaughtLayers,
    quality_by_layer,
    save_layers,
    teach_layers,
    turn_teacher,
)
from training.errors import ConfigError
from training.estimate import BASELINE, RESULT, STEPS, TEXTS, probe_speed
from training.fit.validation import encode_both
from training.result.card import write_card
from training.result.folder import NOTHING_TO_RESUME, RunFolder, RunWork
from training.result.measure import METRICS, BeforeAfter, before_after_table, paired_rows
from training.result.model import ModelWriter
from training.task import Task, read_task
from training.wait import Stage

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: The stage between the teacher's vectors and the steps.
_HEADS = "a head behind every layer"
#: A trained text costs so many times an encoded one, and reading its layers twice as much as encoding it.
_TRAINED_TEXT, _LAYERS_TEXT, _HEAD_STEP_SECONDS = 5.0, 2.0, 0.06
_PREVIEW_ROWS, _PREVIEW_CHARACTERS = 3, 300
#: What a step is called in the events: those over all layers, and those over the first half of them.
_ALL, _HALF = "all-layers", "half-layers"


@dataclass(frozen=True)
class ElasticQuestion:
    """What is learnt from: at most `count` pairs, of `config`'s data and for a half of the folder `pairs` if any."""

    config: TrainConfig
    settings: ElasticSettings
    count: int
    pairs: Path | None = None
    leave_out: str = ""

    def __post_init__(self) -> None:
        if self.leave_out and not self.pairs:
            raise ConfigError("sources can be left out of --pairs alone: give the folder too.").about("leave_out")
        if self.count < self.settings.batch_size:
            message = f"{self.count} pairs do not fill a step of {self.settings.batch_size}."
            raise ConfigError(message).about("count")


def train_elastic(question: ElasticQuestion, options: RunOptions, context: RunContext) -> bool:
    """Teach every layer of a base and publish it into `options.out`; False if the same run is there.

    Raises `LabError` before long work: for a base without layers to stop at, and as `train` does.
    """
    run = _prepare(question, options, context)
    folder = RunFolder(options.out)
    if folder.is_finished(run.key) and not options.force:
        context.report.say(f"Nothing has changed: {options.out} holds this run already (--force trains it again).")
        return False
    work = folder.open(run.key, options.resume)
    if options.resume and not work.is_resumed:
        context.report.say(NOTHING_TO_RESUME)
    run.carry_out(work)
    return True


def check_elastic(question: ElasticQuestion, options: RunOptions, context: RunContext) -> None:
    """Read base and data as a run would, and say what is in them and how long it will take; nothing is written."""
    run = _prepare(question, options, context)
    judge, pairs = run.task.data.judge, run.pairs
    context.report.say(f"{len(pairs):,} pairs to learn from and {len(judge.queries):,} queries to judge by.")
    model = run.task.base.load(context.settings.device)
    ElasticModel(model, 0, 0)  # Says so if the base has no layers to stop at.
    stages = run.stages(model)
    if options.events is None:
        context.report.expect(stages)
        return
    writer = LineWriter(options.events)
    rows = tuple(
        {"query": pairs.queries[row][:_PREVIEW_CHARACTERS], "positive": pairs.positives[row][:_PREVIEW_CHARACTERS]}
        for row in range(min(_PREVIEW_ROWS, len(pairs)))
    )
    writer.event(DataRead(len(pairs), len(judge.queries), len(judge), rows))
    writer.event(WaitExpected({stage.name: round(stage.seconds, 1) for stage in stages}))


def _prepare(question: ElasticQuestion, options: RunOptions, context: RunContext) -> _ElasticRun:
    task = read_task(question.config, options.columns, context, with_others=False)
    wanted = replace(question.settings, prefixes=task.config.objective.dims)
    pairs, sources = elastic_pairs(task.data.pairs, question.pairs, question.leave_out, question.count, wanted.seed)
    if len(pairs) < wanted.batch_size:
        message = f"{len(pairs)} pairs do not fill a step of {wanted.batch_size}: give more, or a smaller batch."
        raise ConfigError(message).about("batch_size")
    return _ElasticRun(task, wanted, pairs, sources, options, context)


@dataclass(frozen=True)
class _ElasticRun:
    task: Task
    settings: ElasticSettings
    pairs: Pairs
    sources: Mapping[str, int]
    options: RunOptions
    context: RunContext

    @property
    def key(self) -> str:
        """Sha256 over all that decides the result."""
        texts = sha256_text(*self.pairs.queries, *self.pairs.positives)
        said = json.dumps(self.settings.to_dict(), sort_keys=True)
        return sha256_text("elastic-1", said, texts, self.task.base.content_sha256, self.task.config.fingerprint)

    def carry_out(self, work: RunWork) -> None:
        """Measure before, teach, measure after and by layer, and publish, whole or not at all."""
        started = time.perf_counter() - work.spent
        task, report = self.task, self.context.report
        base = task.base.load(self.context.settings.device)
        report.expect(self.stages(base))
        own_limit = token_limit(base)
        report.begin(BASELINE)
        teacher = BaseVectors(task.base, base, self.context.cache)
        before = self._baseline(teacher)
        report.begin(TEXTS)
        limit_tokens(base, self.settings.max_tokens)
        vectors = self._ask_teacher(teacher)
        axes = self._axes(vectors)
        taught = turn_teacher(self.pairs, self._readings, vectors, axes, base.device)
        layers = self._teach(base, taught, axes, ElasticCheckpoints(work))
        result = work.make_result()
        save_layers(layers.model, result, has_lora=bool(self.settings.steps))
        report.begin(RESULT)
        if own_limit:
            base.max_seq_length = own_limit
        quality = self._by_layer(layers.model)
        final = ModelWriter(task.config, task.base, own_limit, result).write_adapter().to(base.device)
        after = encode_both(final, task.data.judge, task.data.test_split, task.config, report.progress)
        rows = self._compare(before, after)
        report.say(before_after_table(rows))
        report.say(layer_table(quality))
        self._write(result, rows, quality, layers, time.perf_counter() - started)
        work.publish({"name": task.config.name, "base": task.base.spec.model_id})
        report.say(f"Done: {work.out}")

    @property
    def _readings(self) -> tuple[Reading, Reading]:
        prompts = self.task.config.prompts
        return prompts.query_reading, prompts.document_reading

    def _ask_teacher(self, teacher: BaseVectors) -> tuple[FloatMatrix, FloatMatrix]:
        """What the base says of queries and of answers in full, before anything is trained: unit rows `(n, d)` each."""
        sides = zip((self.pairs.queries, self.pairs.positives), self._readings, strict=True)
        queries, answers = (teacher.of(texts, reading, self.context.report.progress) for texts, reading in sides)
        return queries, answers

    def _teach(
        self, base: SentenceTransformer, taught: TaughtPairs, axes: FloatMatrix, checkpoints: ElasticCheckpoints
    ) -> TaughtLayers:
        report = self.context.report
        if checkpoints.is_resumed:
            report.say("Going on from the last checkpoint.")
        else:
            report.begin(_HEADS)
        return teach_layers(base, taught, axes, self.settings, report.progress, self._watch(), checkpoints)

    def _axes(self, vectors: tuple[FloatMatrix, FloatMatrix]) -> FloatMatrix:
        """Those of the shipped `tuned` over the packaged base, elsewhere the teacher's principal axes."""
        if self.task.base.spec.name == MINILM.name:
            return tuned_axes(self.context.settings)
        return np.ascontiguousarray(fit_pca(np.concatenate(vectors)).matrix, dtype=np.float32)

    def _baseline(self, vectors: BaseVectors) -> ArmVectors:
        """The base model's vectors of the test queries and all documents, while it reads as much as by itself."""
        data, (query, document) = self.task.data, self._readings
        queries = [each.text for each in judged_set(data.judge, data.test_split).queries]
        documents = [each.content for each in data.judge.documents]
        return ArmVectors(vectors.of(queries, query), vectors.of(documents, document, self.context.report.progress))

    def _watch(self) -> Watch:
        report, events, begun = self.context.report, self.options.events, [False]
        depth = count_layers(Path(self.task.base.folder))
        writer = LineWriter(events) if events else None

        def watch(step: ElasticStep) -> None:
            """Report a step."""
            if not begun[0]:
                report.begin(STEPS)
                begun[0] = True
            by_dim = dict(zip(self.settings.prefixes, map(float, np.mean(step.losses, axis=0)), strict=True))
            task = _ALL if len(step.losses) == depth else _HALF
            done = StepDone(step.step, step.of, round(step.seconds_left, 1), float(np.mean(step.losses)), task, by_dim)
            report.event(done)
            if writer:
                writer.event(done)

        return watch

    def _by_layer(self, model: ElasticModel) -> dict[int, dict[int, float]]:
        """Quality on a small part of the collection that validates."""
        data = self.task.data
        small = small_collection(data.judge, data.validation_split)
        return quality_by_layer(model, small, self._readings, self.settings.prefixes)

    def _compare(self, before: ArmVectors, after: ArmVectors) -> list[BeforeAfter]:
        data = self.task.data
        plan = SweepPlan(
            ("before", "after"), self.settings.prefixes, metrics=METRICS, split=data.test_split, against=("before",)
        )
        return paired_rows(sweep_vectors(data.judge, plan, {"before": before, "after": after}), "before", "after")

    def _write(
        self,
        result: Path,
        rows: Sequence[BeforeAfter],
        quality: Mapping[int, Mapping[int, float]],
        layers: TaughtLayers,
        seconds: float,
    ) -> None:
        """Configuration, figures and card beside the model."""
        data, config = self.task.data, self.task.config
        metrics = {
            "name": config.name,
            "collection": data.judge.name,
            "split": data.test_split,
            "n_queries": len(judged_set(data.judge, data.test_split).queries),
            "n_documents": len(data.judge),
            "pairs": len(self.pairs),
            "pairs_read": len(data.pairs),
            "broad_texts": 0,
            **({"sources": dict(self.sources)} if self.sources else {}),
            "steps": layers.steps,
            "best_step": layers.steps,
            "seconds": round(seconds, 1),
            "hardware": describe_hardware(),
            "elastic": {**self.settings.to_dict(), "loss_by_layer": [round(loss, 4) for loss in layers.losses]},
            "layers": [
                {"layers": layer, "ndcg@10": {dim: round(value, 4) for dim, value in by_dim.items()}}
                for layer, by_dim in quality.items()
            ],
            "test": [row.to_dict() for row in rows],
        }
        (result / run_folder.CONFIG).write_text(config.to_json(), encoding="utf-8")
        (result / run_folder.METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        write_card(result, config, metrics, result / run_folder.CARD)

    def stages(self, model: SentenceTransformer) -> tuple[Stage, ...]:
        """What it consists of, and how long each part will take here."""
        speed, settings, data = probe_speed(model, self.task), self.settings, self.task.data
        judged = [*(query.text for query in judged_set(data.judge, data.test_split).queries)]
        judged += [document.content for document in data.judge.documents]
        texts = speed.seconds((*self.pairs.queries, *self.pairs.positives), settings.max_tokens)
        heads = settings.head_steps * _HEAD_STEP_SECONDS
        step = texts / len(self.pairs) * settings.batch_size * _TRAINED_TEXT * (1 - settings.shallow_share / 2)
        training = settings.steps * step
        if settings.minutes:
            training = min(training, 60 * settings.minutes)
        return (
            Stage(BASELINE, speed.seconds(judged)),
            Stage(TEXTS, texts, is_one=False),
            Stage(_HEADS, _LAYERS_TEXT * texts * min(1.0, HEAD_PAIRS / len(self.pairs)) + heads, is_one=False),
            Stage(STEPS, training),
            Stage(RESULT, 2 * speed.seconds(judged)),
        )


def layer_table(layers: Mapping[int, Mapping[int, float]]) -> str:
    """nDCG@10 by layer and length as a plain text table.

    >>> print(layer_table({1: {8: 0.25}, 2: {8: 0.5}}))
    layers      8
         1  0.250
         2  0.500
    """
    dims = list(next(iter(layers.values())))
    lines = ["layers" + "".join(f"{dim:>7}" for dim in dims)]
    lines += [f"{layer:>6}" + "".join(f"{row[dim]:>7.3f}" for dim in dims) for layer, row in layers.items()]
    return "\n".join(lines)
