"""Guess the length: how short may a vector get before a passage leaves the first results; rounds and their score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import TRAINED_DIMS, Corpus, RankPaths

#: What can be chosen: seven dolls.
CHOICES = TRAINED_DIMS


@dataclass(frozen=True)
class GuessRound:
    """A question, the passage that is watched, and the least length of `choices` from which on it stays found.

    `truth` is None if it is not among the first even at full length. `hold_k` is how many count as "the first".
    """

    query: str
    passage: str
    choices: tuple[int, ...]
    truth: int | None
    hold_k: int

    def is_right(self, guess: int) -> bool:
        """Whether the guess is the truth."""
        return guess == self.truth

    def steps_off(self, guess: int) -> int:
        """How many dolls the guess is off, 0 if it is right; a passage never found counts as one past the largest."""
        places = {length: place for place, length in enumerate(self.choices)}
        if guess not in places:
            known = ", ".join(map(str, self.choices))
            raise LabError(f"{guess!r} is not among the lengths to guess from: choose one of {known}.")
        return abs(places[guess] - places.get(self.truth or 0, len(self.choices)))


@dataclass(frozen=True)
class GuessScore:
    """Rounds played, guesses right, the streak of right ones and the longest.

    >>> GuessScore().after(True).after(True).after(False)
    GuessScore(played=3, right=2, streak=0, longest=2)
    """

    played: int = 0
    right: int = 0
    streak: int = 0
    longest: int = 0

    def after(self, is_right: bool) -> GuessScore:
        """The score after one more guess."""
        streak = self.streak + 1 if is_right else 0
        return GuessScore(self.played + 1, self.right + is_right, streak, max(self.longest, streak))


def guess_round(query: str, paths: RankPaths, passage: str) -> GuessRound:
    """A round out of a comparison's rank paths: the truth is the least choice that holds from there on."""
    full = paths.dims[-1]
    choices = (*(dim for dim in CHOICES if dim < full), full)
    ranks = dict(zip(paths.dims, watched_ranks(paths), strict=True))
    truth = None
    for length in reversed(choices):  # From the largest down, as long as it is found.
        if ranks[length] > paths.hold_k:
            break
        truth = length
    return GuessRound(query, passage, choices, truth, paths.hold_k)


def watched_ranks(paths: RankPaths) -> list[int]:
    """Rank of what is watched at every length of `paths`: the best known answer, or the full-length winner."""
    rows = [row for row, is_answer in zip(paths.ranks, paths.is_answer, strict=True) if is_answer]
    if paths.tracked != "answer" or not rows:
        rows = [paths.ranks[0]]
    ranks: list[int] = np.min(rows, axis=0).tolist()
    return ranks


def draw_queries(corpus: Corpus, count: int, seed: int) -> tuple[str, ...]:
    """Texts of `count` different queries of a corpus, drawn by `seed` in the same order everywhere.

    Titles (or first words) of documents if it has no queries. Raises `LabError` if there are too few.
    """
    texts = sorted({query.text for query in corpus.queries if query.split in {"", "test"}})
    texts = texts or sorted({document.title or document.text[:80] for document in corpus.documents} - {""})
    if len(texts) < count:
        raise LabError(f"{corpus.name} has {len(texts)} questions, fewer than {count}: choose another collection.")
    rows = np.random.default_rng(seed).permutation(len(texts))[:count]
    return tuple(texts[row] for row in rows)


def play(score: GuessScore, guessed: GuessRound, guess: int) -> GuessScore:
    """The score after a guess; raises `LabError` for a length that is not on offer."""
    guessed.steps_off(guess)
    return score.after(guessed.is_right(guess))


def describe_steps(steps: int) -> str:
    """How far off, in words.

    >>> describe_steps(0), describe_steps(1), describe_steps(3)
    ('exactly right', 'one doll off', '3 dolls off')
    """
    return {0: "exactly right", 1: "one doll off"}.get(steps, f"{steps} dolls off")
