"""Pairs to train on out of the documents that a visitor brought: their questions with answers, else weak ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Corpus
from mrl_demo.corpora.questions.weak_pairs import TrainingPairs, training_pairs
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.shared.visit import Visit
from mrl_demo.ui.train.state import MINE, OWN, TrainState

NO_DOCUMENTS = "You have brought no documents yet: choose some on the tab Your data, and press “Embed and use it”."


def pairs_of_visit(lab: LabProtocol, visit: Visit | None) -> TrainingPairs:
    """What the visitor's documents give to train on; raises `LabError` if there are none, or too few."""
    own = visit.documents if visit else None
    if own is None:
        raise LabError(NO_DOCUMENTS)
    corpus: Corpus = lab.corpus(own.name)
    return training_pairs(replace(corpus, queries=(), judgements={}) if corpus.stand_ins else corpus)


@contextmanager
def with_own_pairs(lab: LabProtocol, state: TrainState) -> Iterator[TrainState]:
    """The settings with the pairs of the visitor's documents as their file, if that is what they ask for.

    The file is here for the block alone: a run takes its own copy along, which goes at its end.
    """
    if state.kind != MINE:
        yield state
        return
    pairs = pairs_of_visit(lab, state.visit)
    with tempfile.TemporaryDirectory(prefix="matryoshka-own-") as folder:
        path = Path(folder) / "pairs.csv"
        path.write_text(pairs.to_csv(), encoding="utf-8", errors="replace")
        given = replace(state, kind=OWN, upload=str(path))
        yield replace(given, query_column="", positive_column="", negative_column="", score_column="")


def pairs_words(lab: LabProtocol, visit: Visit | None, *, is_public: bool) -> str:
    """How many pairs there are, whether they are weak, and who will see the model."""
    who = (
        " The run's files are private to you and go at its end; its name and the model are on everybody's menu."
        if is_public
        else ""
    )
    return f"{pairs_of_visit(lab, visit).sentence()}{who}"
