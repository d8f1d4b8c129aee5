"""What a score beside a pair means: which pairs are positives."""

from __future__ import annotations

from dataclasses import replace

from mrl_demo.core.types import Note
from training.data.pairs import Pairs
from training.errors import DataError


def only_positives(pairs: Pairs) -> tuple[Pairs, tuple[Note, ...]]:
    """Pairs whose score is above half of the highest one (1 of 0 and 1), without their scores; all if none has any.

    Raises `DataError` if no score is above 0.
    """
    if not pairs.scores:
        return pairs, ()
    highest = max(pairs.scores)
    if highest <= 0:
        message = f"The highest score is {highest:g}, so that no pair is a positive: name another column, or none."
        raise DataError(message).about("score_column")
    kept = [row for row, score in enumerate(pairs.scores) if score > highest / 2]
    left_out = len(pairs) - len(kept)
    if not left_out:
        return replace(pairs, scores=()), ()
    limit = f"{highest / 2:g} or less (half of the highest)"
    words = f"{left_out:,} pairs with a score of {limit} are left out: they are no positives."
    return replace(pairs.take(kept), scores=()), (Note("scored-low", words, left_out),)
