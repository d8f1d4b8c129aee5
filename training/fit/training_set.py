"""What the steps learn from: pairs with hard negatives, the teacher's vectors of broad text, a rotation to start from.

All of it is made with the base model before the first step; what a configuration has no use for is not made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrl_demo.core.types import Corpus, Document, FloatMatrix, Progress, Reading
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora.questions.parts import Parts, parts_of
from mrl_demo.models.reading import count_cut_texts, limit_tokens, token_limit
from training.bases import Base, BaseVectors
from training.data.pairs import Pairs, mined_negatives
from training.data.small import small_collection
from training.fit.linear import PairVectors, fit_map
from training.fit.start import StartVectors, fit_start
from training.report import Report
from training.task import Task


@dataclass(frozen=True)
class TrainingSet:
    """What the loop sees: `pairs`, `broad` texts with the `teacher`'s vectors of them `(n, d)`, what validates.

    `teacher` is None without distillation, `rotation` `(d, d)` None if there is nothing to turn. `guides` are the
    base model's vectors of the pairs' queries and positives `(n, d)`, turned likewise, if it is asked about the pairs.
    `trained_map` `(d, d)` is what the rotation became as a free map, None if it stays a rotation: part of what was
    trained, scaled with it. `places` `(n, d)` are the base model's vectors of the broad texts if another model teaches.
    `sources` counts the broad pairs among `pairs` by the name of their source.
    """

    pairs: Pairs
    broad: tuple[str, ...]
    teacher: FloatMatrix | None
    validation: Corpus
    rotation: FloatMatrix | None = None
    guides: tuple[FloatMatrix, FloatMatrix] | None = None
    trained_map: FloatMatrix | None = None
    places: FloatMatrix | None = None
    sources: tuple[tuple[str, int], ...] = ()

    @property
    def base_rows(self) -> FloatMatrix | None:
        """Where the base model puts the broad texts, `(n, d)`: the teacher's rows, unless another model teaches."""
        return self.teacher if self.places is None else self.places

    @property
    def matrix(self) -> FloatMatrix | None:
        """What the steps work over: the map, or else the rotation."""
        return self.rotation if self.trained_map is None else self.trained_map


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
        pairs, sources = self._sampled_pairs()
        plain = TrainingSet(pairs, (), None, small_collection(data.judge, data.validation_split), sources=sources)
        self._say_what_is_cut(plain.pairs)
        needs_negatives = config.pairs.negatives == "mined" and not data.pairs.negatives
        needs_rotation = config.adapter.rotation and config.objective.matryoshka
        asks_base = config.objective.guided or config.objective.spare_likely
        if not (needs_negatives or needs_rotation or config.objective.distillation or asks_base):
            return plain  # Nothing is asked of the base model: pairs as they are, from the model as it is.
        searched = self._sampled_documents()
        parts = self._parts_of(searched)
        made = self._with_negatives_and_rotation(plain, searched, parts, needs_negatives, needs_rotation)
        if not config.objective.distillation:
            return made  # No teacher, so no broad text either: steps on pairs alone.
        broad = data.broad if self._distils_others else (*data.broad, *parts.texts)
        made = self._with_teacher(made, broad)
        return replace(made, trained_map=self._map(made))

    def _with_teacher(self, made: TrainingSet, broad: tuple[str, ...]) -> TrainingSet:
        """The broad texts with the teacher's vectors: a translation's are those of the text that it translates."""
        originals, translations = self.task.data.parallel.queries, self.task.data.parallel.positives
        read = (*broad, *originals)
        places = (
            np.concatenate([rows := self._documents(read), rows[len(broad) :]]) if originals else self._documents(read)
        )
        made = replace(made, broad=(*read, *translations))
        if self.task.teacher is None:
            return replace(made, teacher=places)
        taught = self._taught_by(self.task.teacher, read)
        taught = np.concatenate([taught, taught[len(broad) :]])
        return replace(made, teacher=taught, places=places)

    def _taught_by(self, teacher: Base, texts: tuple[str, ...]) -> FloatMatrix:
        """Another model's unit rows of texts, `(n, D)`, read as it reads documents and cut where training cuts."""
        model = teacher.load(str(self.vectors.model.device))
        limit_tokens(model, self.task.config.pairs.max_tokens)
        reading = Reading("document", teacher.spec.document_prompt)
        return BaseVectors(teacher, model, self.vectors.cache).of(texts, reading, self._progress)

    def _map(self, made: TrainingSet) -> FloatMatrix | None:
        """The rotation as a free map; that of an interrupted run if there is one, None if none is wanted."""
        path, config, pairs = self.work / "map.npy", self.task.config, made.pairs
        if not config.adapter.map_steps or made.rotation is None or made.base_rows is None:
            return None
        if path.is_file():
            return np.load(path, allow_pickle=False)
        queries, positives = self._queries(pairs.queries), self._documents(pairs.positives)
        vectors = PairVectors(queries, positives, self._negatives(pairs, positives), made.base_rows)
        trained = fit_map(
            made.rotation,
            vectors,
            config.objective,
            config.adapter.map_steps,
            config.schedule.seed,
            self._progress,
        )
        np.save(path, trained)
        return trained

    @property
    def _distils_others(self) -> bool:
        """Whether the distilled text is that of others, so that the data's own text is free to move."""
        return self.task.config.pairs.broad == "others"

    def _negatives(self, pairs: Pairs, positives: FloatMatrix) -> FloatMatrix:
        """Vectors of the hard negatives, no rows without any; mined ones are positives of other rows."""
        if not pairs.negatives:
            return positives[:0]
        rows = {text: row for row, text in enumerate(pairs.positives)}
        if all(text in rows for text in pairs.negatives):
            return positives[[rows[text] for text in pairs.negatives]]
        return self._documents(pairs.negatives)

    def _sampled_pairs(self) -> tuple[Pairs, tuple[tuple[str, int], ...]]:
        """The pairs to learn from, with their sources: more than the sample are not worth the wait before a step."""
        data, most = self.task.data, self.task.config.pairs.sample
        if not most or len(data.pairs) <= most:
            return data.pairs, data.sources
        rows = data.draw(most, self.task.config.schedule.seed)
        own = int(np.sum(rows < data.own_pairs))
        beside = f", {own:,} of them the data's own" if data.sources else ""
        self.report.say(
            f"{most:,} of the {len(data.pairs):,} pairs, drawn at random{beside}, are learnt from (--sample)."
        )
        return data.pairs.take(rows.tolist()), data.sources_among(rows)

    def _sampled_documents(self) -> tuple[Document, ...]:
        """The documents that the rotation is made for."""
        documents, most = self.task.data.judge.documents, self.task.config.pairs.sample // 2
        if not most or len(documents) <= most:
            return documents
        rows = np.random.default_rng(self.task.config.schedule.seed).permutation(len(documents))[:most]
        return tuple(documents[row] for row in sorted(rows.tolist()))

    def _parts_of(self, documents: Sequence[Document]) -> Parts:
        config = self.task.config
        most = (config.pairs.sample // 2,) if config.pairs.sample else ()
        return parts_of(documents, config.schedule.seed, *most)

    def _with_negatives_and_rotation(
        self,
        plain: TrainingSet,
        searched: Sequence[Document],
        parts: Parts,
        needs_negatives: bool,
        needs_rotation: bool,
    ) -> TrainingSet:
        """Both are made from the base model's vectors of the pairs."""
        objective = self.task.config.objective
        asks_base = objective.guided or objective.spare_likely
        if not (needs_negatives or needs_rotation or asks_base):
            return plain
        queries, positives = self._queries(plain.pairs.queries), self._documents(plain.pairs.positives)
        rotation = self._rotation(plain.pairs, queries, positives, searched, parts) if needs_rotation else None
        seed = self.task.config.schedule.seed
        pairs = mined_negatives(plain.pairs, queries, positives, seed) if needs_negatives else plain.pairs
        guides = (_turned(queries, rotation), _turned(positives, rotation)) if asks_base else None
        return replace(plain, pairs=pairs, rotation=rotation, guides=guides)

    def _rotation(
        self,
        pairs: Pairs,
        queries: FloatMatrix,
        positives: FloatMatrix,
        documents: Sequence[Document],
        parts: Parts,
    ) -> FloatMatrix:
        """The start's rotation; that of an interrupted run if there is one."""
        path = self.work / "rotation.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False)
        config = self.task.config
        distinct = {text: i for i, text in reversed(list(enumerate(pairs.positives)))}
        place = {text: i for i, text in enumerate(distinct)}
        searched = self._documents([document.content for document in documents])
        start = StartVectors(
            queries=queries,
            positives=positives[list(distinct.values())],
            answers=[place[text] for text in pairs.positives],
            searched=searched,
            parts=self._queries(parts.texts),
            wholes=list(parts.wholes),
            broad=searched if self._distils_others else self._documents(self.task.data.broad),
        )
        objective = config.objective
        rotation = fit_start(start, objective.dims, objective.dim_weights, config.schedule.seed, self._progress)
        np.save(path, rotation)
        return rotation

    def _say_what_is_cut(self, pairs: Pairs) -> None:
        """How many texts of these pairs are longer than training reads; before and after are measured at full length.

        They are the pairs learnt from: to count the tokens of all broad pairs takes minutes.
        """
        model, prompts = self.vectors.model, self.task.config.prompts
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


def _turned(vectors: FloatMatrix, rotation: FloatMatrix | None) -> FloatMatrix:
    """Unit rows in the axes of the student, so that its full vectors can be compared with them."""
    return vectors if rotation is None else normalise(vectors @ rotation)
