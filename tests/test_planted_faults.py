"""Every command says what it did to a person's files, with the same counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.corpora.own.files import load_path

ROWS = (
    {"id": "d1", "title": "Bread", "text": "fresh bread from the oven \ud83c"},
    {"id": "d2", "title": "", "text": "the moon pulls the tide " * 2_000},
    {"id": "d3", "title": "", "text": None},
    {"id": "", "title": "Piano", "text": "a piano has strings and keys"},
    {"id": "d5", "title": "", "text": "the bank gives a loan"},
    {"id": "d5", "title": "", "text": "the bank gives a loan"},
)
SAID = (
    "1 text holds half a character (a lone surrogate), replaced by U+FFFD (corpus.jsonl.gz, line 1).",
    "1 document was cut at 20,000 characters (corpus.jsonl.gz, line 2).",
    "1 document without text is left out (corpus.jsonl.gz, line 3).",
    "1 document without an id got one (corpus.jsonl.gz, line 4).",
    "1 document stands twice word for word (corpus.jsonl.gz, line 6).",
    "1 query has no judgement and is left out (queries.tsv, line 4).",
    "1 judgement names a query that is not there and is left out (dev.txt, line 3).",
)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    folder = tmp_path / "c++ notes"
    (folder / "qrels").mkdir(parents=True)
    lines = "\n".join(json.dumps(row) for row in ROWS)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "queries.tsv").write_text("qid\tquery\nq1\tbaking\nq2\ttide\nq3\tunjudged\n", encoding="utf-8")
    (folder / "qrels" / "dev.txt").write_text("q1 0 d1 1\nq2 0 d2 2\nq9 0 d1 1\n", encoding="utf-8")
    return folder


def run(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main([*command, "--cache-dir", str(tmp_path / "cache")]) == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.real_model
@pytest.mark.parametrize(
    "command",
    [
        ["search", "baking", "--arm", "base", "--dim", "8"],
        ["evaluate", "--arms", "base", "--dims", "8", "--split", "dev"],
        ["export", "--out", "OUT"],
        ["adapt", "--out", "OUT"],
    ],
    ids=lambda command: command[0],
)
def test_each_command_prints_every_count(
    faulty: Path, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(tmp_path / "out") if word == "OUT" else word for word in command]
    said = run([*command, "--corpus", str(faulty)], tmp_path, capsys)
    assert [words for words in SAID if words not in said] == []


@pytest.mark.real_model
def test_json_has_the_counts_as_values(faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(["search", "tide", "--arm", "base", "--json", "--corpus", str(faulty)], tmp_path, capsys)
    notes = json.loads(said)["corpus_notes"]
    assert {note["text"] for note in notes} == set(SAID)
    assert {note["kind"]: note["count"] for note in notes}["cut-document"] == 1


def test_what_was_exported_has_nothing_left_to_say(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["export", "--out", str(tmp_path / "out"), "--corpus", str(faulty)], tmp_path, capsys)
    exported, read = load_path(tmp_path / "out"), load_path(faulty)
    assert not exported.notes
    assert (exported.documents, exported.queries, exported.judgements) == (
        read.documents,
        read.queries,
        read.judgements,
    )
