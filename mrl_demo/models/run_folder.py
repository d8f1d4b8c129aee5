"""The folder that a finished training run leaves: names of its files, written by training and read by the models room.

An adapter over the packaged base has `MANIFEST`, LoRA weights, perhaps a rotation, and in an elastic encoder heads of
the layers before the last; a run on another base has a whole
model in `MODEL`. `SEAL` names the base and the sha256 of every file but the card.
"""

from __future__ import annotations

SEAL = "training.json"
CONFIG = "training_config.json"
METRICS_FILE = "metrics.json"
EVALUATION = "evaluation.json"
CARD = "README.md"
MODEL = "model"
MODULES = "modules.json"
MANIFEST = "adapter.json"
LORA_FILE = "adapter_model.safetensors"
LORA_CONFIG = "adapter_config.json"
ROTATION_FILE = "rotation.safetensors"
HEADS_FILE = "heads.safetensors"
