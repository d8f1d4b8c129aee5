from __future__ import annotations

import numpy as np
import pytest

from mrl_demo.evaluation.answer_level import FEWEST_ANSWERED, calibrate_answer_level, measure_nearness, near_rank

RNG = np.random.default_rng(3)


def cosines(mean: float, n: int) -> np.ndarray:
    return RNG.normal(mean, 0.05, n).astype(np.float32)


def test_nearness_is_the_best_and_the_last_of_the_neighbourhood_however_many_documents_there_are() -> None:
    rows = RNG.standard_normal((40_000, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for count in (40_000, 300, 4):
        documents = rows[:count]
        ranked = np.sort(rows[[3, 5]] @ documents.T, axis=1)[:, ::-1]
        expected = ranked[:, 0] + ranked[:, near_rank(count) - 1]
        assert measure_nearness(rows[[3, 5]], documents) == pytest.approx(expected, abs=1e-5)


def test_few_answered_questions_are_taken_for_unanswered() -> None:
    level = calibrate_answer_level(cosines(0.5, 1_000), cosines(0.45, 100), "judged questions", 50)
    assert level is not None
    assert level.missed < 0.05
    assert level.passed > 0.5  # The two can hardly be told apart, and the rate says so.


def test_easy_questions_do_not_push_the_level_above_what_catches_off_topic_texts() -> None:
    level = calibrate_answer_level(cosines(0.9, 200), cosines(0.3, 200), "titles", 50)
    assert level is not None
    assert level.level < 0.5


def test_too_few_questions_set_no_level() -> None:
    assert calibrate_answer_level(cosines(0.9, FEWEST_ANSWERED - 1), cosines(0.3, 100), "titles", 50) is None
