from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.evaluation.answer_level import FEWEST_ANSWERED, best_cosines, calibrate_answer_level

RNG = np.random.default_rng(3)


def cosines(mean: float, n: int) -> np.ndarray:
    return RNG.normal(mean, 0.05, n).astype(np.float32)


def test_the_best_cosine_is_that_of_the_nearest_document_however_many_there_are() -> None:
    rows = RNG.standard_normal((40_000, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert best_cosines(rows[[5, 39_999]], rows) == pytest.approx([1, 1], abs=1e-5)


def test_few_answered_questions_are_taken_for_unanswered() -> None:
    level = calibrate_answer_level(cosines(0.5, 1_000), cosines(0.45, 100), "judged questions")
    assert level is not None
    assert level.missed < 0.05
    assert level.passed > 0.5  # The two can hardly be told apart, and the rate says so.


def test_easy_questions_do_not_push_the_level_above_what_catches_off_topic_texts() -> None:
    level = calibrate_answer_level(cosines(0.9, 200), cosines(0.3, 200), "titles")
    assert level is not None
    assert level.level < 0.5


def test_too_few_questions_set_no_level() -> None:
    assert calibrate_answer_level(cosines(0.9, FEWEST_ANSWERED - 1), cosines(0.3, 100), "titles") is None
