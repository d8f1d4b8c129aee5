"""`rescale`: another share of a finished run's training is kept, without training again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file

from mrl_demo.core.storage import replace_folder, sha256_file, unwritable
from mrl_demo.models import run_folder
from mrl_demo.models.reading import token_limit
from mrl_demo.models.shipped.adapters import read_manifest, with_rotation, write_manifest
from training.bases import Base, find_base
from training.config import TrainConfig
from training.errors import RunError
from training.fit.model import rescale_matrix
from training.result.blend import Blend
from training.result.card import write_card
from training.result.folder import seal_run
from training.result.model import ModelWriter
from training.result.shares import ShareCurve

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_ROUNDING = 1e-6


@dataclass(frozen=True)
class FinishedRun:
    """A published run: its configuration, figures and seal.

    >>> FinishedRun.read(Path("nowhere"))
    Traceback (most recent call last):
    ...
    training.errors.RunError: nowhere is no finished run (nowhere/training_config.json is missing): train it first.
    """

    folder: Path
    config: TrainConfig
    metrics: Mapping[str, Any]
    seal: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> FinishedRun:
        """Read the run in `folder`; raises `RunError` if it is none or a file has changed since it was sealed."""
        names = (run_folder.CONFIG, run_folder.METRICS_FILE, run_folder.SEAL)
        for name in names:
            if not (folder / name).is_file():
                raise RunError(f"{folder} is no finished run ({folder / name} is missing): train it first.")
        try:
            config, metrics, seal = ((folder / name).read_text(encoding="utf-8") for name in names)
            run = cls(folder, TrainConfig.from_json(config), json.loads(metrics), json.loads(seal))
            for name, expected in run.seal["files"].items():
                if name != run_folder.EVALUATION and sha256_file(folder / name) != expected:
                    raise RunError(f"{folder / name} has changed since the run was published: train it again.")
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise RunError(f"{folder} is no whole run ({error}): train it again.") from error
        return run

    def refuse_layers(self) -> None:
        """Raise `RunError` for a run that taught layers: its heads belong to the whole of its training."""
        if "layers" in self.metrics:
            raise RunError(f"{self.folder} taught every layer with its head: no other share of that can be kept.")

    @property
    def curve(self) -> ShareCurve:
        """The shares that were measured; of a run made before they were, the share that it keeps."""
        kept = self.config.adapter.adapter_scale
        return ShareCurve.from_dict(self.metrics["share"]) if "share" in self.metrics else ShareCurve(kept, tested=kept)


def rescale(folder: Path, share: float) -> ShareCurve:
    """Keep `share` (0 to 1) of what the run in `folder` trained; weights, hashes, figures and card follow in one step.

    The figures of the test stay, with the share that they belong to; those of `training evaluate` go, because they are
    of the other model. Raises `RunError` for another share, for a folder that holds no finished run, and for a run of
    which nothing was kept, if its whole model was trained.
    """
    if not 0 <= share <= 1:
        raise RunError(f"The share is {share:g}: it must be from 0 (nothing of the training) to 1 (all of it).")
    run = FinishedRun.read(folder)
    run.refuse_layers()
    curve = replace(run.curve, kept=share, reason="chosen by hand")
    config = run.config.changed(adapter_scale=share, most_tax=0.0)
    work = folder.parent / f".{folder.name}.rescaling"
    try:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder, work)
        (work / run_folder.EVALUATION).unlink(missing_ok=True)
        _rescale_weights(run, config, work)
        metrics = {**run.metrics, "share": curve.to_dict()}
        (work / run_folder.CONFIG).write_text(config.to_json(), encoding="utf-8")
        (work / run_folder.METRICS_FILE).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        write_card(work, config, metrics, work / run_folder.CARD)
        seal_run(work, {name: value for name, value in run.seal.items() if name != "files"})
        replace_folder(folder, work)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return curve


def _rescale_weights(run: FinishedRun, config: TrainConfig, work: Path) -> None:
    """The adapter's alpha if it is one, and the whole model if there is one."""
    is_adapter = (work / run_folder.MANIFEST).is_file()
    if is_adapter:
        _rescale_adapter(run, config.adapter.adapter_scale, work)
    else:
        rescale_matrix(work, config.adapter.adapter_scale)
    if not (work / run_folder.MODEL).is_dir():
        return
    base = find_base(config)
    writer = ModelWriter(config, base, token_limit(base.load()), work)
    if is_adapter:
        writer.write_adapter()
    else:
        writer.write_whole(_blended(run, base).at(config.adapter.adapter_scale))


def _rescale_adapter(run: FinishedRun, share: float, work: Path) -> None:
    path = work / run_folder.LORA_CONFIG
    raw = json.loads(path.read_text(encoding="utf-8"))
    kept, whole = run.config.adapter.adapter_scale, run.config.adapter.lora_alpha
    is_in_weights = kept and abs(raw["lora_alpha"] - whole * kept) > _ROUNDING  # As runs before 0.3 have it.
    raw["lora_alpha"] = whole * share / (kept if is_in_weights else 1.0)
    path.write_text(json.dumps(raw, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    rescale_matrix(work, share)
    manifest = read_manifest(work)
    write_manifest(work, manifest.name, manifest.base_sha256, manifest.trained_dims, manifest.dimension)


def _blended(run: FinishedRun, base: Base) -> Blend:
    """Base and the kept model, whose weights were all trained."""
    kept = run.config.adapter.adapter_scale
    if not kept:
        raise RunError(f"{run.folder} keeps nothing of its training, so that nothing can be scaled: train it again.")
    model = replace(base, folder=str(run.folder / run_folder.MODEL)).load()
    return Blend(_turned(run.folder, base.load(), model), model.state_dict(), kept)


def _turned(folder: Path, start: SentenceTransformer, kept: SentenceTransformer) -> SentenceTransformer:
    """The base with the rotation that the run started from, if it has one."""
    if len(kept) == len(start):
        return start
    path, dense = folder / run_folder.ROTATION_FILE, kept[-2]
    matrix = load_file(path)["start"].numpy() if path.is_file() else dense.linear.weight.detach().numpy().T.copy()
    return with_rotation(start, matrix)
