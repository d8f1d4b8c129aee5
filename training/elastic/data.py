"""What an elastic encoder is taught with: the built-in training pairs, and a share of every source of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.run_folder import ROTATION_FILE
from training.data.broad import read_sources
from training.data.pairs import Pairs, builtin_data


def elastic_pairs(settings: Settings, folder: Path | None, leave_out: str, count: int, seed: int) -> Pairs:
    """At most `count` pairs: of the built-in training topics, and for a half equal shares of a folder's sources if any.

    Raises `DataError` for a folder that is none and for sources to leave out that are not there.
    """
    builtin = builtin_data(settings.assets_dir, settings.cache_dir, 0).pairs
    builtin = sampled([builtin], count // 2 if folder else count, seed)
    others = read_sources(folder, leave_out) if folder else {}
    return sampled([builtin, *others.values()], count, seed)


def sampled(sources: Sequence[Pairs], count: int, seed: int = 0) -> Pairs:
    """At most `count` pairs of several sources: of the first as many as fit, of the others equal shares by a draw."""
    first, *others = sources
    generator = np.random.default_rng(seed)
    kept = [first.take(sorted(generator.permutation(len(first))[:count].tolist()))]
    room = count - len(kept[0])
    for place, source in enumerate(sorted(others, key=len)):
        share = min(len(source), room // (len(others) - place))
        kept.append(source.take(sorted(generator.permutation(len(source))[:share].tolist())))
        room -= share
    queries = tuple(text for part in kept for text in part.queries)
    return Pairs(queries, tuple(text for part in kept for text in part.positives))


def tuned_axes(settings: Settings) -> FloatMatrix:
    """The rotation `(d, d)` float32 of the shipped `tuned`, in whose axes the teacher stands; raises `ModelError`."""
    path = settings.assets_dir / "adapters" / "tuned" / ROTATION_FILE
    try:
        return np.asarray(load_file(path)["matrix"], dtype=np.float32)
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"{path} is no readable rotation ({error}): take it from the repository again.") from error
