"""What lies in a model's folder: hashed whole, and refused by name if it brings code of its own or pickled weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_file, sha256_text
from mrl_demo.models.files.hub import hub_folder

ADAPTER_CONFIG = "adapter_config.json"
#: Files that no loader reads: changing them changes no vector.
_UNREAD_SUFFIXES = {".md", ".onnx", ".bin", ".pt", ".pkl", ".h5", ".msgpack", ".ot", ".png", ".jpg", ".svg"}
_UNREAD_FOLDERS = {"onnx", "openvino"}
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}
_OUR_MODULES = "sentence_transformers."
#: A model's vectors may change with these libraries; the packaged base is tested against the vectors that ship.
_LIBRARIES = ("sentence-transformers", "transformers", "tokenizers")


def folder_digest(folder: Path) -> str:
    """Sha256 over the names and contents of all files of a model's folder that a loader reads.

    A PEFT folder's digest covers the model it is an adapter of. Raises `ModelError` if that is not here.
    """
    parts = [f"{path.relative_to(folder).as_posix()}={_file_digest(path)}" for path in model_files(folder)]
    parts += [f"base={folder_digest(base)}" for base in adapted_models(folder)]
    return sha256_text(*parts)


@lru_cache(maxsize=1)
def library_versions() -> str:
    """The libraries that decide a model's vectors besides its files, as "name major.minor, ...".

    >>> library_versions().split(",")[0].split()[0]
    'sentence-transformers'
    """
    return ", ".join(f"{name} {'.'.join(version(name).split('.')[:2])}" for name in _LIBRARIES)


def model_files(folder: Path) -> list[Path]:
    """The files of a model's folder that a loader may read, sorted; hidden ones and other formats are none."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_read(path.relative_to(folder))]


def adapted_models(folder: Path) -> list[Path]:
    """Folders of the models that PEFT adapters in `folder` belong to; one on the Hub is downloaded on first use."""
    return [_peft_base(path) for path in sorted(folder.rglob(ADAPTER_CONFIG))]


def check_contents(folder: Path, name: str) -> None:
    """Refuse, before anything is loaded, a folder that asks to run code of its own or holds weights as pickles only.

    Raises `ModelError` naming the file and what it asks for. `trust_remote_code` stays off besides.
    """
    for path in sorted(folder.rglob("*.json")):
        if path.name.startswith("config") or path.name in {"tokenizer_config.json", "processor_config.json"}:
            for key in _keys_that_run_code(read_model_json(path)):
                raise ModelError(
                    f"{name}: {path.relative_to(folder)} sets {key!r}, by which a model brings code of its own, and "
                    "none is run here. Choose another model, or take it out if transformers knows the architecture."
                )
    _check_modules(folder, name)
    for place in {path.parent for path in folder.rglob("*") if path.suffix in _PICKLED}:
        if _is_read(place.relative_to(folder) / "any.json") and not any(place.glob("*.safetensors")):
            pickle = next(path.name for path in sorted(place.iterdir()) if path.suffix in _PICKLED)
            if pickle != "training_args.bin":
                raise ModelError(
                    f"{name}: {(place / pickle).relative_to(folder)} is pickled, and pickles can run code: save the "
                    "model with safe_serialization=True, or choose one with .safetensors weights."
                )


def _check_modules(folder: Path, name: str) -> None:
    modules = read_model_json(folder / "modules.json")
    for module in modules if isinstance(modules, list) else []:
        kind = str(module.get("type", "")) if isinstance(module, dict) else ""
        if not kind.startswith(_OUR_MODULES):
            raise ModelError(
                f"{name}: modules.json names {kind!r}, which is no module of sentence-transformers, and no code of a "
                "model is run here. Choose another model."
            )


def _keys_that_run_code(value: Any) -> Iterator[str]:  # noqa: ANN401 - parsed JSON
    """Keys of a configuration, nested ones too, by which transformers would import code that a model names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            is_kernel = key.startswith("_attn_implementation") and not isinstance(inner, bool)
            if inner and (key in {"auto_map", "trust_remote_code"} or is_kernel):
                yield key
            yield from _keys_that_run_code(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_that_run_code(inner)


def _is_read(relative: Path) -> bool:
    return (
        relative.suffix.lower() not in _UNREAD_SUFFIXES
        and relative.parts[0] not in _UNREAD_FOLDERS
        and not any(part.startswith(".") for part in relative.parts)
    )


def _peft_base(config: Path) -> Path:
    raw = read_model_json(config)
    base = str(raw.get("base_model_name_or_path") or "") if isinstance(raw, dict) else ""
    if not base:
        raise ModelError(f"{config} does not name the model it is an adapter of: set base_model_name_or_path.")
    return Path(base) if Path(base).is_dir() else hub_folder(base, str(raw.get("revision") or ""))


def read_model_json(path: Path) -> Any:  # noqa: ANN401 - whatever a file holds
    """A file's JSON, None if there is none: what is malformed is named when the model is loaded."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _file_digest(path: Path) -> str:
    status = path.stat()
    return _digest_at(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4_096)
def _digest_at(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - what tells whether to hash again
    return sha256_file(path)
