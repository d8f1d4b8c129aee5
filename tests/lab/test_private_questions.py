"""Questions of a visitor's own collection: measured by, known to nobody else, gone with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import Corpus, Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from tests.conftest import FRUIT, HashingEncoder

DOCUMENTS = [Document(*row) for row in FRUIT]
JUDGED = make_corpus("fruit", "Fruit", DOCUMENTS, [Query("q1", "wasps", split="test")], {"q1": {"fig": 1.0}})


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(replace(Settings(), cache_dir=tmp_path / "cache"))
    made.encoders.add("mine", HashingEncoder())
    made.add_arm("mine")
    return made


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(("query,document_id", *rows)) + "\n")
    return path


def rank_known(lab: Lab, name: str, question: str) -> int | None:
    return lab.compare(question, corpus=name, arms=["mine"], dim=32).arms[0].result.answer_rank


def test_questions_join_those_of_the_upload_and_make_way_for_the_next_ones(lab: Lab, tmp_path: Path) -> None:
    name, other = lab.add_private(JUDGED), lab.add_private(JUDGED)
    assert rank_known(lab, name, "red birds") is None
    asked = lab.ask_private(name, write(tmp_path / "q.csv", "red birds,cherry", "sweet wine,grape"))
    assert asked.to_csv().splitlines()[1:] == ["red birds,cherry,1,", "sweet wine,grape,1,"]
    assert rank_known(lab, name, "red birds") is not None  # Compare marks the answer at once.
    plan = SweepPlan(("mine",), dims=(8, 32), metrics=("ndcg@10",))
    assert lab.evaluate(name, plan).n_queries == 3
    lab.ask_private(name, write(tmp_path / "q.csv", "ethylene gas,banana"))
    assert [query.text for query in lab.corpus(name).queries] == ["wasps", "ethylene gas"]
    assert {query.split for query in lab.corpus(name).queries} == {"test"}
    # The other visitor has the same documents and none of these.
    assert lab.corpus(other).queries == JUDGED.queries
    assert rank_known(lab, other, "ethylene gas") is None
    lab.remove_private(name)
    with pytest.raises(CorpusError, match="no longer here"):
        lab.ask_private(name, tmp_path / "q.csv")


@pytest.mark.parametrize(
    ("corpus", "rows", "says"),
    [
        (JUDGED, ("who,nobody",), "no question with an answer among the documents"),
        (replace(JUDGED, queries=(Query("asked-1", "x"),)), ("who,fig",), "a question with the id 'asked-1'"),
    ],
)
def test_questions_that_are_refused_change_nothing(
    lab: Lab, tmp_path: Path, corpus: Corpus, rows: tuple[str, ...], says: str
) -> None:
    name = lab.add_private(corpus)
    with pytest.raises(CorpusError, match=says):
        lab.ask_private(name, write(tmp_path / "q.csv", *rows))
    assert lab.corpus(name).queries == corpus.queries


def test_without_a_server_of_the_owner_no_model_writes_questions(lab: Lab) -> None:
    with pytest.raises(LabError, match="MRL_CHAT_URL"):
        lab.write_questions(lab.add_private(JUDGED))


def test_answers_to_a_shared_collection_are_measured_by_without_changing_it(lab: Lab, beir_folder: Path) -> None:
    shared = lab.add_corpus(beir_folder)
    lab.prepare(shared, ["mine"])
    encoded = len(lab.encoders.encoder("mine").encoded)  # type: ignore[attr-defined]
    own, other = lab.add_private_questions(shared), lab.add_private_questions(shared)
    assert lab.is_ready(own, ["mine"])
    lab.answer_private(own, "red birds", "cherry")
    lab.answer_private(own, "sweet wine", "grape")
    result = lab.evaluate(own, SweepPlan(("mine",), dims=(8, 32), metrics=("ndcg@10",)))
    assert (result.n_queries, result.n_documents) == (2, 5)
    assert len(lab.encoders.encoder("mine").encoded) == encoded + 2  # type: ignore[attr-defined]
    assert rank_known(lab, own, "red birds") is not None and rank_known(lab, shared, "red birds") is None
    assert lab.corpus(other).queries == () and len(lab.corpus(shared).queries) == 2
    assert lab.answer_private(own, "red birds", "cherry", is_answer=False).rows() == [("sweet wine", "grape")]
    assert rank_known(lab, own, "red birds") is None
    with pytest.raises(CorpusError, match="no document 'kiwi'"):
        lab.answer_private(own, "red birds", "kiwi")
    with pytest.raises(LabError, match="Type a question"):
        lab.answer_private(own, "  ", "fig")
    lab.remove_private(own)
    assert not lab.asked_private(own).queries
    with pytest.raises(CorpusError, match="no longer here"):
        lab.answer_private(own, "red birds", "cherry")
