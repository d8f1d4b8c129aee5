"""What the steps learn from: pairs with hard negatives, the teacher's vectors of broad text, a rotation to start from.

All of it is made with the base model before the first step; what a configuration has no use for is not made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrl_demo.core.types import Corpus, FloatMatrix, Progress
from mrl_demo.corpora.parts import Parts, parts_of
from mrl_demo.models.reading import count_cut_texts, limit_tokens, token_limit
from training.bases import BaseVectors
from training.data.pairs import Pairs, mined_negatives
from training.fit.start import StartVectors, fit_start
from training.fit.validation import small_validation
from training.report import Report
from training.task import Task


@dataclass(frozen=True)
class TrainingSet:
    """What the loop sees: `pairs`, `broad` texts with the `teacher`'s vectors of them `(n, d)`, what validates.

    `teacher` is None without distillation, `rotation` `(d, d)` None if there is nothing to turn.
    """

    pairs: Pairs
    broad: tuple[str, ...]
    teacher: FloatMatrix | None
    validation: Corpus
    rotation: FloatMatrix | None = None


@dataclass(frozen=True)
class TrainingSetBuilder:
    """Makes a task's training set with the base model's vectors; the rotation is kept in `work` for a run that goes on.

    `vectors` read as few tokens as training does from here on.
    """

    task: Task
    vectors: BaseVectors
    work: Path
    report: Report

    def build(self) -> TrainingSet:
        """Encode what is needed and put it together."""
        config, data = self.task.config, self.task.data
        limit_tokens(self.vectors.model, config.pairs.max_tokens)
        self._say_what_is_cut()
        plain = TrainingSet(data.pairs, (), None, small_validation(data.judge, data.validation_split))
        needs_negatives = config.pairs.negatives == "mined" and not data.pairs.negatives
        needs_rotation = config.adapter.rotation and config.objective.matryoshka
        if not (needs_negatives or needs_rotation or config.objective.distillation):
            return plain  # Nothing is asked of the base model: pairs as they are, from the model as it is.
        parts = parts_of(data.judge.documents, config.schedule.seed)
        made = self._with_negatives_and_rotation(plain, parts, needs_negatives, needs_rotation)
        if not config.objective.distillation:
            return made  # No teacher, so no broad text either: steps on pairs alone.
        broad = (*data.broad, *parts.texts)
        return replace(made, broad=broad, teacher=self._documents(broad))

    def _with_negatives_and_rotation(
        self, plain: TrainingSet, parts: Parts, needs_negatives: bool, needs_rotation: bool
    ) -> TrainingSet:
        """Both are made from the base model's vectors of the pairs."""
        if not (needs_negatives or needs_rotation):
            return plain
        queries, positives = self._queries(plain.pairs.queries), self._documents(plain.pairs.positives)
        rotation = self._rotation(queries, positives, parts) if needs_rotation else None
        seed = self.task.config.schedule.seed
        pairs = mined_negatives(plain.pairs, queries, positives, seed) if needs_negatives else plain.pairs
        return replace(plain, pairs=pairs, rotation=rotation)

    def _rotation(self, queries: FloatMatrix, positives: FloatMatrix, parts: Parts) -> FloatMatrix:
        """The start's rotation; that of an interrupted run if there is one."""
        path = self.work / "rotation.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False)
        config, data = self.task.config, self.task.data
        distinct = {text: i for i, text in reversed(list(enumerate(data.pairs.positives)))}
        place = {text: i for i, text in enumerate(distinct)}
        start = StartVectors(
            queries=queries,
            positives=positives[list(distinct.values())],
            answers=[place[text] for text in data.pairs.positives],
            searched=self._documents([document.content for document in data.judge.documents]),
            parts=self._queries(parts.texts),
            wholes=list(parts.wholes),
            broad=self._documents(data.broad),
        )
        objective = config.objective
        rotation = fit_start(start, objective.dims, objective.dim_weights, config.schedule.seed, self._progress)
        np.save(path, rotation)
        return rotation

    def _say_what_is_cut(self) -> None:
        """How many texts of the pairs are longer than training reads; before and after are measured at full length."""
        model, pairs, prompts = self.vectors.model, self.task.data.pairs, self.task.config.prompts
        queries = count_cut_texts(model, pairs.queries, prompts.query_reading)
        positives = count_cut_texts(model, pairs.positives, prompts.document_reading)
        if count := queries.count + positives.count:
            self.report.say(
                f"{count:,} of {2 * len(pairs):,} texts of the pairs are longer than the {token_limit(model):,} tokens "
                "that training reads: their rest teaches nothing (--max-tokens)."
            )

    def _queries(self, texts: tuple[str, ...]) -> FloatMatrix:
        return self.vectors.of(texts, self.task.config.prompts.query_reading, self._progress)

    def _documents(self, texts: tuple[str, ...] | list[str]) -> FloatMatrix:
        return self.vectors.of(texts, self.task.config.prompts.document_reading, self._progress)

    @property
    def _progress(self) -> Progress:
        return self.report.progress
