"""One training loop: SentenceTransformerTrainer over contrastive and distillation batches, watched by validation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PrinterCallback, TrainerCallback

from training.config import TrainConfig
from training.fit.averaging import AverageTeller, Carried, CarriedKeeper, WeightMean
from training.fit.losses import build_losses
from training.fit.training_set import TrainingSet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer

#: A run that nothing validates can go on from so many places.
_UNWATCHED_CHECKPOINTS = 8
VALIDATION_METRIC = "eval_validation_mean_ndcg@10"


def planned_steps(config: TrainConfig, rows: int, broad: int, processes: int = 1) -> int:
    """Optimiser steps: those of the schedule, or its passes over the pairs and as many steps of distillation.

    A step takes `batch_size` rows for every process.
    """
    schedule, has_pairs = config.schedule, config.objective.loss != "none"
    if schedule.steps:
        return schedule.steps
    batches = max(1, (rows if has_pairs else broad) // (schedule.batch_size * processes))
    steps = round(schedule.passes * batches) * (2 if broad and has_pairs else 1)
    return max(1, min(steps, schedule.most_steps or steps))


def build_trainer(
    model: SentenceTransformer,
    config: TrainConfig,
    training: TrainingSet,
    work: Path,
    report_to: str = "none",
    processes: int = 1,
) -> SentenceTransformerTrainer:
    """The trainer, its checkpoints in `work`; `report_to` is a service that hears of every step."""
    from sentence_transformers import SentenceTransformerTrainer

    broad = len(training.broad) if training.teacher is not None else 0
    steps = planned_steps(config, len(training.pairs), broad, processes)
    datasets = _datasets(config, training)
    losses = build_losses(
        model,
        config.objective,
        training.teacher,
        training.guides,
        training.matrix,
        training.places,
        training.pairs.labels if config.objective.hierarchy_weight else (),
    )
    from training.fit.validation import PrefixEvaluator

    model.model_card_data.widget = ["none"]  # The card is ours: examples are made for an empty one, and draw a bar.
    trainer = SentenceTransformerTrainer(
        model=model,
        args=_arguments(config, steps, work, report_to, processes),
        train_dataset=datasets,
        loss={name: loss for name, loss in losses.items() if name in datasets},
        evaluator=PrefixEvaluator(training.validation, config) if config.schedule.evaluations else None,
        callbacks=[*_stopping(config), *_carrying(config, losses)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _datasets(config: TrainConfig, training: TrainingSet) -> Any:  # noqa: ANN401
    from datasets import Dataset, DatasetDict

    datasets = {}
    if config.objective.loss != "none":
        pairs = training.pairs
        columns: dict[str, list[Any]] = {"query": list(pairs.queries), "positive": list(pairs.positives)}
        if pairs.negatives:
            columns["negative"] = list(pairs.negatives)
        if training.guides or config.objective.hierarchy_weight:
            columns["label"] = list(range(len(pairs)))
        datasets["pairs"] = Dataset.from_dict(columns)
    if training.teacher is not None:
        datasets["broad"] = Dataset.from_dict({"text": list(training.broad), "label": list(range(len(training.broad)))})
    return DatasetDict(datasets)


def _arguments(config: TrainConfig, steps: int, work: Path, report_to: str, processes: int) -> Any:  # noqa: ANN401
    import torch
    from sentence_transformers import SentenceTransformerTrainingArguments
    from sentence_transformers.base.sampler import BatchSamplers, MultiDatasetBatchSamplers

    from training.fit.sampling import TurnsBatchSampler

    schedule = config.schedule
    every = max(1, steps // schedule.evaluations) if schedule.evaluations else steps
    watched = schedule.evaluations > 0
    turns = partial(TurnsBatchSampler, turn=processes)
    tasks = {"query": "query", "positive": "document", "negative": "document", "text": "document"}
    words = {"query": config.prompts.query_prompt, "document": config.prompts.document_prompt}
    return SentenceTransformerTrainingArguments(
        output_dir=str(work),
        max_steps=steps,
        per_device_train_batch_size=schedule.batch_size,
        learning_rate=schedule.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(schedule.warmup * steps),
        max_grad_norm=1.0,
        weight_decay=0.0,
        seed=schedule.seed,
        data_seed=schedule.seed,
        use_cpu=not torch.cuda.is_available(),
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        multi_dataset_batch_sampler=MultiDatasetBatchSamplers.ROUND_ROBIN if processes == 1 else turns,
        eval_strategy="steps" if watched else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every if watched else max(1, steps // _UNWATCHED_CHECKPOINTS),
        save_total_limit=2,
        load_best_model_at_end=watched,
        metric_for_best_model=VALIDATION_METRIC if watched else None,
        greater_is_better=True if watched else None,
        logging_steps=1,
        disable_tqdm=True,
        report_to=report_to,
        prompts={column: words[task] for column, task in tasks.items() if words[task]} or None,
        router_mapping=tasks,
    )


def _stopping(config: TrainConfig) -> list[TrainerCallback]:
    from transformers import EarlyStoppingCallback

    return [EarlyStoppingCallback(config.schedule.patience)] if config.schedule.evaluations else []


def _carrying(config: TrainConfig, losses: Mapping[str, Any]) -> list[TrainerCallback]:
    """What averages weights and what keeps, for a run that goes on, all that lies beside the weights."""
    balances = {name: balance for name, loss in losses.items() if (balance := getattr(loss, "balance", None))}
    carried: dict[str, Carried] = {**balances}
    callbacks: list[TrainerCallback] = []
    if config.schedule.averaged:
        carried["mean"] = mean = WeightMean()
        callbacks.append(AverageTeller(mean, config.schedule.averaged))
    return [*callbacks, CarriedKeeper(carried)] if carried else []
