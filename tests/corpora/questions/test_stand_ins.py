from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrl_demo.core.types import Corpus, Document
from mrl_demo.corpora import make_corpus
from mrl_demo.corpora.questions.stand_ins import FEWEST_STAND_INS, with_stand_ins
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab


def titled(n: int) -> Corpus:
    documents = [
        Document(f"d{i}", f"Number {i} sort", f"Sort of the kind {i}. It has leaves {i * i}.") for i in range(n)
    ]
    return make_corpus("mine", "Mine", documents)


def test_titles_stand_in_and_leave_their_documents() -> None:
    corpus = with_stand_ins(titled(60), most=40, seed=1)
    assert len(corpus.queries) == 40 and corpus.stand_ins == "titles"
    documents = {document.id: document for document in corpus.documents}
    for query in corpus.queries:
        (answer,) = corpus.judgements[query.id]
        assert query.text not in documents[answer].content
        assert documents[answer].text
    assert "40 titles stand in" in str(corpus.notes[-1]) and corpus.notes[-1].count == 40
    assert corpus == with_stand_ins(titled(60), most=40, seed=1) != with_stand_ins(titled(60), most=40, seed=2)
    assert judged_set(corpus).is_judged


def test_first_sentences_stand_in_where_there_is_no_title() -> None:
    documents = [Document(f"d{i}", "", f"The kind {i} has leaves. They fall {i} times.") for i in range(30)]
    corpus = with_stand_ins(make_corpus("mine", "Mine", documents))
    assert corpus.stand_ins == "first sentences"
    assert {query.text for query in corpus.queries} == {f"The kind {i} has leaves." for i in range(30)}
    assert corpus.documents[3].text == "They fall 3 times."


def test_a_title_of_two_documents_is_no_query() -> None:
    documents = [*titled(FEWEST_STAND_INS + 1).documents, Document("twin", "number 3  sort", "Another text.")]
    texts = {query.text for query in with_stand_ins(make_corpus("mine", "Mine", documents)).queries}
    assert "Number 3 sort" not in texts and "Number 4 sort" in texts


def test_documents_look_for_their_neighbours_if_nothing_can_stand_in() -> None:
    corpus = with_stand_ins(make_corpus("mine", "Mine", [Document(f"d{i}", "", f"leaf {i}") for i in range(30)]))
    judged = judged_set(corpus)
    assert corpus.stand_ins == "documents" and not judged.is_judged
    assert judged.own_document.tolist() == [int(query.id[1:]) for query in judged.queries]


def test_a_collection_with_queries_is_left_alone(lab: Lab) -> None:
    corpus = lab.corpus("fruit")
    assert with_stand_ins(corpus) is corpus


def test_own_documents_without_queries_are_measured_and_say_so(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = [f"Title of {i} things,Text of the {i} with {i * 7} words" for i in range(40)]
    path.write_text("\n".join(["title,text", *rows]), encoding="utf-8")
    result = lab.evaluate(lab.add_corpus(path), SweepPlan(("tiny",), dims=(8, 32), metrics=("ndcg@10",)))
    assert result.stand_ins == "titles" and result.n_queries == 40
    assert any("40 titles stand in" in note for note in result.notes)
    assert '"stand_ins": "titles"' in result.to_json()
    # Of the documents only what changed is encoded again; every text once.
    encoded = lab.encoders.encoder("tiny").encoded  # type: ignore[attr-defined]
    assert len(encoded) == 40 * 3


@pytest.mark.parametrize("n", [0, 1])
def test_next_to_nothing_is_no_error(n: int) -> None:
    assert len(with_stand_ins(titled(n))) == n


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=80)), max_size=30))
def test_any_text_keeps_ids_and_order(texts: list[tuple[str, str]]) -> None:
    corpus = make_corpus("any", "Any", [Document(str(i), title, text) for i, (title, text) in enumerate(texts)])
    made = with_stand_ins(corpus)
    assert [document.id for document in made.documents] == [document.id for document in corpus.documents]
    assert all(query.text.strip() for query in made.queries)
