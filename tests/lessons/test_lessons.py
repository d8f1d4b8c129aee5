"""Games count right, sheets are the same for everybody, numbers add up."""

from __future__ import annotations

import csv
import io
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus, Document, Query, RankPaths
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.lessons.blind import BlindScore, blind_round
from mrl_demo.lessons.class_set import SHEET_QUESTIONS, ClassGuesses, SheetCode, sheet_csv
from mrl_demo.lessons.guess import GuessScore, describe_steps, draw_queries, guess_round, play
from mrl_demo.lessons.numbers import cut_pair, energy_shares, fill_up

VECTORS = normalise(np.random.default_rng(1).normal(size=(6, 24)).astype(np.float32))


def paths(ranks: list[int], hold_k: int = 5, answer: bool = True) -> RankPaths:
    return RankPaths(
        "base", (8, 16, 32, 64, 128, 256, 384), (3,), ("Bees",), (answer,), np.array([ranks]),
        "answer" if answer else "top", None, hold_k,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ranks", "truth"),
    [
        ([1, 1, 1, 1, 1, 1, 1], 8),
        ([90, 40, 9, 5, 2, 1, 1], 64),
        ([1, 1, 9, 5, 2, 1, 1], 64),  # What breaks again on the way up does not count as found.
        ([90, 40, 9, 9, 9, 9, 1], 384),
        ([90, 40, 9, 9, 9, 9, 6], None),
    ],
)
def test_the_truth_is_the_least_length_from_which_on_it_stays(ranks: list[int], truth: int | None) -> None:
    assert guess_round("q", paths(ranks), "Bees").truth == truth


def test_guesses_are_counted_with_their_streaks() -> None:
    asked = guess_round("q", paths([90, 40, 9, 5, 2, 1, 1]), "Bees")
    score = GuessScore()
    for guess in (64, 64, 32, 64):
        score = play(score, asked, guess)
    assert score == GuessScore(played=4, right=3, streak=1, longest=2)
    assert [asked.steps_off(guess) for guess in (64, 32, 384)] == [0, 1, 3]
    assert describe_steps(asked.steps_off(384)) == "3 dolls off"
    with pytest.raises(LabError, match="65 is not among the lengths"):
        play(score, asked, 65)


def test_a_passage_that_is_never_found_is_past_the_largest_doll() -> None:
    asked = guess_round("q", paths([90] * 7), "Bees")
    assert asked.steps_off(384) == 1
    assert not asked.is_right(384)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 5))
def test_a_coin_is_as_lucky_as_it_should_be(preferred: int, other: int, same: int) -> None:
    score = BlindScore("tuned")
    for arm in ["tuned"] * preferred + ["base"] * other + [""] * same:
        score = score.after(arm)
    n = preferred + other
    assert (score.preferred, score.other, score.same) == (preferred, other, same)
    assert score.chance == pytest.approx(sum(comb(n, i) for i in range(preferred, n + 1)) / 2**n if n else 1)


def test_sides_are_shuffled_and_the_same_for_a_seed() -> None:
    rounds = [blind_round("base", "tuned", seed=5, number=number) for number in range(40)]
    assert rounds == [blind_round("base", "tuned", seed=5, number=number) for number in range(40)]
    assert 10 < sum(asked.left == "tuned" for asked in rounds) < 30
    assert all({asked.arm_of("left"), asked.arm_of("right")} == {"base", "tuned"} for asked in rounds)
    assert rounds[0].arm_of("same") == ""
    with pytest.raises(LabError, match="'up' is no pick"):
        rounds[0].arm_of("up")


def test_a_class_is_counted_and_leaves_as_csv_that_is_no_formula() -> None:
    guesses, code = ClassGuesses(), SheetCode("monday-10b")
    for guess in (64, 64, 8):
        guesses.add(code, 0, guess)
    guesses.add(SheetCode("other"), 0, 384)
    assert guesses.counts(code, 0) == {8: 1, 64: 2}
    rounds = tuple(guess_round(f"=q{i}", paths([90, 40, 9, 5, 2, 1, 1]), "Bees") for i in range(SHEET_QUESTIONS))
    rows = list(csv.reader(io.StringIO(sheet_csv(code, rounds, guesses))))
    assert rows[1:3] == [
        ["monday-10b", "'=q0", "Bees", "64", "8", "1"],
        ["monday-10b", "'=q0", "Bees", "64", "64", "2"],
    ]
    with pytest.raises(LabError, match="questions 1 to 6, not 7"):
        guesses.add(code, 6, 64)


@pytest.mark.parametrize("name", ["", "Ä", "a b", "../x", "x" * 25])
def test_odd_names_of_sheets_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a sheet"):
        SheetCode(name)


def test_a_sheet_takes_no_endless_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.lessons.class_set._MOST_GUESSES", 3)
    guesses, code = ClassGuesses(), SheetCode("a")
    for _ in range(3):
        guesses.add(code, 1, 8)
    with pytest.raises(LabError, match="holds 3 guesses"):
        guesses.add(code, 1, 8)


def test_questions_are_drawn_alike_everywhere() -> None:
    queries = tuple(Query(f"q{i}", f"question {i}", split="test" if i % 2 else "train") for i in range(30))
    corpus = Corpus("c", "C", (Document("d", "Bees", "They dance."),), "f", queries)
    turned = Corpus("c", "C", corpus.documents, "f", queries[::-1])
    assert draw_queries(corpus, 5, seed=3) == draw_queries(turned, 5, seed=3)
    assert all(int(text.split()[1]) % 2 for text in draw_queries(corpus, 10, seed=4)), "test questions only"
    with pytest.raises(LabError, match="has 15 questions, fewer than 16"):
        draw_queries(corpus, 16, seed=0)


def test_sheets_of_other_names_ask_other_questions() -> None:
    queries = tuple(Query(f"q{i}", f"question {i}", split="test") for i in range(200))
    corpus = Corpus("c", "C", (Document("d", "Bees", "They dance."),), "f", queries)
    names = ["a", "b", "first", "monday-10b", "monday-10c", "a-name-of-24-characters-", "a-name-of-24-characters0"]
    sheets = {tuple(draw_queries(corpus, SHEET_QUESTIONS, SheetCode(name).seed)) for name in names}
    assert len(sheets) == len(names)


@given(st.integers(1, 24))
def test_a_cut_pair_is_what_the_search_compares(dim: int) -> None:
    pair = cut_pair(VECTORS[0], VECTORS[1], dim)
    assert pair.cosine == pytest.approx(float(truncate(VECTORS[:1], dim)[0] @ truncate(VECTORS[1:2], dim)[0]), abs=1e-6)
    assert pair.raw_dot == pytest.approx(float(fill_up(VECTORS[0], VECTORS[1])[dim - 1]), abs=1e-6)


def test_energy_adds_up_and_skips_zero_rows() -> None:
    with_zero = np.concatenate([VECTORS, np.zeros((1, 24), np.float32)])
    shares = energy_shares(with_zero, (6, 12, 24))
    assert shares == energy_shares(VECTORS, (6, 12, 24))
    assert shares[0] < shares[1] < shares[2] == pytest.approx(1)
