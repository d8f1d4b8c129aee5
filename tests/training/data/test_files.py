from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.tiny import rows, write_jsonl
from training.columns import Columns
from training.data.files import load_pairs
from training.data.pairs import Pairs, _nearest, mined_negatives
from training.errors import DataError


def test_jsonl_csv_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    items = rows()
    frame = pd.DataFrame(items)
    write_jsonl(tmp_path / "a.jsonl", items)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    found = [load_pairs(tmp_path / name, Columns())[0] for name in ("a.jsonl", "a.csv", "a.parquet")]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == len({(row["query"], row["positive"]) for row in items})


@pytest.mark.parametrize(
    ("query", "positive"), [("anchor", "positive"), ("question", "answer"), ("Sentence1", "sentence2")]
)
def test_columns_are_guessed_and_shown(tmp_path: Path, query: str, positive: str) -> None:
    items = [{query: row["query"], positive: row["positive"]} for row in rows()]
    pairs, notes = load_pairs(write_jsonl(tmp_path / "a.jsonl", items), Columns())
    assert len(pairs) >= 20
    assert f"query = {query!r}, positive = {positive!r}" in str(notes[0])


def test_a_folder_is_read_whole(tmp_path: Path) -> None:
    items = rows()
    write_jsonl(tmp_path / "a.jsonl", items[:20])
    write_jsonl(tmp_path / "b.jsonl", items[20:40])
    (tmp_path / "notes.md").write_text("no data", encoding="utf-8")
    assert len(load_pairs(tmp_path, Columns())[0]) == len({(r["query"], r["positive"]) for r in items[:40]})


def test_rows_that_teach_nothing_are_left_out_and_counted(tmp_path: Path) -> None:
    good = [{"query": f"q {i}", "positive": f"p {i}"} for i in range(30)]
    bad = [
        {"query": "", "positive": "p"},
        {"query": "same", "positive": "same "},
        good[0],
        {"query": None, "positive": "p"},
    ]
    pairs, notes = load_pairs(write_jsonl(tmp_path / "a.jsonl", good + bad), Columns())
    assert len(pairs) == 30
    assert {(note.kind, note.count, note.place) for note in notes[1:]} == {
        ("empty-row", 2, "a.jsonl, line 31"),
        ("positive-is-query", 1, "a.jsonl, line 32"),
        ("repeated-row", 1, "a.jsonl, line 33"),
    }


def test_negatives_are_used_where_every_file_row_has_them(tmp_path: Path) -> None:
    items = [{**row, "negative": f"other {i}"} for i, row in enumerate(rows())]
    pairs, _ = load_pairs(write_jsonl(tmp_path / "a.jsonl", items), Columns())
    assert pairs.negatives[0] == "other 0"


@pytest.mark.parametrize(
    ("content", "name", "columns", "message"),
    [
        ('{"query": "a", "positive": "b"}\n', "a.jsonl", Columns(), "has 1 usable rows of 1.*at least 20"),
        (
            '{"foo": "a", "bar": "b"}\n',
            "a.jsonl",
            Columns(),
            "no column looks like the query among foo, bar",
        ),
        ('{"query": "a", "bar": "b"}\n', "a.jsonl", Columns(), "no column looks like the positive"),
        (
            '{"query": "a", "positive": "b"}\n',
            "a.jsonl",
            Columns(query="qu"),
            "no column 'qu' for the query: it has query",
        ),
        ('{"query": "a", "positive": "b"}\n', "a.jsonl", Columns(positive="query"), "both 'query'"),
        ("{broken\n", "a.jsonl", Columns(), "line 1: not JSON"),
        ("not parquet", "a.parquet", Columns(), "cannot be read"),
        ("", "a.csv", Columns(), "holds no row"),
        ("x", "a.odt", Columns(), r"\.odt file type is not known"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, content: str, name: str, columns: Columns, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_pairs(tmp_path / name, columns)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        load_pairs(tmp_path / "absent.jsonl", Columns())
    with pytest.raises(DataError, match="holds no"):
        load_pairs(tmp_path, Columns())


def test_mined_negatives_are_near_but_no_answer() -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal((40, 16)).astype(np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    pairs = Pairs(tuple(f"q{i}" for i in range(40)), tuple(f"p{i}" for i in range(40)))
    found = mined_negatives(pairs, base, base, seed=0)
    chosen = [int(text[1:]) for text in found.negatives]
    assert all(i != j for i, j in enumerate(chosen))
    cosines = base @ base.T
    ranks = [int((cosines[i] > cosines[i, j]).sum()) for i, j in enumerate(chosen)]
    assert max(ranks) <= 9
    assert mined_negatives(pairs, base, base, seed=0) == found


def test_mined_negatives_are_those_of_a_full_sort() -> None:
    generator = np.random.default_rng(2)
    vectors = np.round(generator.normal(size=(300, 4)), 1).astype(np.float32)  # Rounded: many cosines are equal.
    cosines = vectors @ vectors[0]
    for count in (1, 64, 300, 500):
        assert _nearest(cosines, count) == np.argsort(-cosines, kind="stable")[:count].tolist()
