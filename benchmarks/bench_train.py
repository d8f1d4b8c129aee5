"""Training speed against a plain SentenceTransformerTrainer script: same loss, batch, texts and LoRA, in turns.

Prints samples (rows of query, positive and hard negative) per second; `--json` ends with one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mrl_demo.core.config import Settings
from training.bases import find_base
from training.config import TrainConfig
from training.data.pairs import Pairs, builtin_data
from training.fit.model import prepare_model
from training.fit.trainer import TrainingSet, build_trainer
from training.presets import preset_config

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainer

    from mrl_demo.core.types import Corpus

_TURNS, _WARM_UP = 3, 2


def main() -> None:
    """Time steps of both trainers in turns and print samples a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, default=6, help="timed steps of each turn")
    options = parser.parse_args()
    settings = Settings.from_environment()
    steps = options.steps + _WARM_UP
    config = preset_config("builtin").changed(steps=steps, evaluations=0, distillation=False, rotation=False)
    data = builtin_data(settings.assets_dir, settings.cache_dir, 0)
    pairs = data.pairs.take(range(config.schedule.batch_size * steps))
    pairs = replace(pairs, negatives=pairs.positives[1:] + pairs.positives[:1])
    ours, plain = [], []
    for _ in range(_TURNS):
        plain.append(_samples_per_s(_plain_trainer(config, pairs), config))
        ours.append(_samples_per_s(_our_trainer(config, pairs, data.judge), config))
    result = {
        "speedup": round(median(ours) / median(plain), 2),
        "ours_samples_per_s": round(median(ours), 1),
        "plain_samples_per_s": round(median(plain), 1),
    }
    print(
        f"{options.steps} steps of {config.schedule.batch_size} rows, median of {_TURNS} turns: ours "
        f"{result['ours_samples_per_s']}, "
        f"plain {result['plain_samples_per_s']} rows/s, {result['speedup']} times as fast"
    )
    if options.json:
        print(json.dumps(result))


def _our_trainer(config: TrainConfig, pairs: Pairs, judge: Corpus) -> SentenceTransformerTrainer:
    model = prepare_model(find_base(config).load(), config, None)
    return build_trainer(model, config, TrainingSet(pairs, (), None, judge), _folder())


def _plain_trainer(config: TrainConfig, pairs: Pairs) -> SentenceTransformerTrainer:
    """What the library's Matryoshka training example does, with the same LoRA."""
    from datasets import Dataset
    from peft import LoraConfig
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.base.sampler import BatchSamplers
    from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss

    model = SentenceTransformer(find_base(config).folder, device="cpu")
    model.model_card_data.widget = ["none"]  # No examples for a card: making them draws a bar.
    targets = ["query", "key", "value", "dense"]
    model.add_adapter(
        LoraConfig(
            r=config.adapter.lora_rank,
            lora_alpha=config.adapter.lora_alpha,
            target_modules=targets,
            exclude_modules=r".*pooler.*",
        )
    )
    columns = {"query": pairs.queries, "positive": pairs.positives, "negative": pairs.negatives}
    return SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(_folder()),
            max_steps=config.schedule.steps,
            per_device_train_batch_size=config.schedule.batch_size,
            learning_rate=config.schedule.learning_rate,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            seed=config.schedule.seed,
            save_strategy="no",
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_dict({name: list(column) for name, column in columns.items()}),
        loss=MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), list(config.objective.dims)),
    )


def _samples_per_s(trainer: SentenceTransformerTrainer, config: TrainConfig) -> float:
    """Rows per second of the steps after the warm-up."""
    from transformers import TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            ends.append(time.perf_counter())

    trainer.add_callback(Clock())
    trainer.train()
    timed = ends[_WARM_UP - 1 :]
    return (len(timed) - 1) * config.schedule.batch_size / (timed[-1] - timed[0])


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="bench-train-"))


if __name__ == "__main__":
    main()
