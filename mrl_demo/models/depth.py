"""Models that stop early: the first layers of an encoder alone, as a plain folder (NAME@LAYERS)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_text
from mrl_demo.models.files.seal import is_whole
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.shipped.adapters import build_whole, save_standard_folder
from mrl_demo.models.specs import ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_NAME = re.compile(r"(?P<stem>.+)@(?P<layers>[1-9]\d?)")


def split_depth(name: str) -> tuple[str, int]:
    """A name as a model's and a number of layers, 0 for all.

    >>> split_depth("tuned-2d@3"), split_depth("base"), split_depth("OWNER/NAME@main")
    (('tuned-2d', 3), ('base', 0), ('OWNER/NAME@main', 0))
    """
    match = _NAME.fullmatch(name)
    return (match["stem"], int(match["layers"])) if match else (name, 0)


def count_layers(folder: Path) -> int:
    """Layers of a sentence-transformers folder's encoder, 0 if it says none or is of a kind that cannot stop early."""
    for place in (folder, folder / "0_Transformer"):
        try:
            config = json.loads((place / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        kinds = {"bert", "roberta", "xlm-roberta", "mpnet", "electra", "camembert"}
        return int(config.get("num_hidden_layers", 0)) if config.get("model_type") in kinds else 0
    return 0


def shallow_spec(whole: ModelSpec, layers: int) -> ModelSpec:
    """The spec of a model's first layers: other vectors, so another fingerprint."""
    content = sha256_text(whole.fingerprint, f"layers={layers}")
    return replace(whole, name=f"{whole.name}@{layers}", model_id=f"{whole.model_id}@{layers}", content_sha256=content)


def shallow_model_dir(folder: Path, whole: ModelSpec, layers: int, heads: Path | None, cache_dir: Path) -> Path:
    """A folder of the first `layers` of the model in `folder`, built in the cache on first use.

    With `heads` (of an elastic encoder) the layer's own head stands in place of the last one's. Raises `ModelError`.
    """
    spec = shallow_spec(whole, layers)
    target = cache_dir / "models" / f"{spec.name.replace('/', '-')}-{spec.content_sha256[:16]}"
    return target if is_whole(target) else build_whole(target, partial(_build, folder, whole, layers, heads))


def _build(folder: Path, whole: ModelSpec, layers: int, heads: Path | None, out: Path) -> None:
    model = load_sentence_transformer(folder, whole)
    keep_layers(model, layers)
    if heads is not None:
        _put_head(model, heads, layers)
    save_standard_folder(model, out, whole.trained_dims)


def keep_layers(model: SentenceTransformer, layers: int) -> None:
    """Leave out all but the first `layers` layers; raises `ModelError` if the model has none that can be left out."""
    first: Any = model[0]
    encoder = getattr(getattr(first, "model", None), "encoder", None)
    stack = getattr(encoder, "layer", None)
    if encoder is None or stack is None or not 1 <= layers <= len(stack):
        raise ModelError(f"This model has no first {layers} layers to keep: choose fewer, or another model.")
    encoder.layer = stack[:layers]
    first.model.config.num_hidden_layers = layers


def _put_head(model: SentenceTransformer, heads: Path, layers: int) -> None:
    try:
        head = load_file(heads)[f"layer{layers}"].float()
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"{heads} has no head for layer {layers} ({error}): copy the adapter again.") from error
    dense: Any = model[-2]
    with torch.no_grad():
        dense.linear.weight.copy_(head.T)
