"""Held-out questions share neither a question nor an answer with what is trained on, and are judged by all answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.config import CODE_ROOT
from training.data.pairs import Pairs
from training.data.split import cluster_rows, hold_out
from training.errors import DataError


def folded(texts: object) -> set[str]:
    return {" ".join(str(text).lower().split()) for text in texts}  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(30, 200), st.integers(5, 60), st.integers(5, 60))
def test_splits_are_disjoint_by_question_and_by_answer(seed: int, rows: int, questions: int, answers: int) -> None:
    generator = np.random.default_rng(seed)
    spell = [str.upper, str.lower, lambda text: f" {text}  "]
    queries = tuple(spell[i % 3](f"question {generator.integers(questions * 8)}") for i in range(rows))
    positives = tuple(spell[i % 2](f"answer {generator.integers(answers * 8)}") for i in range(rows))
    pairs = Pairs(queries, positives)
    try:
        held = hold_out(pairs, seed)
    except DataError:
        assert len(np.unique(cluster_rows(pairs))) < 4  # Nearly all hang together: nothing to hold out.
        return
    by_split = {
        split: [query for query in held.judge.queries if query.split == split] for split in ("validation", "test")
    }
    assert all(by_split.values())
    texts = {doc.id: doc.text for doc in held.judge.documents}
    parts = [
        (
            folded(query.text for query in queries_of_split),
            folded(texts[doc] for query in queries_of_split for doc in held.judge.judgements[query.id]),
        )
        for queries_of_split in by_split.values()
    ]
    parts.append((folded(held.training.queries), folded(held.training.positives)))
    for i, (questions_here, answers_here) in enumerate(parts):
        for other_questions, other_answers in parts[i + 1 :]:
            assert not questions_here & other_questions
            assert not answers_here & other_answers
    named: dict[str, set[str]] = {}
    for text, positive in zip(queries, positives, strict=True):
        named.setdefault(*folded([text]), set()).update(folded([positive]))
    assert len(folded(texts.values())) == len(texts) and len({query.id for query in held.judge.queries}) == len(
        folded(query.text for query in held.judge.queries)
    )
    for query in held.judge.queries:
        assert folded(texts[doc] for doc in held.judge.judgements[query.id]) == named[folded([query.text]).pop()]


def test_a_question_with_several_answers_is_one_question_judged_by_all_of_them() -> None:
    lines = (CODE_ROOT / "tests" / "cases" / "12" / "several.jsonl").read_text(encoding="utf-8").splitlines()
    raw = [json.loads(line) for line in lines]
    pairs = Pairs(tuple(row["query"] for row in raw), tuple(row["positive"] for row in raw))
    judge = hold_out(pairs, 1).judge
    assert len({query.text for query in judge.queries}) == len(judge.queries)
    assert {len(grades) for grades in judge.judgements.values()} == {6}


def test_rows_that_all_hang_together_are_refused() -> None:
    pairs = Pairs(tuple(f"q{i}" for i in range(100)), ("the same answer",) * 100)
    with pytest.raises(DataError, match="largest group that shares questions or answers has 100"):
        hold_out(pairs, 0)
