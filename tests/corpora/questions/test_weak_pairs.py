"""Pairs to train on out of documents: from questions if there are any, weak and called so if not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mrl_demo import cli


def make_documents(folder: Path, count: int) -> Path:
    path = folder / "mine.csv"
    rows = [f"{i},Rule number {i},It is about topic {i}." for i in range(count)]
    path.write_text("\n".join(["id,title,text", *rows]) + "\n")
    return path


def write_pairs(documents: Path, *flags: str) -> list[dict[str, str]]:
    out = documents.with_name("pairs.csv")
    assert cli.main(["pairs", "--corpus", str(documents), "--out", str(out), *flags]) == 0
    return list(csv.DictReader(out.open()))


def test_documents_nobody_asked_about_make_weak_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_pairs(make_documents(tmp_path, 30))
    assert len(rows) == 30
    assert rows[0] == {"query": "Rule number 0", "positive": "It is about topic 0."}
    assert "30 weak pairs: titles stand in for questions that nobody asked" in capsys.readouterr().out


def test_questions_make_pairs_of_their_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents, questions = make_documents(tmp_path, 3), tmp_path / "q.csv"
    questions.write_text("query,document_id,score\nwhat is last,2,1\nwhat is last,1,0\n")
    rows = write_pairs(documents, "--questions", str(questions))
    assert rows == [{"query": "what is last", "positive": "Rule number 2. It is about topic 2."}]
    assert "weak" not in capsys.readouterr().out


def test_too_few_documents_make_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = make_documents(tmp_path, 3)
    assert cli.main(["pairs", "--corpus", str(documents), "--out", str(tmp_path / "pairs.csv")]) == 2
    assert "mine makes no pairs" in capsys.readouterr().err
    assert not (tmp_path / "pairs.csv").exists()
