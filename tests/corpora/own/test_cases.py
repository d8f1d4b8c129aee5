"""The inputs of tests/cases that a collection is read from: each gives what its README calls right."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus
from mrl_demo.corpora.own.beir import write_beir
from mrl_demo.corpora.own.files import load_path

CASES = Path(__file__).parents[2] / "cases"


def texts(name: str) -> list[str]:
    return [document.text for document in load_path(CASES / name).documents]


def kinds(corpus: Corpus) -> dict[str, int]:
    return {note.kind: note.count for note in corpus.notes}


def test_01_punctuation_in_a_column_is_no_delimiter() -> None:
    assert texts("01/notes.csv")[0] == "Bread, butter and jam"
    assert texts("01/semis.csv")[0] == "Bread; butter; jam"
    two = load_path(CASES / "01/two.csv").documents[0]
    assert (two.title, two.text) == ("Bread", "Flour; water; yeast; salt")
    excel = load_path(CASES / "01/semi-excel.csv").documents[0]
    assert (excel.id, excel.text) == ("1", "Bread, butter and jam")


def test_01_a_row_cut_by_a_comma_is_refused_by_its_line() -> None:
    with pytest.raises(CorpusError, match=r"extra\.csv, line 2: 3 fields under a header of 2 \(id, text\).*quotes"):
        load_path(CASES / "01/extra.csv")


def test_02_half_a_character_is_replaced_and_said() -> None:
    corpus = load_path(CASES / "02/posts.jsonl")
    assert corpus.documents[0].text == "fresh bread from the oven \ufffd"
    assert [(note.kind, note.count, note.place) for note in corpus.notes] == [
        ("replaced-surrogates", 1, "posts.jsonl, line 1")
    ]


def test_04_the_split_is_known_and_written_to_its_own_file(tmp_path: Path) -> None:
    corpus = load_path(CASES / "04/beir")
    assert {query.split for query in corpus.queries} == {"dev"} and len(corpus.queries) == 4
    write_beir(corpus, tmp_path / "beir")
    assert [path.name for path in (tmp_path / "beir" / "qrels").iterdir()] == ["dev.tsv"]
    assert load_path(tmp_path / "beir") == corpus


def test_06_judged_documents_that_are_missing_stay_judged() -> None:
    assert load_path(CASES / "06/beir").judgements == {"q1": {"d1": 1, "gone": 1}, "q2": {"d2": 1, "gone2": 2}}


@pytest.mark.parametrize("folder", sorted((CASES / "07").iterdir()), ids=lambda path: path.name)
def test_07_every_layout_gives_the_ids_and_judgements_of_its_files(folder: Path) -> None:
    special = {
        "idspace": {"q 1": {"doc one": 1}, "q2": {"d2": 1}},
        "floatid": {"1.0": {"10": 1}, "2.0": {"20": 1}},
        "trec": {"q1": {"d1": 1, "d2": -1}, "q2": {"d2": 2, "d1": 0}},
        "nohead-float": {"q1": {"d1": 0.5}, "q2": {"d2": 1}},
        "dupq": {"q1": {"d1": 1}, "q2": {"d2": 1}, "q3": {"d3": 1}},
    }
    corpus = load_path(folder)
    assert corpus.judgements == special.get(folder.name, {"q1": {"d1": 1}, "q2": {"d2": 1}})
    assert {query.id for query in corpus.queries} == set(corpus.judgements)
    assert {query.split for query in corpus.queries} == {"test"}
    said = {"floatid": {"matched-id": 2}, "twohead": {"remark": 1}}
    assert kinds(corpus) == said.get(folder.name, {})


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("DATA.CSV", ("1", "fresh bread")),
        ("array.json", ("1", "bread")),
        ("bigint.jsonl", ("1", "bread")),
        ("latin.csv", ("1", "Brötchen und Käse")),
        ("sep.csv", ("1", "fresh bread")),
        ("trail.jsonl", ("a", "bread")),
        ("utf16.csv", ("1", "fresh bread")),
    ],
)
def test_08_odd_files_are_read(name: str, first: tuple[str, str]) -> None:
    corpus = load_path(CASES / "08" / name)
    assert (corpus.documents[0].id, corpus.documents[0].text) == first and len(corpus) == 2


def test_08_what_was_done_to_odd_files_is_said() -> None:
    assert kinds(load_path(CASES / "08/latin.csv")) == {"guessed-encoding": 1}
    assert kinds(load_path(CASES / "08/trail.jsonl")) == {"repaired-comma": 2}
    assert kinds(load_path(CASES / "08/short.csv")) == {"short-row": 1, "empty-document": 1}
    big = load_path(CASES / "08/bigfield.csv")
    assert len(big.documents[0].text) <= 20_000 and kinds(big) == {"cut-document": 1}


def test_08_a_form_feed_ends_no_document() -> None:
    assert texts("08/formfeed.txt") == [
        "page one: bread\x0cpage two: the moon",
        "line separator here\u2028still same line",
        "next\x85line",
    ]


def test_08_a_blank_id_gets_one_that_no_other_has() -> None:
    corpus = load_path(CASES / "08/blankid.csv")
    assert [document.id for document in corpus.documents] == ["row-1-2", "row-1"]
    assert kinds(corpus) == {"document-without-id": 1}


def test_08_a_title_alone_is_a_document() -> None:
    corpus = load_path(CASES / "08/text-title-only.jsonl")
    assert [(document.id, document.content) for document in corpus.documents] == [("a", "Bread"), ("c", "Moon")]
    assert kinds(corpus) == {"empty-document": 1}


def test_08_a_file_without_a_header_is_refused_with_the_fix() -> None:
    with pytest.raises(CorpusError, match=r"no text column among fresh bread from the oven.*first line"):
        load_path(CASES / "08/nohead.csv")


def test_10_scored_pairs_of_sentences_are_kept_with_their_scores() -> None:
    for name in ("labelled.csv", "scored.jsonl"):
        corpus = load_path(CASES / "10" / name)
        assert (corpus.pairs[0].first, corpus.pairs[0].second) == ("how bread", "about planet")
        assert [pair.score for pair in corpus.pairs[:4]] == [0, 1, 0, 1]
        assert {pair.first for pair in corpus.pairs} <= {document.text for document in corpus.documents}


def test_18_what_was_left_out_or_cut_is_counted() -> None:
    corpus = load_path(CASES / "18/gaps.jsonl")
    assert [document.id for document in corpus.documents] == ["b", "d", "e"]
    assert kinds(corpus) == {"empty-document": 2, "cut-document": 1}
