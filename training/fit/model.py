"""The model while it trains: base, rotation and LoRA put together, and taken apart again into an adapter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from mrl_demo.core.hardware import has_bf16
from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.reading import limit_tokens
from mrl_demo.models.run_folder import LORA_CONFIG, LORA_FILE, ROTATION_FILE
from mrl_demo.models.shipped.adapters import with_rotation
from training.bases import lora_targets
from training.config import TrainConfig

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def prepare_model(model: SentenceTransformer, config: TrainConfig, rotation: FloatMatrix | None) -> SentenceTransformer:
    """`model` made ready: frozen rotation appended, LoRA added (or all weights free), no dropout, bf16 products.

    Without dropout the distillation's student can reach its teacher, and runs repeat exactly.
    """
    if rotation is not None:
        model = with_rotation(model, rotation)
        model[-2].requires_grad_(False)
    if config.adapter.lora_rank:
        torch.manual_seed(config.schedule.seed)
        _add_lora(model, config)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    limit_tokens(model, config.pairs.max_tokens)
    _in_bfloat16(model)
    return model


def _add_lora(model: SentenceTransformer, config: TrainConfig) -> None:
    from peft import LoraConfig

    model.add_adapter(
        LoraConfig(
            r=config.adapter.lora_rank,
            lora_alpha=config.adapter.lora_alpha,
            lora_dropout=0.0,
            target_modules=list(lora_targets(model)),
            exclude_modules=r".*pooler.*",
        )
    )


def _in_bfloat16(model: SentenceTransformer) -> None:
    """Run the transformer's matrix products in bf16 where its device has it; pooling, rotation and losses stay float32.

    Models of another build (a Router, a StaticEmbedding) train in float32.
    """
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    module: Any = model[0]
    pooling: Any = next((each for each in model if isinstance(each, Pooling)), None)
    if not isinstance(module, Transformer) or pooling is None:
        return
    forward = module.forward

    def forward_in_bfloat16(*features: Any, **options: Any) -> Any:  # noqa: ANN401 - as the module it stands for
        """The module's own pass, under autocast."""
        kind = next(module.parameters()).device.type  # Asked at each step: the trainer moves the model to a GPU.
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=has_bf16(kind)):
            return forward(*features, **options)

    module.forward = forward_in_bfloat16
    pool = pooling.forward

    def pool_float32(features: dict[str, Any], **options: Any) -> dict[str, Any]:  # noqa: ANN401
        """Pool in float32 what came in bfloat16."""
        features["token_embeddings"] = features["token_embeddings"].float()
        return pool(features, **options)

    pooling.forward = pool_float32


def save_adapter(model: SentenceTransformer, folder: Path, share: float) -> None:
    """Write the LoRA into `folder`, float16 safetensors: half the bytes, and far finer than what training decides.

    The weights are whole: the `share` that is kept is in the LoRA's alpha, so that it can be changed later.
    """
    transformer: Any = model[0]
    transformer.model.save_pretrained(str(folder), safe_serialization=True)
    weights = load_file(folder / LORA_FILE)
    save_file({name: tensor.half() for name, tensor in weights.items()}, folder / LORA_FILE)
    _make_portable(folder / LORA_CONFIG, share)


def save_matrix(folder: Path, rotation: FloatMatrix, trained_map: FloatMatrix | None, share: float) -> None:
    """Write the rotation `(d, d)`, or with a `trained_map` what lies between both at `share`, and both beside it."""
    tensors = {"matrix": torch.from_numpy(rotation).contiguous()}
    if trained_map is not None:
        start, end = tensors["matrix"], torch.from_numpy(trained_map).contiguous()
        tensors = {"matrix": start + share * (end - start), "start": start.clone(), "trained": end}
    save_file(tensors, folder / ROTATION_FILE)


def rescale_matrix(folder: Path, share: float) -> None:
    """Move the matrix of `save_matrix` to another share; a rotation stays what it is."""
    path = folder / ROTATION_FILE
    tensors = load_file(path) if path.is_file() else {}
    if "trained" in tensors:
        save_matrix(folder, tensors["start"].numpy(), tensors["trained"].numpy(), share)


def _make_portable(path: Path, share: float) -> None:
    """Take this machine's folder of the base out of the adapter's configuration, and put the share into its alpha."""
    import json

    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["lora_alpha"] *= share
    raw["base_model_name_or_path"] = None
    raw["inference_mode"] = True
    if isinstance(raw.get("target_modules"), list):  # Written from a set: its order would change the adapter's hash.
        raw["target_modules"] = sorted(raw["target_modules"])
    path.write_text(json.dumps(raw, indent=2, sort_keys=True) + "\n", encoding="utf-8")
