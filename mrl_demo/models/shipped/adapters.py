"""Small adapters over the packaged base model, merged once into a standard SentenceTransformer folder in the cache."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mrl_demo.core.errors import CacheError, ModelError
from mrl_demo.core.locks import locked_file
from mrl_demo.core.storage import replace_folder, sha256_file, sha256_text, unwritable
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.models.files.seal import is_whole, seal_folder
from mrl_demo.models.loading import load_sentence_transformer
from mrl_demo.models.run_folder import HEADS_FILE, LORA_CONFIG, LORA_FILE, MANIFEST, ROTATION_FILE
from mrl_demo.models.shipped.packaged import verified, verified_base_dir
from mrl_demo.models.specs import ENCODING_VERSION, MINILM, ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Where `matryoshka_dimensions` may stand: models without a transformer have the second alone.
CONFIGS = ("config.json", "config_sentence_transformers.json")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AdapterManifest:
    """What an adapter folder holds: hashes of its files, the base weights it belongs to, its trained prefix lengths."""

    name: str
    base_sha256: str
    files: dict[str, str]
    trained_dims: tuple[int, ...]
    dimension: int = 384
    max_tokens: int = 256

    @property
    def fingerprint(self) -> str:
        """Sha256 over the base weights, the adapter's files and the code version."""
        return sha256_text(ENCODING_VERSION, self.base_sha256, *(f"{k}={v}" for k, v in sorted(self.files.items())))

    def spec(self) -> ModelSpec:
        """The model spec of base with this adapter."""
        return ModelSpec(
            name=self.name, source="adapter", model_id=f"all-MiniLM-L6-v2+{self.name}", dimension=self.dimension,
            content_sha256=self.fingerprint, trained_dims=self.trained_dims, max_tokens=self.max_tokens,
        )  # fmt: skip


def read_manifest(folder: Path) -> AdapterManifest:
    """Read `adapter.json`; raises `ModelError` naming the file if it is missing or malformed."""
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        raw["trained_dims"] = tuple(raw["trained_dims"])
        return AdapterManifest(**raw)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is missing or malformed ({error}): copy the adapter folder again.") from error


def write_manifest(
    folder: Path, name: str, base_sha256: str, trained_dims: tuple[int, ...], dimension: int
) -> AdapterManifest:
    """Hash the adapter's files in `folder` and write `adapter.json` beside them."""
    files = {
        f: sha256_file(folder / f)
        for f in (LORA_FILE, LORA_CONFIG, ROTATION_FILE, HEADS_FILE)
        if (folder / f).is_file()
    }
    manifest = AdapterManifest(name, base_sha256, files, trained_dims, dimension)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def merged_model_dir(adapter_dir: Path, cache_dir: Path, progress: Progress | None = None) -> Path:
    """Folder of base with the adapter merged in, built in the cache on first use and whole or absent.

    Anybody can load it: `SentenceTransformer(folder, truncate_dim=64)`. If the cache cannot be written or is full, a
    temporary folder serves this process. Raises `ModelError` for a file with the wrong hash.
    """
    manifest = read_manifest(adapter_dir)
    name = f"{manifest.name}-{manifest.fingerprint[:16]}"

    def build(folder: Path) -> None:
        """Merge the verified adapter and save the model in the folder."""
        if progress:
            progress(0.0, f"Merging the {manifest.name} adapter into the base model")
        for file, expected in manifest.files.items():
            verified(adapter_dir / file, expected)
        model = merge_adapter(load_sentence_transformer(verified_base_dir(), MINILM), adapter_dir, manifest)
        save_standard_folder(model, folder, manifest.trained_dims)

    target = cache_dir / "models" / name
    try:
        return target if is_whole(target) else build_whole(target, build)
    except CacheError as error:
        logger.warning("%s The merged model is kept in a temporary folder until this process ends.", error)
        target = _temporary_folder() / name
        return target if is_whole(target) else build_whole(target, build)


def build_whole(target: Path, build: Callable[[Path], None]) -> Path:
    """Let `build` fill a folder beside `target`, seal it and put it there, one process at a time; returns `target`.

    A whole folder at `target` is somebody's and stays; a damaged one goes. Raises `CacheError` if it cannot be
    written.
    """
    with locked_file(target.parent / f".{target.name}.lock"):
        if is_whole(target):  # A neighbour has built it while this process waited.
            return target
        work = target.parent / f".{target.name}.work"  # Nobody else is here: what lies there was left by a crash.
        try:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            build(work / "model")
            seal_folder(work / "model")
            replace_folder(target, work / "model")
        except CacheError:
            raise
        except (OSError, SafetensorError) as error:  # safetensors has a word of its own for a full disk.
            raise unwritable(target, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


@lru_cache(maxsize=1)
def _kept_folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder that goes when this process ends."""
    return tempfile.TemporaryDirectory(prefix="matryoshka-model-", ignore_cleanup_errors=True)


def _temporary_folder() -> Path:
    return Path(_kept_folder().name)


def merge_adapter(model: SentenceTransformer, adapter_dir: Path, manifest: AdapterManifest) -> SentenceTransformer:
    """Fold LoRA weights into the transformer and put the rotation before the final Normalize."""
    if LORA_FILE in manifest.files:
        from peft import PeftModel

        transformer: Any = model[0]
        transformer.model = PeftModel.from_pretrained(transformer.model, str(adapter_dir)).merge_and_unload()
    if ROTATION_FILE in manifest.files:
        rotation = load_file(adapter_dir / ROTATION_FILE)["matrix"].float()
        model = with_rotation(model, rotation.numpy())
    return model


def with_rotation(model: SentenceTransformer, matrix: FloatMatrix) -> SentenceTransformer:
    """The model with a bias-free Dense layer `x -> x @ matrix` (`(d, d)` float32) and a Normalize at its end.

    Prompts and token limit are the model's.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize

    d = matrix.shape[0]
    dense = Dense(in_features=d, out_features=d, bias=False, activation_function=torch.nn.Identity())
    with torch.no_grad():
        dense.linear.weight.copy_(torch.from_numpy(matrix.T.copy()))
    modules = list(model)
    if isinstance(modules[-1], Normalize):
        modules.pop()
    rotated = SentenceTransformer(
        modules=[*modules, dense, Normalize()],
        device=str(model.device),
        prompts=dict(model.prompts),
        default_prompt_name=model.default_prompt_name,
    )
    rotated.module_kwargs = model.module_kwargs
    return rotated


def save_standard_folder(model: SentenceTransformer, folder: Path, trained_dims: tuple[int, ...]) -> None:
    """Save `model` as a plain sentence-transformers folder with its trained prefix lengths.

    They are `matryoshka_dimensions` in `config.json` (vLLM serves the `dimensions` parameter only with it), or in
    sentence-transformers' own configuration if the model has no other. `truncate_dim` is never saved.
    """
    model.truncate_dim = None
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    path = next(folder / name for name in CONFIGS if (folder / name).is_file())
    config = json.loads(path.read_text(encoding="utf-8"))
    config["matryoshka_dimensions"] = sorted(trained_dims)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
