"""Small adapters over the packaged base model, merged once into a standard SentenceTransformer folder in the cache."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import sha256_file, sha256_text, unwritable
from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.models.encoders import load_sentence_transformer
from mrl_demo.models.packaged import verified, verified_base_dir
from mrl_demo.models.run_folder import LORA_CONFIG, LORA_FILE, MANIFEST, ROTATION_FILE
from mrl_demo.models.specs import ENCODING_VERSION, MINILM, ModelSpec

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_COMPLETE = "complete.json"


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
            weights_sha256=self.fingerprint, trained_dims=self.trained_dims, max_tokens=self.max_tokens,
        )  # fmt: skip


def read_manifest(folder: Path) -> AdapterManifest:
    """Read `adapter.json`; raises `ModelError` naming the file where it is missing or malformed."""
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
    files = {f: sha256_file(folder / f) for f in (LORA_FILE, LORA_CONFIG, ROTATION_FILE) if (folder / f).is_file()}
    manifest = AdapterManifest(name, base_sha256, files, trained_dims, dimension)
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    return manifest


def merged_model_dir(adapter_dir: Path, cache_dir: Path, progress: Progress | None = None) -> Path:
    """Folder of base with the adapter merged in, built in the cache on first use and whole or absent.

    Anybody can load it: `SentenceTransformer(folder, truncate_dim=64)`. Where the cache cannot be written, a
    temporary folder serves this process. Raises `ModelError` for a file with the wrong hash.
    """
    manifest = read_manifest(adapter_dir)
    target = cache_dir / "models" / f"{manifest.name}-{manifest.fingerprint[:16]}"
    if _is_complete(target):
        return target
    if progress:
        progress(0.0, f"Merging the {manifest.name} adapter into the base model")
    for file, expected in manifest.files.items():
        verified(adapter_dir / file, expected)
    model = merge_adapter(load_sentence_transformer(verified_base_dir(), MINILM), adapter_dir, manifest)
    return publish_model(model, target, manifest.trained_dims)


def merge_adapter(model: SentenceTransformer, adapter_dir: Path, manifest: AdapterManifest) -> SentenceTransformer:
    """Fold LoRA weights into the transformer and put the rotation before the final Normalize."""
    if LORA_FILE in manifest.files:
        from peft import PeftModel

        transformer: Any = model[0]
        transformer.auto_model = PeftModel.from_pretrained(transformer.auto_model, str(adapter_dir)).merge_and_unload()
    if ROTATION_FILE in manifest.files:
        rotation = load_file(adapter_dir / ROTATION_FILE)["matrix"].float()
        model = with_rotation(model, rotation.numpy())
    return model


def with_rotation(model: SentenceTransformer, matrix: FloatMatrix) -> SentenceTransformer:
    """The model with a bias-free Dense layer `x -> x @ matrix` (`(d, d)` float32) and a Normalize at its end."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize

    d = matrix.shape[0]
    dense = Dense(in_features=d, out_features=d, bias=False, activation_function=torch.nn.Identity())
    with torch.no_grad():
        dense.linear.weight.copy_(torch.from_numpy(matrix.T.copy()))
    modules = [module for module in model if not isinstance(module, Normalize)]
    rotated = SentenceTransformer(modules=[*modules, dense, Normalize()], device="cpu")
    rotated.max_seq_length = model.max_seq_length
    return rotated


def publish_model(model: SentenceTransformer, target: Path, trained_dims: tuple[int, ...]) -> Path:
    """Save a model folder at `target` in one step: built beside it, marked complete, then renamed.

    `config.json` gets `matryoshka_dimensions` (vLLM serves the `dimensions` parameter only with it); `truncate_dim`
    is never saved.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError:
        work = Path(tempfile.mkdtemp(prefix="matryoshka-model-"))
        target = work / target.name
    try:
        built = work / "model"
        save_standard_folder(model, built, trained_dims)
        hashes = {p.relative_to(built).as_posix(): sha256_file(p) for p in built.rglob("*.safetensors")}
        (built / _COMPLETE).write_text(json.dumps(hashes, indent=2), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        if work not in target.parents:
            shutil.rmtree(work, ignore_errors=True)
    return target


def save_standard_folder(model: SentenceTransformer, folder: Path, trained_dims: tuple[int, ...]) -> None:
    """Save `model` as a plain sentence-transformers folder with its trained prefix lengths in `config.json`."""
    model.truncate_dim = None
    model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    config_path = folder / "config.json"
    config = json.loads(config_path.read_text(encoding="utf-8"))
    config["matryoshka_dimensions"] = sorted(trained_dims)
    config_path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _is_complete(folder: Path) -> bool:
    marker = folder / _COMPLETE
    if not marker.is_file():
        return False
    try:
        hashes = json.loads(marker.read_text(encoding="utf-8"))
        return bool(hashes) and all(sha256_file(folder / name) == value for name, value in hashes.items())
    except (OSError, ValueError):
        return False
