"""A table of questions and answers is a judged collection: each answer once, nothing lost without a word."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from mrl_demo import cli
from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice
from mrl_demo.corpora.own.preview import preview_path

FAQ = """question,answer,topic
what do bees do,Bees dance to show flowers.,bees
who shows flowers,Bees dance to show flowers.,bees
what do figs do,Figs flower inside.,figs
what do figs do,Figs need wasps.,figs
,Tea is picked by hand.,tea
who knows,,tea
"""


def test_each_answer_is_one_document_and_each_question_is_judged(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    preview, corpus = preview_path(tmp_path / "faq.csv")
    assert [column.role for column in preview.columns] == ["question", "text", "label"]
    assert [(each.text, each.topic) for each in corpus.documents][::3] == [
        ("Bees dance to show flowers.", "bees"),
        ("Tea is picked by hand.", "tea"),
    ]
    first, second, third = (corpus.judgements[query.id] for query in corpus.queries)
    assert first == second and len(third) == 2
    assert [(note.kind, note.count) for note in corpus.notes] == [("shared-answer", 1), ("empty-document", 1)]


def test_a_column_of_questions_beside_texts_is_read_if_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kb.jsonl"
    rows = [{"id": f"d{i}", "text": f"Text {i}", "question": f"what is {i}"} for i in range(3)]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert load_path(path).queries == ()
    corpus = load_path(path, columns=ColumnChoice(question="question"))
    assert [corpus.judgements[query.id] for query in corpus.queries] == [{f"d{i}": 1.0} for i in range(3)]
    assert cli.main(["inspect", str(path), "--question-column", "question", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_judged"] == 3
    with pytest.raises(CorpusError, match="no column 'asked' for the question: it has id, text, question"):
        load_path(path, columns=ColumnChoice(question="asked"))


def test_files_of_a_zip_keep_their_questions_apart(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        for name in ("a", "b"):
            archive.writestr(f"{name}.csv", FAQ)
    corpus = load_path(tmp_path / "both.zip")
    assert len(corpus.queries) == 6
    assert corpus.judgements["a.csv/asked-1"] == {"a.csv/row-1": 1.0}
