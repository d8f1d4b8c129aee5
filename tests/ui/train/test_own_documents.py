"""Runs that learn from the documents of a visit: judged pairs or weak ones, said so, gone from here at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Document, Query
from mrl_demo.corpora import make_corpus
from mrl_demo.lab.lab import Lab
from mrl_demo.ui.shared.visit import OwnCollection, Visit
from mrl_demo.ui.train.own_documents import pairs_words, with_own_pairs
from mrl_demo.ui.train.state import TrainState

DOCUMENTS = [Document(f"d{i}", f"About the thing {i}", f"It says {i}. And then {i * 7}.") for i in range(25)]
STATE = TrainState("mine", None, "own-pairs", "my-model", [64, 8], "", 0, "")


def visited(lab: Lab, *queries: Query) -> Visit:
    corpus = make_corpus("mine", "Mine", DOCUMENTS, queries, {query.id: {"d1": 1.0} for query in queries})
    visit = Visit()
    visit.keep(OwnCollection(lab.add_private(corpus), "Mine", 25))
    return visit


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(replace(Settings(), cache_dir=tmp_path))


def test_titles_make_weak_pairs_and_questions_make_judged_ones(lab: Lab) -> None:
    weak = replace(STATE, visit=visited(lab))
    assert "25 weak pairs: titles stand in" in pairs_words(lab, weak.visit, is_public=False)
    assert "on everybody's menu" in pairs_words(lab, weak.visit, is_public=True)
    judged = replace(STATE, visit=visited(lab, Query("q1", "what is thing one?")))
    with with_own_pairs(lab, judged) as whole:
        request = whole.request()
        assert Path(request.data).read_text().splitlines()[1].startswith("what is thing one?,")
    assert not Path(request.data).exists()


def test_without_documents_a_visitor_is_told_where_to_bring_them(lab: Lab) -> None:
    for visit in (None, Visit()):
        with pytest.raises(LabError, match="tab Your data"), with_own_pairs(lab, replace(STATE, visit=visit)):
            pass


def test_other_data_stay_as_they_are(lab: Lab) -> None:
    state = replace(STATE, kind="own", upload="pairs.csv")
    with with_own_pairs(lab, state) as whole:
        assert whole is state
