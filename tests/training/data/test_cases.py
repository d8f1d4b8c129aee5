"""The pairs of tests/cases, and others of their kinds: read whole and counted, or refused by their line."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrl_demo.core.config import CODE_ROOT
from tests.training.tiny import rows, write_jsonl
from training.columns import Columns
from training.data.files import load_pairs
from training.data.labels import only_positives
from training.data.pairs import Pairs
from training.errors import DataError

CASES = CODE_ROOT / "tests" / "cases"
TEXT = st.text("ab,;\t|\"' \nß\u2028", max_size=6)
WRITERS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "a.csv": lambda frame: frame.to_csv(index=False).encode("utf-8-sig"),
    "semi.csv": lambda frame: frame.to_csv(index=False, sep=";").encode(),
    "a.TSV": lambda frame: frame.to_csv(sep="\t").encode("utf-16"),
    "a.jsonl": lambda frame: frame.to_json(orient="records", lines=True, force_ascii=False).encode(),
    "a.json": lambda frame: frame.to_json(orient="records").encode(),
    "a.parquet": lambda frame: frame.to_parquet(),
}


def load_case(name: str) -> tuple[Pairs, dict[str, int]]:
    pairs, notes = load_pairs(CASES / name, Columns())
    return pairs, {note.kind: note.count for note in notes if note.kind != "columns-read"}


def test_09_a_row_with_a_field_too_many_is_refused_by_its_line() -> None:
    with pytest.raises(DataError, match=r"shifted\.csv, line 2: 3 fields under a header of 2 .*quotes"):
        load_pairs(CASES / "09" / "shifted.csv", Columns())


@pytest.mark.parametrize("name", ["10/labelled.csv", "10/scored.jsonl"])
def test_10_pairs_labelled_0_are_no_positives(name: str) -> None:
    pairs, _ = load_case(name)
    assert pairs.scores[:4] == (0, 1, 0, 1)
    kept, notes = only_positives(pairs)
    assert kept.positives[0] == "about dough" and len(kept) == 15 and not kept.scores
    assert [(note.kind, note.count) for note in notes] == [("scored-low", 15)]


@pytest.mark.parametrize(
    ("name", "count", "first", "said"),
    [
        ("PAIRS.CSV", 30, ("how bread", "about bread"), {}),
        ("bom.jsonl", 30, ("how bread", "about bread"), {}),
        ("date.jsonl", 30, ("2024-01-01", "about bread"), {}),
        ("latin.csv", 30, ("wie bread für", "über bread"), {"guessed-encoding": 1}),
        ("multineg.jsonl", 90, ("how bread", "about bread"), {}),
        ("multipos.jsonl", 60, ("how bread", "about bread"), {"several-texts": 30}),
        ("nanword.csv", 30, ("NA", "about bread"), {}),
        ("null.jsonl", 22, ("how dough", "about dough"), {"empty-row": 8}),
        ("pairs.json", 30, ("how bread", "about bread"), {}),
        ("posfirst.csv", 30, ("how bread", "about bread"), {}),
        ("semi.csv", 30, ("how bread", "about bread"), {}),
        ("surrogate.jsonl", 30, ("how bread \ufffd", "about bread"), {"replaced-surrogates": 30}),
    ],
)
def test_11_odd_pairs_are_read_whole_and_counted(
    name: str, count: int, first: tuple[str, str], said: dict[str, int]
) -> None:
    pairs, notes = load_case(f"11/{name}")
    assert (len(pairs), (pairs.queries[0], pairs.positives[0]), notes) == (count, first, said)


def test_11_several_negatives_are_all_kept() -> None:
    pairs, _ = load_case("11/multineg.jsonl")
    assert pairs.negatives[:3] == ("not yeast", "not moon", "not orbit") and len(set(pairs.queries)) == 30


def test_numbered_columns_and_numbers_are_read(tmp_path: Path) -> None:
    items = [
        {"question": i, "answer": i * 1.5, "answer_2": f"also {i}", "neg_1": f"a {i}", "neg_2": None} for i in range(30)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    pairs, notes = load_pairs(path, Columns())
    assert (pairs.queries[2:4], pairs.positives[2:4]) == (("1", "1"), ("1.5", "also 1"))
    assert pairs.negatives[2:4] == ("a 1", "a 1") and len(pairs) == 60
    assert "positive = 'answer', 'answer_2', negative = 'neg_1', 'neg_2'" in str(notes[0])


def test_a_few_rows_without_a_negative_are_left_out_and_a_few_with_one_lose_it(tmp_path: Path) -> None:
    items = [{"query": f"q {i}", "positive": f"p {i}", "negative": f"n {i}" if i % 5 else ""} for i in range(50)]
    pairs, notes = load_pairs(write_jsonl(tmp_path / "most.jsonl", items), Columns())
    assert len(pairs) == len(pairs.negatives) == 40
    assert {note.kind: note.count for note in notes[1:]} == {"row-without-negative": 10}
    items = [{**item, "negative": "" if i % 5 else f"n {i}"} for i, item in enumerate(items)]
    pairs, notes = load_pairs(write_jsonl(tmp_path / "few.jsonl", items), Columns())
    assert len(pairs) == 50 and not pairs.negatives
    assert {note.kind: note.count for note in notes[1:]} == {"unused-negative": 10}


def test_labels_in_words_are_scores_or_are_not_read(tmp_path: Path) -> None:
    items = [
        {"sentence1": f"q {i}", "sentence2": f"p {i}", "label": "entailment" if i % 2 else "neutral"} for i in range(40)
    ]
    pairs, _ = load_pairs(write_jsonl(tmp_path / "a.jsonl", items), Columns())
    assert pairs.scores[:2] == (0, 1)
    pairs, notes = load_pairs(
        write_jsonl(tmp_path / "b.jsonl", [{**item, "label": "biology"} for item in items]), Columns()
    )
    assert not pairs.scores and "'biology' (b.jsonl, line 1) is no score" in str(notes[1])
    assert load_pairs(tmp_path / "a.jsonl", Columns(score="none"))[0].scores == ()


def test_scores_of_a_scale_are_cut_at_half_of_the_highest() -> None:
    pairs = Pairs(("a", "b", "c"), ("x", "y", "z"), scores=(5.0, 2.5, 4.0))
    assert only_positives(pairs)[0] == Pairs(("a", "c"), ("x", "z"))
    with pytest.raises(DataError, match="highest score is 0"):
        only_positives(Pairs(("a",), ("x",), scores=(0.0,)))


def test_rows_with_a_key_of_their_own_take_little_memory(tmp_path: Path) -> None:
    items = [{"query": f"q {i}", "positive": f"p {i}", f"key {i}": "x"} for i in range(8_000)]
    path = write_jsonl(tmp_path / "wide.jsonl", items)
    tracemalloc.start()
    assert len(load_pairs(path, Columns())[0]) == 8_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * 2**20


def test_packed_pairs_in_capitals_and_a_folder_of_them_are_read(tmp_path: Path) -> None:
    raw = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    (tmp_path / "A.JSONL.GZ").write_bytes(gzip.compress(raw))
    assert load_pairs(tmp_path, Columns())[0] == load_pairs(tmp_path / "A.JSONL.GZ", Columns())[0]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=settings().max_examples // 4)
@given(odd=st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_pairs_that_a_tool_wrote_come_back_equal(
    tmp_path_factory: pytest.TempPathFactory, name: str, odd: list[tuple[str, str]]
) -> None:
    items = [*odd, *((f"question {i}", f"answer {i}") for i in range(20))]
    path = tmp_path_factory.mktemp("pairs") / name
    path.write_bytes(WRITERS[name](pd.DataFrame(items, columns=["query", "positive"])))
    pairs_said = dict.fromkeys((query.strip(), positive.strip()) for query, positive in items)
    wanted = [(query, positive) for query, positive in pairs_said if query and positive and query != positive]
    pairs, notes = load_pairs(path, Columns())
    assert list(zip(pairs.queries, pairs.positives, strict=True)) == wanted
    left_out = [note.count for note in notes if note.kind != "field-over-rows"]  # That is a caution: nothing is lost.
    assert sum(left_out) == len(items) - len(wanted)
