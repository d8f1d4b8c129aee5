from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.files import load_path


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_beir_folder_gives_documents_queries_and_judgements(beir_folder: Path) -> None:
    corpus = load_path(beir_folder)
    assert [doc.id for doc in corpus.documents] == ["apple", "banana", "cherry", "fig", "grape"]
    assert corpus.judgements == {"q1": {"banana": 1}, "q2": {"fig": 1}}
    assert corpus.name == "fruit"


def test_gz_files_and_qrels_in_a_subfolder_are_found(beir_folder: Path) -> None:
    plain = beir_folder / "corpus.jsonl"
    (beir_folder / "corpus.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    (beir_folder / "qrels").mkdir()
    (beir_folder / "qrels.tsv").rename(beir_folder / "qrels" / "test.tsv")
    corpus = load_path(beir_folder)
    assert (len(corpus), len(corpus.queries)) == (5, 2)


def test_queries_without_judgements_are_reported(beir_folder: Path) -> None:
    with (beir_folder / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"_id": "q3", "text": "unjudged"}) + "\n")
    corpus = load_path(beir_folder)
    assert len(corpus.queries) == 2
    assert [(note.kind, note.count, note.place) for note in corpus.notes] == [
        ("unjudged-query", 1, "queries.jsonl, line 3")
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,title,text\n1,One,first text\n2,Two,second text\n"),
        ("a.csv", "id;title;content\n1;One;first text\n2;Two;second text\n"),
        ("a.tsv", "id\tname\tbody\n1\tOne\tfirst text\n2\tTwo\tsecond text\n"),
        ("a.csv", '\ufeffId,Title,Text\n1,One,"first\ntext"\n2,Two,second text\n'),
        ("a.jsonl", '{"id": 1, "title": "One", "text": "first text"}\n\n{"id": 2, "title": "Two", "text": "x"}\n'),
    ],
)
def test_tables_are_read_whatever_their_columns_are_called(tmp_path: Path, name: str, text: str) -> None:
    corpus = load_path(write(tmp_path / name, text))
    assert [(doc.id, doc.title) for doc in corpus.documents] == [("1", "One"), ("2", "Two")]


def test_a_text_file_is_one_document_a_line(tmp_path: Path) -> None:
    corpus = load_path(write(tmp_path / "notes.txt", "first\n\nsecond\n"))
    assert [doc.text for doc in corpus.documents] == ["first", "second"]


def test_empty_documents_are_left_out_and_said(tmp_path: Path) -> None:
    corpus = load_path(write(tmp_path / "a.jsonl", '{"text": "full"}\n{"text": "  "}\n'))
    assert len(corpus) == 1
    assert [(note.kind, note.count, note.place) for note in corpus.notes] == [("empty-document", 1, "a.jsonl, line 2")]
    assert str(corpus.notes[0]) == "1 document without text is left out (a.jsonl, line 2)."


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.jsonl", '{"text": "x"}\n{broken\n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", "[1, 2]\n", r"line 1: a JSON object is needed, not \['1'"),
        ("a.jsonl", '{"id": 1, "headline": "x"}\n', "no text column among id, headline"),
        ("a.jsonl", '{"id": 1, "text": "x"}\n{"id": 1, "text": "y"}\n', "id '1' stands at more than one"),
        ("a.jsonl", "", "no document with text"),
        ("a.odt", "x", r"\.odt file type is not known"),
        ("a.txt", "one\ntwo\nthree\n", "more than 2 documents"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_fix(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(CorpusError, match=says):
        load_path(write(tmp_path / name, text), max_documents=2)


def test_bytes_that_are_no_text_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="not whole utf-16"):
        load_path(tmp_path / "a.txt")
    (tmp_path / "b.jsonl.gz").write_bytes(b"\x1f\x8b\x08broken")
    with pytest.raises(CorpusError, match="cannot be read"):
        load_path(tmp_path / "b.jsonl.gz")
    with pytest.raises(CorpusError, match="does not exist"):
        load_path(tmp_path / "absent.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match=r"no corpus\.jsonl"):
        load_path(tmp_path / "empty")


def test_a_broken_judgement_is_named(beir_folder: Path) -> None:
    write(beir_folder / "qrels.tsv", "query-id\tcorpus-id\tscore\nq1\tbanana\tmuch\n")
    with pytest.raises(CorpusError, match="line 2"):
        load_path(beir_folder)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_with_a_message(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.jsonl", "a.csv", "a.txt"):
        path = folder / name
        path.write_bytes(text.encode("utf-8", "replace"))
        try:
            assert len(load_path(path)) > 0
        except CorpusError as error:
            assert name in str(error)


def test_the_fingerprint_follows_ids_and_texts(tmp_path: Path) -> None:
    lines = ['{"id": "1", "text": "a"}', '{"id": "2", "text": "b"}', '{"id": "1", "text": "c"}']
    seen = {load_path(write(tmp_path / f"{i}.jsonl", line)).fingerprint for i, line in enumerate(lines)}
    assert len(seen) == 3
