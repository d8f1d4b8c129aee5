"""Held-out questions share neither a question nor an answer with what is trained on, and are judged by all answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.config import CODE_ROOT
from training.data.near_duplicates import near_duplicates
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


def test_answers_that_differ_in_a_word_stay_together() -> None:
    generator = np.random.default_rng(3)
    answers = [" ".join(f"w{i}" for i in generator.choice(4000, 40, replace=False)) for _ in range(60)]
    twins = [text.replace(text.split()[7], "edited", 1).title() for text in answers]
    pairs = Pairs(tuple(f"q{i}" for i in range(120)), (*answers, *twins))
    clusters = cluster_rows(pairs)
    assert (clusters[:60] == clusters[60:]).all() and len(set(clusters.tolist())) == 60
    held = hold_out(pairs, 0)
    held_texts = {query.text for query in held.judge.queries}
    assert all((f"q{i}" in held_texts) == (f"q{i + 60}" in held_texts) for i in range(60))
    assert not held.notes


def test_near_duplicates_are_those_that_every_pair_compared_would_give() -> None:
    generator = np.random.default_rng(0)
    texts = []
    for _ in range(120):
        words = generator.choice(60, int(generator.integers(18, 50)), replace=False)
        texts.append(" ".join(f"w{word}" for word in words))
        texts.append(" ".join(f"w{word}" for word in [*words[int(generator.integers(0, 3)) :], 99]))
    wanted = set()
    for i, text in enumerate(texts):
        for j in range(i):
            one, other = set(text.split()), set(texts[j].split())
            if min(len(one), len(other)) >= 20 and len(one & other) >= 0.95 * len(one | other):
                wanted.add(frozenset((i, j)))
    found = [frozenset(pair) for pair in near_duplicates(texts)]
    assert set(found) == wanted and len(found) == len(wanted) > 10


def test_answers_from_one_template_are_held_out_all_the_same_and_that_is_said() -> None:
    template = " ".join(f"word{i}" for i in range(60))
    pairs = Pairs(tuple(f"q{i}" for i in range(50)), tuple(f"{template} place{i}" for i in range(50)))
    held = hold_out(pairs, 0)
    assert [note.kind for note in held.notes] == ["answers-much-alike"]
    assert len(held.judge.queries) == 4


def test_spellings_of_one_question_are_one_question_judged_by_the_answers_of_all() -> None:
    queries = [spell(f"question {i}") for i in range(40) for spell in (str.lower, str.upper)]
    positives = [f"{side} {i}" for i in range(40) for side in ("left", "right")]
    judge = hold_out(Pairs(tuple(queries), tuple(positives)), 0).judge
    assert {query.text.lower() for query in judge.queries} == {query.text for query in judge.queries}
    assert {len(grades) for grades in judge.judgements.values()} == {2}


def test_rows_that_all_hang_together_are_refused() -> None:
    pairs = Pairs(tuple(f"q{i}" for i in range(100)), ("the same answer",) * 100)
    with pytest.raises(DataError, match="largest group that shares questions or answers has 100"):
        hold_out(pairs, 0)
