"""Whole models in a folder: what a run on another base leaves in the cache, and a person's own folders and Hub ids."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_text
from mrl_demo.models.files.contents import adapted_models, check_contents, folder_digest, model_files
from mrl_demo.models.files.hub import hub_folder, hub_name
from mrl_demo.models.loading import embedding_length, load_sentence_transformer, saved_notes
from mrl_demo.models.pictures import reads_pictures
from mrl_demo.models.reading import own_prompts
from mrl_demo.models.run_folder import CONFIG, MANIFEST, MODEL, MODULES, SEAL
from mrl_demo.models.shipped.adapters import CONFIGS
from mrl_demo.models.shipped.packaged import verified
from mrl_demo.models.specs import MINILM_SHA256, ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class FoundModel:
    """A model that was loaded once to look at it: its spec, its folder, and the loaded model."""

    spec: ModelSpec
    folder: Path
    model: SentenceTransformer


def is_trained_model(folder: Path) -> bool:
    """Whether a finished run left a whole model: it did if its base is not the packaged one."""
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
    """The base that a run started from, "" if its folder does not say."""
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
            content_sha256=sha256_text(*(f"{name}={value}" for name, value in sorted(hashes.items()))),
            trained_dims=dims if config["matryoshka"] else (), query_prompt=config["query_prompt"],
            document_prompt=config["document_prompt"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelError(f"{folder} is no whole run ({error!r}): train it again.") from error


def verified_model(folder: Path) -> Path:
    """The model folder of a finished run after every file's hash was checked; raises `ModelError` naming the file."""
    sealed = _read(folder / SEAL)["files"]
    for name, expected in sealed.items():
        if name.startswith(f"{MODEL}/"):
            verified(folder / name, expected)
    for path in model_files(folder / MODEL):
        if path.relative_to(folder).as_posix() not in sealed:
            raise ModelError(f"{path} is no file of the run that made this model: delete it, or train it again.")
    return folder / MODEL


def find_model(given: str, revision: str = "", device: str = "cpu") -> FoundModel:
    """The model in a folder, or `OWNER/NAME[@REVISION]` on the Hub, downloaded on first use and loaded.

    Its length, prompts and token limit are what it says itself. Raises `ModelError` for what is neither a model's
    folder nor on the Hub, and for what `load_sentence_transformer` refuses.
    """
    path = Path(given).expanduser()
    if given and path.is_dir():
        folder = path / MODEL if is_trained_model(path) else path
        return _look_at(ModelSpec(path.resolve().name, "folder", path.resolve().name, 0), folder, device)
    try:
        model_id, pinned = hub_name(given)
    except ModelError as error:
        raise ModelError(f"{given!r} is neither a folder here nor OWNER/NAME of a model on the Hub.") from error
    folder = hub_folder(model_id, pinned or revision)
    spec = ModelSpec(model_id.rpartition("/")[2], "hub", model_id, 0, revision=folder.name)
    return _look_at(spec, folder, device)


def find_again(model: FoundModel) -> Path:
    """The model's folder, if it holds what it held; raises `ModelError` if a file has changed since."""
    if folder_digest(model.folder) != model.spec.content_sha256:
        raise ModelError(f"{model.folder} has changed since it was added: start again to take it as it is now.")
    return model.folder


def _look_at(spec: ModelSpec, folder: Path, device: str) -> FoundModel:
    if not (folder / MODULES).is_file():
        raise ModelError(f"{folder} has no {MODULES}: give a folder that sentence-transformers saved.")
    if not spec.is_reviewed:
        for place in (folder, *adapted_models(folder)):
            check_contents(place, spec.name)
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(f"{folder} holds no .safetensors weights: save it with safe_serialization=True.")
    spec = replace(spec, content_sha256=folder_digest(folder))
    model = load_sentence_transformer(folder, spec, device)
    query_prompt, document_prompt = own_prompts(model)
    spec = replace(
        spec,
        dimension=embedding_length(model),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
        trained_dims=_trained_dims(folder),
        notes=saved_notes(folder, model),
        reads_pictures=reads_pictures(model),
    )
    return FoundModel(spec, folder, model)


def _trained_dims(folder: Path) -> tuple[int, ...]:
    """Prefix lengths that the model's configuration names, empty if it names none."""
    for name in CONFIGS:
        try:
            if dims := _read(folder / name).get("matryoshka_dimensions"):
                return tuple(int(dim) for dim in dims)
        except (ModelError, TypeError, ValueError):
            continue
    return ()


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is missing or malformed ({error}): train or copy it again.") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path} is malformed: it is no JSON object. Train or copy it again.")
    return raw
