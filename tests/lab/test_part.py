"""A search of a part of a collection, by its labels: exact, and everything said of the part alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrl_demo.api.calls import ask_compare
from mrl_demo.cli import comparison_text, main
from mrl_demo.core.errors import CorpusError
from mrl_demo.lab.lab import Lab
from mrl_demo.lab.verdict_words import part_words

COLOURS = ("red", "green", "blue")
QUESTION = "which thing is number seven"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Thirty documents with a label, the seventh the answer to a question; and those that are blue alone."""
    folder = tmp_path / "things"
    folder.mkdir()
    rows = ["id,text,label", *(f"t{i},thing number {i} is {i * i} wide,{COLOURS[i % 3]}" for i in range(30))]
    (folder / "things.csv").write_text("\n".join(rows), encoding="utf-8")
    blue = [rows[0], *(row for row in rows if row.endswith("blue"))]
    (tmp_path / "blue.csv").write_text("\n".join(blue), encoding="utf-8")
    (tmp_path / "asked.csv").write_text(f"question,document\n{QUESTION},t7\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def things(lab: Lab, files: Path) -> str:
    return lab.add_corpus(files / "things" / "things.csv")


def test_a_part_is_searched_as_if_the_collection_held_nothing_else(lab: Lab, files: Path, things: str) -> None:
    alone = lab.add_corpus(files / "blue.csv")
    for dim in (3, 32):
        part = lab.compare(QUESTION, corpus=things, arms=["tiny"], dim=dim, where={"topic": "blue"}).arms[0]
        whole = lab.compare(QUESTION, corpus=alone, arms=["tiny"], dim=dim).arms[0]
        told, wanted = part.result.to_dict(), whole.result.to_dict()
        assert told["hits"] == wanted["hits"]
        assert {hit.document.topic for hit in part.result.hits} == {"blue"}
        for name in ("n_documents", "overlap_at_10", "best_full_score", "near_full_score"):
            assert told[name] == wanted[name]
        assert part.paths.ranks.tolist() == whole.paths.ranks.tolist()
    everything = lab.compare(QUESTION, corpus=things, arms=["tiny"], dim=32).arms[0].result
    assert everything.n_documents == 30


def test_what_was_measured_over_all_is_not_said_of_a_part(lab: Lab) -> None:
    def verdict(where: dict[str, str]) -> tuple[object, object]:
        said = lab.compare("how do bees talk", corpus="builtin", arms=["base"], dim=64, where=where).verdict
        assert said
        return said.sides[0].quality, said.sides[0].level

    assert None not in verdict({})
    assert verdict({"topic": "honeybees"} if "honeybees" in _topics(lab) else {"topic": _topics(lab)[0]}) == (
        None,
        None,
    )


def _topics(lab: Lab) -> list[str]:
    return [label.value for label in lab.labels("builtin") if label.field == "topic"]


def test_an_answer_outside_the_part_is_said(lab: Lab) -> None:
    asked = lab.corpus("fruit").queries[0].text
    with pytest.raises(CorpusError, match="its documents have no topic"):
        lab.compare(asked, corpus="fruit", arms=["tiny"], dim=8, where={"topic": "x"})
    inside = lab.compare(asked, corpus="fruit", arms=["tiny"], dim=8, where={"id": "banana"})
    assert (inside.arms[0].result.answer_rank, "known answer" in inside.note) == (1, False)
    outside = lab.compare(asked, corpus="fruit", arms=["tiny"], dim=8, where={"id": "fig"})
    assert outside.arms[0].result.answer_rank is None
    assert "The known answer to this question is not among the documents searched." in outside.note


def test_labels_are_counted_and_a_wrong_one_is_answered_with_those_there_are(lab: Lab, things: str) -> None:
    assert [(label.condition, label.count) for label in lab.labels(things)] == [
        ("topic=blue", 10),
        ("topic=green", 10),
        ("topic=red", 10),
    ]
    assert lab.labels("fruit") == ()
    assert lab.labels("python") == ()
    names = {label.condition: label.name for label in (*lab.labels("builtin"), *lab.labels(things))}
    assert (names["topic=the-moon"], names["topic=red"]) == ("The Moon", "red")
    in_short = lab.compare("tides", corpus="builtin", arms=["base"], dim=8, where={"topic": "the-moon"})
    assert part_words(in_short) == "Only the 20 documents with topic “The Moon” are searched."
    with pytest.raises(CorpusError, match="topic “pink”: choose a topic such as blue, green, red"):
        lab.compare("x", corpus=things, arms=["tiny"], dim=8, where={"topic": "pink"})
    with pytest.raises(CorpusError, match="each is there, but no document has all"):
        lab.compare("x", corpus=things, arms=["tiny"], dim=8, where={"topic": "red", "id": "t1"})
    with pytest.raises(CorpusError, match="no 'colour': filter by id, topic, domain and language"):
        lab.compare("x", corpus=things, arms=["tiny"], dim=8, where={"colour": "red"})


def test_an_engine_filters_itself_and_our_index_does_while_it_is_down(lab: Lab, files: Path, things: str) -> None:
    def search() -> dict[str, object]:
        answer = lab.compare(QUESTION, corpus=things, arms=["tiny"], dim=8, where={"topic": "green"})
        return answer.arms[0].result.to_dict()

    before = search()
    url = f"file:{files / 'index'}"
    lab.load_index(things, "tiny", url)
    lab.add_index(url, falls_back=True)
    after = search()
    assert (before["engine"], after["engine"]) == ("", "a file of vectors, exact")
    for name in ("hits", "n_documents", "missing", "overlap_at_10"):
        assert after[name] == before[name]
    for path in (files / "index").rglob("attributes.jsonl"):
        path.write_text("{}\n" * 30, encoding="utf-8")  # As if loaded by a lab that kept no labels.
    lab.add_index(url, falls_back=True)
    assert search()["hits"] == before["hits"]


def test_a_part_is_searched_from_the_command_line_and_by_programs(
    lab: Lab, files: Path, things: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask_compare(lab, QUESTION, ["base"], 64, "builtin", 3, f"topic={_topics(lab)[0]}").run(lambda *_: None)
    assert told["where"] == {"topic": _topics(lab)[0]}
    assert told["arms"][0]["n_documents"] == lab.labels("builtin")[0].count
    found = lab.compare(QUESTION, corpus=things, arms=["tiny"], dim=8, where={"topic": "red", "id": "t3"})
    assert part_words(found) == "Only the 1 document with topic “red” and id “t3” is searched."
    assert comparison_text(found).startswith("Only the 1 document")
    common = ["--corpus", str(files / "things" / "things.csv"), "--arm", "base", "--cache-dir", str(files / "cache")]
    assert main(["search", QUESTION, "--where", "topic=red", "--json", *common]) == 0
    (side,) = json.loads(capsys.readouterr().out)["arms"]
    assert side["n_documents"] == 10
    for wrong in ("topic", "colour=red", "topic="):
        assert main(["search", QUESTION, "--where", wrong, *common]) == 2
        assert "is no condition: write one of id=, topic=, domain= and language=" in capsys.readouterr().err
