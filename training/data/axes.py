"""Axes that the result is given instead of those learnt: the rotation of another finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.run_folder import ROTATION_FILE
from training.errors import ConfigError


def find_axes(name: str, assets_dir: Path, dimension: int) -> FloatMatrix:
    """The rotation `(dimension, dimension)` float32 of a finished run's folder, or of an adapter that ships.

    Raises `ConfigError` if there is none of that name, or if it is of another length.
    """
    folders = (Path(name), assets_dir / "adapters" / name)
    path = next((folder / ROTATION_FILE for folder in folders if (folder / ROTATION_FILE).is_file()), None)
    if path is None:
        known = ", ".join(sorted(path.parent.name for path in (assets_dir / "adapters").glob(f"*/{ROTATION_FILE}")))
        words = f"{name!r} is no finished run with a rotation: name its folder, or one of {known}."
        raise ConfigError(words).about("axes")
    try:
        matrix = load_file(path)["matrix"].astype(np.float32)
    except (OSError, KeyError, SafetensorError) as error:
        raise ConfigError(f"{path} holds no rotation ({error}): train that run again.").about("axes") from error
    if matrix.shape != (dimension, dimension):
        words = f"{path} is a rotation of {len(matrix)} numbers, and the base model has {dimension}: name another run."
        raise ConfigError(words).about("axes")
    return matrix
