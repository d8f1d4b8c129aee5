"""Odd files of every kind: read as they were meant, or refused with file, line and fix."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from pathlib import Path

import pandas as pd
import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.own.beir import write_beir
from mrl_demo.corpora.own.files import load_path
from mrl_demo.corpora.own.options import ColumnChoice


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def said(path: Path) -> dict[str, tuple[int, str]]:
    return {note.kind: (note.count, note.place) for note in load_path(path).notes}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", 'id,text\n1,"open\n2,b\n', "line 2: a quote opens here and never closes"),
        ("a.csv", 'id,text\n1,ok\n2,"he said "no" twice"\n', "line 3: a quoted field goes on after its closing quote"),
        ("a.csv", "id,text\n1,ok\n2,b,c\n", "line 3: 3 fields under a header of 2"),
        ("a.csv", "id,text,Text\n1,a,b\n", "'text' names two columns"),
        ("a.csv", "id,text\n1,a\n1,b\n", "line 3: the id '1' stands at more than one document .first in line 2"),
        ("a.csv", "id,text\n1,a\rb\n", "line 2: a carriage return stands in a field without quotes"),
        ("a.jsonl", '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 1: nested too deeply"),
        ("a.json", "[" * 100_000, "nested too deeply|not JSON"),
        ("a.json", '[{"text": "a"},\n{"text": ]', "line 2: not JSON"),
        ("a.json", '[{"text": "a"}\n{"text": "b"}]', "comma or ] is missing"),
        ("a.json", '[{"text": "a"}', "comma or ] is missing"),
        ("a.json", '{"text": {"0": "a", "1": "b"}}', "line 1: an object .* stands where a text is needed"),
        ("a.json", '{\n "rows": []\n}', "line 1: not JSON.*one object a line.*or an array"),
        ("a.jsonl", '{"text": "a"}{"text": "b"}', "line 1: not JSON"),
        ("a.csv", "PK\x03\x04...", "a zip file or an Excel sheet"),
        ("a.parquet", "PAR1", "cannot be read as Parquet"),
        ("a.csv", "id,text\n1,Хлеб пекут в печи\n".encode("cp1251"), "line 2: not UTF-8, and no Western European"),
        ("a.csv", "id,text\n1,Źródło światła się\n".encode("cp1250"), "line 2: not UTF-8, and no Western European"),
        ("a.csv", "id,text\n1,パンは焼かれます\n".encode("shift_jis"), "line 2: not UTF-8, and no Western European"),
        ("a.jsonl.gz", b"no gzip file", "called .gz but is no gzip file"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}\n' * 999, mtime=0)[:40], "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b"x", mtime=0)[:12] + b"\xff" * 20, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line_with_the_fix(
    tmp_path: Path, name: str, content: str | bytes, says: str
) -> None:
    with pytest.raises(CorpusError, match=says) as raised:
        load_path(write(tmp_path / name, content))
    assert name in str(raised.value) and "\n" not in str(raised.value)


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    blank = b"\n" * 2**20
    bomb = b"".join(packer.compress(blank) for _ in range(80)) + packer.flush()
    with pytest.raises(CorpusError, match="unpacks to over 64 MiB, 200 times its size or more"):
        load_path(write(tmp_path / "bomb.jsonl.gz", bomb))


def test_rows_with_a_key_of_their_own_take_no_more_memory_than_their_texts(tmp_path: Path) -> None:
    rows = [json.dumps({"id": i, "text": f"text {i}", f"key {i}": i}) for i in range(8_000)]
    for name, content in (("wide.jsonl", "\n".join(rows)), ("wide.json", "[" + ",".join(rows) + "]")):
        path = write(tmp_path / name, content)
        tracemalloc.start()
        assert len(load_path(path)) == 8_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20 * 2**20


def test_words_for_nothing_stay_words_and_numbers_keep_their_spelling(tmp_path: Path) -> None:
    rows = '{"id": 1.10, "text": "nan"}\n{"id": 007, "text": "null"}\n'.replace("007", '"007"')
    corpus = load_path(write(tmp_path / "a.jsonl", rows + '{"id": 3, "text": 1.50}\n{"id": 4, "text": NaN}\n'))
    assert [(doc.id, doc.text) for doc in corpus.documents] == [("1.10", "nan"), ("007", "null"), ("3", "1.50")]
    assert said(tmp_path / "a.jsonl") == {"empty-document": (1, "a.jsonl, line 4")}


def test_sentences_in_a_list_are_one_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": ["Bees dance.", null, "They hum."]}')
    assert load_path(path).documents[0].text == "Bees dance. They hum."


def test_broken_bytes_in_utf_8_are_replaced_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\nBrötchen und Käse\nwhole\n".encode() + b"half \xc3\n")
    assert load_path(path).documents[2].text == "half \ufffd"
    assert said(path) == {"replaced-bytes": (1, "a.csv, line 4")}


def test_utf_16_without_a_mark_is_read_and_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,Bees dance\n".encode("utf-16-le"))
    assert load_path(path).documents[0].text == "Bees dance"
    assert set(said(path)) == {"guessed-encoding"}


@pytest.mark.parametrize("text", ["un cœur, l´eau, col·lecció", "naïve señor ß", "5 € “ja”"])
def test_western_words_with_odd_signs_are_read(tmp_path: Path, text: str) -> None:
    assert load_path(write(tmp_path / "a.txt", text.encode("cp1252"))).documents[0].text == text


def test_a_quote_left_open_that_closes_rows_later_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id,text\n1,"open\n2,two\n3,three"\n4,four\n')
    assert said(path) == {"field-over-rows": (1, "a.csv, line 2")}


def test_a_header_without_rows_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no document with text: it has no row"):
        load_path(write(tmp_path / "a.csv", "id,text\n"))


def test_empty_fields_too_many_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,a,\n2,b,,\n")
    assert said(path) == {"trailing-fields": (2, "a.csv, line 2")}


def test_a_header_with_spaces_after_its_commas_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id, text\n1, "one, two"\n')
    assert load_path(path).documents[0].text == "one, two"


def test_a_document_that_stands_twice_is_kept_once_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text\n1,a\n1,a\n2,b\n")
    assert len(load_path(path)) == 2 and said(path) == {"repeated-document": (1, "a.csv, line 3")}


def test_parquet_is_read_as_it_was_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "text": ["a", None, "c"], "score": [1.0, 2.0, float("nan")]})
    frame.to_parquet(tmp_path / "a.parquet")
    corpus = load_path(tmp_path / "a.parquet")
    assert [(doc.id, doc.text) for doc in corpus.documents] == [("1", "a"), ("3", "c")]
    assert said(tmp_path / "a.parquet") == {"empty-document": (1, "a.parquet, line 2")}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_columns_can_be_named_and_a_wrong_name_is_told_those_there_are(tmp_path: Path, name: str) -> None:
    rows = {"Nr": "7", "Notes": "Bees dance.", "text": "other", "Kind": "insects"}
    content = ",".join(rows) + "\n" + ",".join(rows.values()) if name.endswith("csv") else json.dumps(rows)
    path = write(tmp_path / name, content)
    choice = ColumnChoice(text="Notes", title="text", id="Nr", label="Kind")
    (document,) = load_path(path, columns=choice).documents
    assert (document.id, document.title, document.text, document.topic) == ("7", "other", "Bees dance.", "insects")
    with pytest.raises(CorpusError, match="has no column 'Text2' for the text: it has Nr, Notes, text, Kind"):
        load_path(path, columns=ColumnChoice(text="Text2"))


def test_a_label_column_gives_topics(tmp_path: Path) -> None:
    corpus = load_path(write(tmp_path / "a.csv", "text,label\nbees,insects\nfigs,3\n"))
    assert [document.topic for document in corpus.documents] == ["insects", "3"]


def test_scored_pairs_need_numbers_and_count_what_is_left_out(tmp_path: Path) -> None:
    header = "sentence1,sentence2,score\n"
    path = write(tmp_path / "a.csv", header + "a,b,4.5\n,b,1\na,c,0\n")
    assert [(pair.first, pair.second, pair.score) for pair in load_path(path).pairs] == [("a", "b", 4.5), ("a", "c", 0)]
    assert said(path) == {"empty-pair": (1, "a.csv, line 3")}
    with pytest.raises(CorpusError, match="line 2: the score 'much' is no number"):
        load_path(write(tmp_path / "b.csv", header + "a,b,much\n"))


def beir(folder: Path, **files: str) -> Path:
    write(folder / "corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id": "d2", "text": "b"}\n{"_id": "d3", "text": "c"}')
    write(folder / "queries.jsonl", '{"_id": "q1", "text": "x"}\n{"_id": "q2", "text": "y"}')
    for name, content in files.items():
        write(folder / name.replace("__", "/").replace("_tsv", ".tsv"), content)
    return folder


def test_every_split_is_read_and_a_query_in_two_splits_is_said(tmp_path: Path) -> None:
    folder = beir(tmp_path / "b", qrels__test_tsv="q1 0 d1 1\n", qrels__dev_tsv="q2 0 d2 1\nq1 0 d3 1\n")
    corpus = load_path(folder)
    assert {query.id: query.split for query in corpus.queries} == {"q1": "test", "q2": "dev"}
    assert corpus.judgements == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    assert said(folder) == {"judged-in-two-splits": (1, "dev.tsv, line 2")}
    chosen = load_path(folder, split="dev")
    assert chosen.judgements == {"q1": {"d3": 1}, "q2": {"d2": 1}} and {q.split for q in chosen.queries} == {"dev"}


def test_a_query_judged_alike_in_two_splits_is_in_both(tmp_path: Path) -> None:
    folder = beir(tmp_path / "b", qrels__test_tsv="q1 0 d1 1\n", qrels__dev_tsv="q2 0 d2 1\nq1 0 d1 1\n")
    corpus = load_path(folder)
    assert [(query.id, query.split) for query in corpus.queries] == [("q1", "test"), ("q1", "dev"), ("q2", "dev")]
    assert corpus.judgements == {"q1": {"d1": 1}, "q2": {"d2": 1}} and not corpus.notes
    write_beir(corpus, tmp_path / "out" / "b")
    assert load_path(tmp_path / "out" / "b") == corpus


def test_a_folder_may_hold_packed_tables_in_capitals(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    write(folder / "Corpus.CSV.GZ", gzip.compress(b"docno,text\nd1,a\nd2,b\n", mtime=0))
    write(folder / "QUERIES.tsv", "qid\tquery\nq1\tx\n")
    write(folder / "Qrels" / "dev.tsv.gz", gzip.compress(b"q1\td1\t2\n", mtime=0))
    corpus = load_path(folder)
    assert corpus.judgements == {"q1": {"d1": 2}} and corpus.queries[0].split == "dev"


@pytest.mark.parametrize(
    ("content", "judgements"),
    [
        ("score,pid,qid\n2,d1,q1\n", {"q1": {"d1": 2}}),
        ("# a remark\nquery-id\tcorpus-id\tscore\nq1\td1\t1\nquery-id\tcorpus-id\tscore\nq2\td2\t1\n",
         {"q1": {"d1": 1}, "q2": {"d2": 1}}),
        ("d1\tq1\t1\nd2\tq2\t1\n", {"q1": {"d1": 1}, "q2": {"d2": 1}}),
        ("q1\td1\n", {"q1": {"d1": 1}}),
        ("q1,d1,1.0\r\nq1,d2,0.25\r\n", {"q1": {"d1": 1, "d2": 0.25}}),
        ("q1 d1 1 0\nq2 d2 1 0\n", {"q1": {"d1": 1}, "q2": {"d2": 1}}),
        ("Frage\tText\tNote\nq1\td1\t1\n", {"q1": {"d1": 1}}),
        ("q1\td1\t1\nq1\td1\t1\n", {"q1": {"d1": 1}}),
    ],
)  # fmt: skip
def test_judgements_in_many_layouts(tmp_path: Path, content: str, judgements: dict[str, dict[str, float]]) -> None:
    assert load_path(beir(tmp_path / "b", qrels_tsv=content)).judgements == judgements


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("q1\td1\t1\nq1\td2\thigh\n", "qrels.tsv, line 2: the grade 'high' is no number"),
        ("q1\td1\t1\nq1\td1\t2\n", "line 2: 'd1' has the grade 2 for 'q1', and 1 in line 1"),
        ("q1\td1\t1\nq2\n", "line 2: 'q2' has 1 fields, not 3"),
        ("q1\td1\tnan\n", "the grade 'nan' is no number"),
        ("q1\t\t1\nq2\td1\t1\n", "lacks the id"),
    ],
)
def test_a_line_that_is_no_judgement_is_named(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(CorpusError, match=says):
        load_path(beir(tmp_path / "b", qrels_tsv=content))


def test_judgements_of_queries_that_are_not_there_are_counted(tmp_path: Path) -> None:
    folder = beir(tmp_path / "b", qrels_tsv="q1 0 d1 1\nq9 0 d1 1\n")
    assert said(folder) == {
        "stray-judgement": (1, "qrels.tsv, line 2"),
        "unjudged-query": (1, "queries.jsonl, line 2"),
    }


def test_queries_without_judgements_are_said_not_lost(tmp_path: Path) -> None:
    corpus = load_path(beir(tmp_path / "b"))
    assert not corpus.queries and "queries.jsonl is left out" in str(corpus.notes[0])


def test_two_queries_with_one_id_are_refused(tmp_path: Path) -> None:
    folder = beir(tmp_path / "b", qrels_tsv="q1 0 d1 1\n")
    write(folder / "queries.jsonl", '{"_id": "q1", "text": "x"}\n{"_id": "q1", "text": "y"}')
    with pytest.raises(CorpusError, match=r"line 2: two queries have the id 'q1' .first in line 1"):
        load_path(folder)
