"""A collection's vectors made ready for several arms, with what it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.types import Corpus, Progress


@dataclass(frozen=True)
class EmbeddedArm:
    """One arm's `documents` vectors of `dimension` numbers, made in `seconds` unless `was_ready`.

    `encoded` texts were encoded for them; the others were kept by an earlier run, or stand twice.

    >>> EmbeddedArm("base", 2_400, 384, seconds=12.0, was_ready=False, encoded=2_400).sentence()
    'base: 2,400 vectors of 384 numbers in 12.0 s (200 documents a second).'
    >>> EmbeddedArm("base", 2_400, 384, seconds=2.0, was_ready=False, encoded=400).sentence()
    'base: 2,400 vectors of 384 numbers in 2.0 s; 400 texts were encoded (200 a second), the others kept or alike.'
    """

    arm: str
    documents: int
    dimension: int
    seconds: float
    was_ready: bool
    encoded: int

    def sentence(self) -> str:
        """For a terminal."""
        what = f"{self.arm}: {self.documents:,} vectors of {self.dimension} numbers"
        if self.was_ready:
            return f"{what} were kept already."
        a_second = f"{self.encoded / max(self.seconds, 1e-3):,.0f}"
        if self.encoded < self.documents:
            texts = f"{self.encoded:,} texts were encoded ({a_second} a second), the others kept or alike"
            return f"{what} in {self.seconds:.1f} s; {texts}."
        return f"{what} in {self.seconds:.1f} s ({a_second} documents a second)."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def embed_corpus(
    builder: SpaceBuilder, corpus: Corpus, arms: Sequence[Arm], part: Callable[[int], Progress | None]
) -> tuple[EmbeddedArm, ...]:
    """Encode and fit what no cache has; `part(i)` is told of arm i. Raises as `SpaceBuilder.space`."""
    return tuple(_embed(builder, corpus, arm, part(number)) for number, arm in enumerate(arms))


def _embed(builder: SpaceBuilder, corpus: Corpus, arm: Arm, progress: Progress | None) -> EmbeddedArm:
    was_ready, before, started = builder.is_ready(arm, corpus), builder.texts_encoded, time.perf_counter()
    vectors = builder.space(arm, corpus, progress).documents
    seconds, encoded = time.perf_counter() - started, builder.texts_encoded - before
    return EmbeddedArm(arm.name, len(vectors), vectors.shape[1], seconds, was_ready, encoded)
