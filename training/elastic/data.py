"""What an elastic encoder is taught with: the data's own pairs, and a share of every source of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.models.run_folder import ROTATION_FILE
from training.data.broad import read_sources
from training.data.pairs import Pairs


def elastic_pairs(
    own: Pairs, folder: Path | None, leave_out: str, count: int, seed: int
) -> tuple[Pairs, dict[str, int]]:
    """At most `count` pairs: the data's own, and for a half equal shares of a folder's sources if any, counted by name.

    Raises `DataError` for a folder that is none and for sources to leave out that are not there.
    """
    first = own.take(_drawn(len(own), count // 2 if folder else count, seed))
    others = read_sources(folder, leave_out) if folder else {}
    return sampled(first, others, count, seed)


def sampled(first: Pairs, others: Mapping[str, Pairs], count: int, seed: int = 0) -> tuple[Pairs, dict[str, int]]:
    """At most `count` pairs: of the first as many as fit, of the others equal shares by a draw, with their counts."""
    generator = np.random.default_rng(seed)
    kept = [first.take(sorted(generator.permutation(len(first))[:count].tolist()))]
    counts: dict[str, int] = {}
    room = count - len(kept[0])
    for place, (name, source) in enumerate(sorted(others.items(), key=lambda item: len(item[1]))):
        share = min(len(source), room // (len(others) - place))
        kept.append(source.take(sorted(generator.permutation(len(source))[:share].tolist())))
        counts[name] = share
        room -= share
    queries = tuple(text for part in kept for text in part.queries)
    return Pairs(queries, tuple(text for part in kept for text in part.positives)), counts


def _drawn(size: int, count: int, seed: int) -> list[int]:
    return sorted(np.random.default_rng(seed).permutation(size)[:count].tolist())


def tuned_axes(settings: Settings) -> FloatMatrix:
    """The rotation `(d, d)` float32 of the shipped `tuned`, in whose axes the teacher stands; raises `ModelError`."""
    path = settings.assets_dir / "adapters" / "tuned" / ROTATION_FILE
    try:
        return np.asarray(load_file(path)["matrix"], dtype=np.float32)
    except (SafetensorError, OSError, KeyError) as error:
        raise ModelError(f"{path} is no readable rotation ({error}): take it from the repository again.") from error
