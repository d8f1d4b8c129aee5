from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.verdict import AnswerLevel, KeptQuality, SideVerdict, Verdict
from mrl_demo.evaluation.sweeps.results import SweepResult
from mrl_demo.lab.curves import CurvesService
from mrl_demo.lab.lab import Lab
from mrl_demo.lab.verdict import kept_quality
from mrl_demo.lab.verdict_words import average_words, outcome_words, saving_words, times_words, verdict_sentences

KEPT = KeptQuality(0.73, 0.70, 0.76, 800, "ndcg@10", 64)
SIDE = SideVerdict("base", "Base", 384, "Bees", 51, 1, True, kept=4, depth=10, best_score=0.5, quality=KEPT)
BEST = replace(SIDE, label="Tuned", rank=1, quality=replace(KEPT, value=0.9, low=0.88, high=0.92))


def test_the_verdict_says_what_is_saved_what_happened_and_the_average_with_its_interval() -> None:
    assert verdict_sentences(Verdict(64, (SIDE, BEST))) == [
        "6 times smaller: 256 B instead of 1.5 kB a vector, 25.6 GB instead of 154 GB for 100 million.",
        "Base: the answer, “Bees”, falls from 1st to 51st.",
        "Tuned: the answer, “Bees”, stays 1st.",
        "Kept of full quality over 800 questions: Base 73% [70 to 76], Tuned 90% [88 to 92].",
    ]


def test_a_length_between_the_measured_ones_says_where_it_was_measured() -> None:
    assert average_words(Verdict(90, (SIDE, BEST))).startswith(
        "Kept of full quality over 800 questions (measured at 64): Base 73%"
    )


def test_without_averages_for_every_side_agreement_is_told() -> None:
    words = average_words(Verdict(64, (SIDE, replace(BEST, quality=None, kept=8))))
    assert (
        words
        == "Of the results you would get from the full vector, 4 of 10 (Base) and 8 of 10 (Tuned) are still there."
    )


def test_without_a_known_answer_the_own_winner_is_named() -> None:
    own = replace(SIDE, is_known_answer=False, rank=3, full_rank=1)
    assert outcome_words(own) == "its own best, “Bees”, falls from 1st to 3rd"
    assert outcome_words(replace(SIDE, rank=2, full_rank=7)) == "the answer, “Bees”, rises from 7th to 2nd"


@pytest.mark.parametrize(
    ("dim", "words"), [(384, "The full vector: 1.5 kB each"), (380, "1% smaller"), (300, "1.3 times smaller")]
)
def test_little_is_called_little(dim: int, words: str) -> None:
    assert saving_words(Verdict(dim, (SIDE,))).startswith(words)


def test_models_of_two_lengths_save_differently() -> None:
    assert times_words(Verdict(64, (SIDE, replace(BEST, full_dim=768)))) == "6 and 12 times smaller"


def test_nothing_is_judged_where_no_side_is_as_near_as_answers_are() -> None:
    level = AnswerLevel(0.6, 50, "judged questions", 300, 97, 0.02, 0.3)
    far = replace(SIDE, is_known_answer=False, best_score=0.27, near_score=0.1, level=level)
    (only,) = verdict_sentences(Verdict(64, (far, far)))
    assert "a similarity of 0.27, the 50th 0.10;" in only
    assert "add up to 0.60 or more" in only
    assert len(verdict_sentences(Verdict(64, (far, replace(far, near_score=0.4))))) == 4  # Much is near it.
    assert len(verdict_sentences(Verdict(64, (far, replace(far, best_score=0.6))))) == 4
    assert len(verdict_sentences(Verdict(64, (replace(far, is_known_answer=True),)))) == 3


def test_the_average_is_that_of_the_longest_measured_length_that_is_no_longer(shipped: SweepResult) -> None:
    at_64, between = kept_quality(shipped, "base", 64), kept_quality(shipped, "base", 90)
    assert at_64 is not None and at_64 == between
    row = shipped.row("base", 64, "ndcg@10")
    assert row is not None and at_64.value == pytest.approx(shipped.retention(row), abs=1e-4)
    assert kept_quality(shipped, "base", 7) is None
    assert kept_quality(shipped, "my-own-model", 64) is None


def test_a_comparison_follows_the_known_answer_and_names_what_is_missing(lab: Lab) -> None:
    known = lab.compare("ripen ethylene gas", corpus="fruit", arms=["tiny"], dim=2, top_k=3)
    assert known.verdict is not None
    (side,) = known.verdict.sides
    assert (side.title, side.is_known_answer, side.full_rank, side.quality) == ("Bananas", True, 1, None)
    assert side.rank == known.arms[0].result.answer_rank
    assert "so agreement says little here" in known.note  # A handful of documents.
    other = lab.compare("winter", corpus="fruit", arms=["tiny"], dim=2).arms[0].result
    assert other.tracked is not None and not other.tracked.is_answer and other.tracked.full_rank == 1


def test_a_level_of_an_own_collection_comes_from_its_titles(settings: Settings, tmp_path: Path) -> None:
    from tests.conftest import HashingEncoder

    rows = [f"thing{i} number{i},thing{i} number{i} word{i}." for i in range(40)]
    path = tmp_path / "things.csv"
    path.write_text("\n".join(["title,text", *rows]), encoding="utf-8")
    own = Lab(settings)
    own.encoders.add("tiny", HashingEncoder())
    name = own.add_corpus(path)
    near = own.compare("number7 thing7", corpus=name, arms=["tiny"], dim=8).verdict
    far = own.compare("qwertz uiop", corpus=name, arms=["tiny"], dim=8).verdict
    assert near is not None and near.sides[0].level is not None and near.sides[0].level.basis == "titles"
    assert (near.seems_unanswered, far is not None and far.seems_unanswered) == (False, True)


@pytest.fixture(scope="module")
def shipped() -> SweepResult:
    curves = CurvesService(Lab(Settings())).shipped("builtin")
    assert curves is not None
    return curves.sweep
