"""The configurations that come with the project, by name."""

from __future__ import annotations

from dataclasses import replace

from training.config import ConfigError, TrainConfig

# Six hundredths of the trained LoRA: more gains little on the test topics and costs text it never saw (dev/LOG.md).
BUILTIN = TrainConfig(
    "tuned",
    weights=(0.5, 0.5, 1, 2, 1.5, 1, 0.5),
    learning_rate=4e-4,
    lora_alpha=32,
    adapter_scale=0.06,
    steps=60,
    evaluations=2,
)
PRESETS: dict[str, TrainConfig] = {
    "builtin": BUILTIN,
    "builtin-plain": replace(BUILTIN, name="tuned-plain", weights=(), matryoshka=False, rotation=False),
    "msmarco": TrainConfig(
        "bge-base-msmarco",
        base="BAAI/bge-base-en-v1.5",
        revision="a5beb1e3e68b9ab74eb54cfd186867f64f240e1a",
        data="hub:sentence-transformers/msmarco-co-condenser-margin-mse-sym-mnrl-mean-v1:triplet-hard:train",
        max_rows=500_000,
        dims=(64, 128, 256, 768),
        rotation=False,
        distillation=False,
        loss="cached-mnrl",
        negatives="none",
        lora_rank=32,
        lora_alpha=64,
        learning_rate=1e-4,
        batch_size=256,
        cached_batch=32,
        max_tokens=256,
        query_prompt="Represent this sentence for searching relevant passages: ",
    ),
    "gooaq": TrainConfig(
        "minilm-gooaq",
        data="hub:sentence-transformers/gooaq:pair:train",
        max_rows=200_000,
        negatives="none",
        loss="cached-mnrl",
        batch_size=256,
        cached_batch=32,
    ),
}


def preset(name: str) -> TrainConfig:
    """The preset of that name; raises `ConfigError` naming those there are."""
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
