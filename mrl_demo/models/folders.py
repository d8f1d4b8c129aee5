"""Whole models in a folder: what a run on another base leaves in the cache, and a person's own folders and Hub ids."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_file, sha256_text
from mrl_demo.models.encoders import load_sentence_transformer
from mrl_demo.models.hub import hub_folder, hub_name
from mrl_demo.models.packaged import verified
from mrl_demo.models.run_folder import CONFIG, MANIFEST, MODEL, MODULES, SEAL
from mrl_demo.models.specs import MINILM_SHA256, ModelSpec, own_prompts

_MAX_TOKENS = 512


def is_trained_model(folder: Path) -> bool:
    """Whether a finished run left a whole model: it did where its base is not the packaged one."""
    return (folder / SEAL).is_file() and (folder / MODEL / MODULES).is_file()


def is_adapter_of_packaged(folder: Path) -> bool:
    """Whether the folder's adapter belongs to the packaged base; a broken one counts, so that loading it says so."""
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(raw["base_sha256"] == MINILM_SHA256)
    except (ValueError, KeyError, TypeError):
        return True
    except OSError:
        return False


def trained_from(folder: Path) -> str:
    """The base that a run started from, "" where its folder does not say."""
    try:
        return str(_read(folder / SEAL)["base"])
    except (ModelError, KeyError):
        return ""


def trained_spec(folder: Path) -> ModelSpec:
    """The spec of a finished run's whole model, by the hashes it was sealed with; raises `ModelError` naming the file.

    Prompts and lengths are those it was trained with.
    """
    seal, config = _read(folder / SEAL), _read(folder / CONFIG)
    try:
        hashes = {name: str(value) for name, value in seal["files"].items() if name.startswith(f"{MODEL}/")}
        dims = tuple(int(dim) for dim in config["dims"])
        return ModelSpec(
            name=folder.name, source="folder", model_id=f"{seal['base']}+{folder.name}", dimension=dims[-1],
            weights_sha256=sha256_text(*(f"{name}={value}" for name, value in sorted(hashes.items()))),
            trained_dims=dims if config["matryoshka"] else (), query_prompt=config["query_prompt"],
            document_prompt=config["document_prompt"], max_tokens=_MAX_TOKENS,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelError(f"{folder} is no whole run ({error!r}): train it again.") from error


def verified_model(folder: Path) -> Path:
    """The model folder of a finished run after every file's hash was checked; raises `ModelError` naming the file."""
    for name, expected in _read(folder / SEAL)["files"].items():
        if name.startswith(f"{MODEL}/"):
            verified(folder / name, expected)
    return folder / MODEL


def found_model(given: str) -> tuple[ModelSpec, partial[Path]]:
    """Spec of a folder or of `OWNER/NAME[@REVISION]` on the Hub, and what finds its files again.

    The model is downloaded and loaded once for its length and its prompts. Raises `ModelError` for what is neither
    a model's folder nor on the Hub.
    """
    path = Path(given).expanduser()
    if given and path.is_dir():
        folder = path / MODEL if is_trained_model(path) else path
        if not (folder / MODULES).is_file():
            raise ModelError(f"{path} has no {MODULES}: give a folder that sentence-transformers saved.")
        weights = sorted(folder.rglob("*.safetensors"))
        if not weights:
            raise ModelError(f"{path} holds no .safetensors weights: save it with safe_serialization=True.")
        digest = sha256_text(*(sha256_file(file) for file in weights))
        spec = ModelSpec(path.resolve().name, "folder", given, 0, weights_sha256=digest, max_tokens=_MAX_TOKENS)
        return _looked_at(folder, spec), partial(Path, folder)
    try:
        model_id, revision = hub_name(given)
    except ModelError as error:
        raise ModelError(f"{given!r} is neither a folder here nor OWNER/NAME of a model on the Hub.") from error
    folder = hub_folder(model_id, revision)
    spec = ModelSpec(model_id.rpartition("/")[2], "hub", model_id, 0, revision=folder.name, max_tokens=_MAX_TOKENS)
    return _looked_at(folder, spec), partial(hub_folder, model_id, folder.name)


def _looked_at(folder: Path, spec: ModelSpec) -> ModelSpec:
    model = load_sentence_transformer(folder, spec)
    query_prompt, document_prompt = own_prompts(model.prompts)
    return replace(
        spec,
        dimension=int(model.get_embedding_dimension() or 0),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        trained_dims=_trained_dims(folder),
    )


def _trained_dims(folder: Path) -> tuple[int, ...]:
    """Prefix lengths that the model's configuration names, empty where it names none."""
    try:
        return tuple(int(dim) for dim in _read(folder / "config.json").get("matryoshka_dimensions") or ())
    except (ModelError, TypeError, ValueError):
        return ()


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is missing or malformed ({error}): train or copy it again.") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path} is malformed: it is no JSON object. Train or copy it again.")
    return raw
