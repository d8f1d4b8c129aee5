from __future__ import annotations

import numpy as np

from mrl_demo.advisor.bands import FAILS, HOLDS, LIKELY
from mrl_demo.advisor.groups import group_queries, judge_groups
from mrl_demo.core.types import Document, Query
from mrl_demo.corpora import make_corpus

TEXTS = (
    "why do bees dance",
    "how much is 3 feet in metres when measured by hand",
    "when was Marie Curie born and where did she study first",
    "which birds do not fly",
    "what is a quokka",
)


def test_queries_are_grouped_by_what_they_are_like() -> None:
    queries = [Query(f"q{i}", text, fields=(("level", "easy" if i < 3 else "hard"),)) for i, text in enumerate(TEXTS)]
    common = "why do bees dance how much is feet metres when measured by hand was Marie Curie born and where did she"
    documents = [Document(f"d{i}", "", f"{common} study first which birds not fly what") for i in range(4)]
    groups = {group.name: group.rows.tolist() for group in group_queries(queries, make_corpus("c", "C", documents))}
    assert groups["with a number"] == [1]
    assert groups["with a name"] == [2]
    assert groups["with a negation"] == [3]
    assert groups["with a rare word (in at most 2 documents)"] == [4]
    assert groups["level: easy"] == [0, 1, 2] and groups["level: hard"] == [3, 4]
    assert groups["long (11 words and more)"] == [1, 2]


def test_a_group_that_breaks_the_promise_is_named_worst() -> None:
    queries = [Query(f"q{i}", "with 7 words" if i % 4 == 0 else "some words here") for i in range(800)]
    groups = group_queries(queries, make_corpus("c", "C", [Document("d", "", "some words here with")]))
    generator = np.random.default_rng(0)
    reference = np.ones(800, np.float32)
    values = (generator.random(800) < np.where(np.arange(800) % 4 == 0, 0.7, 1.0)).astype(np.float32)
    shares = judge_groups(groups, values, reference, target=0.9)
    assert shares.groups[0].name == "with a number" and shares.groups[0].verdict == FAILS
    assert shares.groups[0].low < 0.7 < shares.groups[0].high
    assert "does not hold there" in shares.sentence(0.9)
    steady = judge_groups(groups, reference, reference, target=0.9)
    assert {group.verdict for group in steady.groups} == {HOLDS}


def test_small_groups_are_counted_and_doubt_is_said() -> None:
    queries = [Query(f"q{i}", "7 words" if i < 10 else "other words") for i in range(40)]
    groups = group_queries(queries, make_corpus("c", "C", [Document("d", "", "other words")]))
    reference = np.ones(40, np.float32)
    values = np.array([i % 8 != 0 for i in range(40)], np.float32)
    shares = judge_groups(groups, values, reference, target=0.9)
    assert shares.n_small >= 1 and "with a number" not in {group.name for group in shares.groups}
    assert all(group.verdict == LIKELY for group in shares.groups)


def test_one_query_makes_no_group() -> None:
    groups = group_queries([Query("q", "one")], make_corpus("c", "C", []))
    assert "No group" in judge_groups(groups, np.ones(1, np.float32), np.ones(1, np.float32), 0.9).sentence(0.9)
