"""A BEIR folder teaches by its train split, and is judged by its dev and test splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.types import Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.own.beir import write_beir
from training.config import TrainConfig
from training.data.pairs import TrainingData
from training.data.sources import load_data
from training.errors import DataError


def write_folder(folder: Path, *splits: str, text: str = "{split} question {i}") -> Path:
    documents = [Document(f"d{i}", f"Title {i}", f"text {i}") for i in range(60)]
    queries = [Query(f"{split}{i}", text.format(split=split, i=i), "", split) for split in splits for i in range(20)]
    judgements = {
        query.id: {f"d{i % 20 * 3}": 2.0, f"d{i % 20 * 3 + 1}": 1.0, f"d{i % 20 * 3 + 2}": 0.0}
        for i, query in enumerate(queries)
    }
    write_beir(make_corpus("folder", "Folder", documents, queries, judgements), folder)
    return folder


def load(folder: Path) -> TrainingData:
    return load_data(TrainConfig("x").changed(data=str(folder)), Settings())


def test_the_train_split_teaches_and_the_others_judge(tmp_path: Path) -> None:
    data = load(write_folder(tmp_path, "train", "dev", "test"))
    assert len(data.pairs) == 40 and data.pairs.positives[:2] == ("Title 0. text 0", "Title 1. text 1")
    assert (data.validation_split, data.test_split) == ("dev", "test")
    assert all(query.startswith("train ") for query in data.pairs.queries)
    assert "40 rows to train on; 20 queries (dev) and 20 queries (test)" in str(data.notes[-1])


def test_a_question_that_judges_is_not_trained_on(tmp_path: Path) -> None:
    write_folder(tmp_path, "train", "dev", "test")
    path = tmp_path / "queries.jsonl"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"train question 3"', '"Test question 3!"'), encoding="utf-8"
    )
    data = load(tmp_path)
    assert len(data.pairs) == 38 and [note.count for note in data.notes if note.kind == "judged-too"] == [2]
    assert "Test question 3!" not in data.pairs.queries


def test_without_dev_or_test_some_of_train_is_held_out(tmp_path: Path) -> None:
    data = load(write_folder(tmp_path, "train", "test"))
    assert data.judge.name == "held-out" and "no-judging-splits" in {note.kind for note in data.notes}
    assert not {query.text for query in data.judge.queries} & set(data.pairs.queries)


def test_a_folder_without_a_train_split_is_refused_by_its_splits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no judged train split.*its splits are: dev, test"):
        load(write_folder(tmp_path, "dev", "test"))
