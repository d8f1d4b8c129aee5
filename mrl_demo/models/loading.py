"""Loading a sentence-transformers folder: checked, in float32, on the device asked for, with nothing cut off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mrl_demo.core.errors import ModelError
from mrl_demo.models.files.contents import check_contents, read_model_json
from mrl_demo.models.reading import limit_tokens, unused_prompts
from mrl_demo.models.specs import ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn


def load_sentence_transformer(folder: Path | str, spec: ModelSpec, device: str = "cpu") -> SentenceTransformer:
    """Load a model from a folder, float32 whatever it was saved in: safetensors only, no code of the model's.

    A PEFT adapter is merged into its model, and a saved `truncate_dim` is lifted: the lab cuts by itself. Raises
    `ModelError` for what cannot be loaded, would run code, or does not compare by cosine.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    if not spec.is_reviewed:
        check_contents(Path(folder), spec.name)
    options: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32}
    try:
        model = SentenceTransformer(
            str(folder), device=device, trust_remote_code=False, local_files_only=True, model_kwargs=options
        )
    except Exception as error:
        raise ModelError(f"{folder} could not be loaded as {spec.name}: {error}") from error
    model.float()  # Modules of sentence-transformers keep the precision they were saved in.
    _merge_adapters(model)
    limit_tokens(model, spec.max_tokens)
    model.truncate_dim = None
    model.eval()
    _check_similarity(model, spec.name)
    return model


def saved_notes(folder: Path, model: SentenceTransformer) -> tuple[str, ...]:
    """What a person should know of how a folder's model is used here: sentences, none for most models."""
    notes = []
    saved = read_model_json(folder / "config_sentence_transformers.json")
    truncated = saved.get("truncate_dim") if isinstance(saved, dict) else None
    if truncated:
        notes.append(
            f"Its saved truncate_dim of {truncated} is lifted: its vectors have {embedding_length(model)} numbers."
        )
    for name, prompt in unused_prompts(model).items():
        notes.append(
            f"Its prompt {name!r} ({prompt!r}) stands before neither queries nor documents in sentence-transformers: "
            "give it with --query-prompt or --document-prompt."
        )
    return tuple(notes)


def embedding_length(model: SentenceTransformer) -> int:
    """Numbers in the model's vectors."""
    return int(model.get_embedding_dimension() or 0)


def _check_similarity(model: SentenceTransformer, name: str) -> None:
    """Cosine is what the lab cuts and compares by; for unit vectors the dot product and the distance rank alike."""
    similarity = model.similarity_fn_name
    if similarity == "cosine" or (similarity in {"dot", "euclidean"} and _gives_unit_vectors(model[-1])):
        return
    what = {"dot": "dot product"}.get(similarity, f"{similarity} distance")
    raise ModelError(
        f"{name} compares by {what}, and its vectors are not of length 1: cut to a prefix and compared by cosine, as "
        "everything is here, they would rank otherwise than its authors meant. Choose a model that compares by cosine."
    )


def _gives_unit_vectors(last: nn.Module) -> bool:
    """Whether a model's last module is a Normalize, in every branch of a Router."""
    branches = getattr(last, "sub_modules", None)
    if branches is not None:
        return all(_gives_unit_vectors(branch[-1]) for branch in branches.values())
    return type(last).__name__ == "Normalize"


def _merge_adapters(model: SentenceTransformer) -> None:
    """Fold the layers of loaded PEFT adapters into the weights they stand beside."""
    if not any("lora_" in name for name, _ in model.named_parameters()):
        return
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)]
    for name, layer in layers:
        layer.merge(safe_merge=True)
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
    for module in model.modules():
        if getattr(module, "_hf_peft_config_loaded", False):
            module._hf_peft_config_loaded = False
            del module.peft_config  # Whoever adds or merges another adapter would take it for one of two.
            module._weight_conversions = None  # Saved, it is a whole model, under a whole model's names.
