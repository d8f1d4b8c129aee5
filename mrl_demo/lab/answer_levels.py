"""The level under which a collection seems to have no answer, measured once for a model and a collection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mrl_demo.arms.spaces import SpaceBuilder
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.types import Corpus, Progress, Query
from mrl_demo.core.verdict import AnswerLevel
from mrl_demo.corpora.questions.stand_ins import with_stand_ins
from mrl_demo.corpora.shipped.off_topic import load_off_topic
from mrl_demo.evaluation.answer_level import FEWEST_ANSWERED, calibrate_answer_level, measure_nearness, near_rank

#: Questions that set a level: all the judged ones up to so many, or a draw of fewer, which have to be encoded.
_ALL_UP_TO, _DRAWN = 1_000, 300
#: Each costs one document encoded anew.
_STAND_INS = 100
_SEED = 0
_KEPT = 16
#: Begins the name of the shipped files with the vectors of the off-topic texts.
OFF_TOPIC_VECTORS = "off-topic"


class AnswerLevels:
    """Levels by model and collection: from judged questions, or titles and first sentences if there are none.

    Cosines are those of whole vectors as the model gives them: a rotation leaves them as they are.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> lab = Lab(Settings.from_environment())
    >>> level = AnswerLevels(lab.builder, lab.settings.assets_dir).level("minilm", lab.corpus("builtin"))
    >>> level.basis, level.n_answered, level.missed < 0.05
    ('judged questions', 300, True)
    """

    def __init__(self, builder: SpaceBuilder, assets_dir: Path) -> None:
        self._builder, self._assets = builder, assets_dir
        self._levels: BoundedCache[AnswerLevel | None] = BoundedCache(_KEPT)

    def level(self, encoder: str, corpus: Corpus, progress: Progress | None = None) -> AnswerLevel | None:
        """The level of a model (by its name in the registry) over a collection; None if too little is there for one."""
        shared = corpus.origin  # A visitor's few questions tell less than those of the collection.
        return self._levels.get(self._key(encoder, shared), lambda: self._measure(encoder, shared, progress))

    def forget(self, corpus: Corpus) -> None:
        """Let go of the levels of a collection."""
        self._levels.discard(lambda key: isinstance(key, tuple) and corpus.name in key)

    def is_known(self, encoder: str, corpus: Corpus) -> bool:
        """Whether `level` has nothing to measure any more."""
        return self._key(encoder, corpus.origin) in self._levels

    def _key(self, encoder: str, corpus: Corpus) -> tuple[str, str, str]:
        return self._builder.encoders.encoder(encoder).fingerprint, corpus.name, corpus.fingerprint

    def _measure(self, encoder: str, corpus: Corpus, progress: Progress | None) -> AnswerLevel | None:
        if self._builder.encoders.is_given(encoder):  # Nobody can encode texts that have no answer.
            return None
        questions = _with_questions(corpus)
        if len(questions.queries) < FEWEST_ANSWERED or questions.stand_ins == "documents":
            return None
        documents = self._builder.documents(encoder, questions, progress)
        asked = self._builder.judged_queries(encoder, corpus if corpus.queries else questions, questions.queries)
        answered = measure_nearness(asked, documents)
        elsewhere = measure_nearness(
            self._builder.questions(encoder, load_off_topic(self._assets), OFF_TOPIC_VECTORS), documents
        )
        basis = questions.stand_ins or "judged questions"
        return calibrate_answer_level(answered, elsewhere, basis, near_rank(len(documents)))


def _with_questions(corpus: Corpus) -> Corpus:
    """The collection with questions that have an answer in it, judged ones if there are any."""
    if not corpus.queries:
        return with_stand_ins(corpus, _STAND_INS, _SEED)
    judged = [query for query in corpus.queries if _has_answer(corpus, query)]
    if len(judged) == len(corpus.queries) <= _ALL_UP_TO:
        return corpus  # Their vectors may have been shipped.
    drawn = sorted(np.random.default_rng(_SEED).permutation(len(judged))[:_DRAWN].tolist())
    return replace(corpus, queries=tuple(judged[i] for i in drawn))


def _has_answer(corpus: Corpus, query: Query) -> bool:
    return any(grade > 0 for grade in corpus.judgements.get(query.id, {}).values())
