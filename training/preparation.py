"""From pairs and text to what the optimiser sees: hard negatives, the teacher's vectors, the rotation to start from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.corpora.parts import Parts, parts_of
from mrl_demo.models.reading import count_cut_texts, limit_tokens, token_limit
from training.bases import BaseVectors
from training.context import RunContext, RunMaterial
from training.data.pairs import Pairs, mined_negatives
from training.fit.start import StartVectors, fit_start
from training.fit.trainer import TrainingSet
from training.fit.validation import small_validation


@dataclass(frozen=True)
class Preparation:
    """What training starts with; `rotation` is `(d, d)` float32, None for a start from the model as it is."""

    training: TrainingSet
    rotation: FloatMatrix | None = None


def prepare_training(
    material: RunMaterial, vectors: BaseVectors, context: RunContext, kept_rotation: Path
) -> Preparation:
    """Encode what the configuration needs and no more, and make the training set of it.

    The base model encodes pairs for the rotation and for mining; broad text for distillation. A configuration without
    any of these encodes nothing. `kept_rotation` is the file in which an interrupted run left its rotation.
    """
    config, data = material.config, material.data
    limit_tokens(vectors.model, config.max_tokens)
    _say_what_is_cut(material, vectors, context)
    plain = TrainingSet(data.pairs, (), None, small_validation(data.judge, data.validation_split))
    mines = config.negatives == "mined" and not data.pairs.negatives
    if not (config.distillation or config.rotation or mines):
        return Preparation(plain)
    pairs = _PairVectors.encode(data.pairs, material, vectors, context)
    parts = parts_of(data.judge.documents, config.seed)
    rotation = None
    if config.rotation and config.matryoshka:  # The control has none: it would be half of what MatryoshkaLoss buys.
        rotation = _start_rotation(material, pairs, parts, vectors, context, kept_rotation)
    training = plain
    if mines:
        training = replace(plain, pairs=mined_negatives(data.pairs, pairs.queries, pairs.positives, config.seed))
    if config.distillation:
        broad = (*data.broad, *parts.texts)
        teacher = vectors.of(broad, config.document_reading, context.report.progress)
        training = replace(training, broad=broad, teacher=teacher)
    return Preparation(training, rotation)


def _say_what_is_cut(material: RunMaterial, vectors: BaseVectors, context: RunContext) -> None:
    """How many texts of the pairs are longer than training reads; before and after are measured at full length."""
    pairs, config, model = material.data.pairs, material.config, vectors.model
    queries = count_cut_texts(model, pairs.queries, config.query_reading)
    positives = count_cut_texts(model, pairs.positives, config.document_reading)
    if count := queries.count + positives.count:
        context.report.say(
            f"{count:,} of {2 * len(pairs):,} texts of the pairs are longer than the {token_limit(model):,} tokens "
            "that training reads: their rest teaches nothing (--max-tokens)."
        )


@dataclass(frozen=True)
class _PairVectors:
    """The base model's vectors of both sides of the pairs, `(rows, d)` float32."""

    queries: FloatMatrix
    positives: FloatMatrix

    @classmethod
    def encode(cls, pairs: Pairs, material: RunMaterial, vectors: BaseVectors, context: RunContext) -> _PairVectors:
        """From the cache if it has them."""
        config, progress = material.config, context.report.progress
        return cls(
            vectors.of(pairs.queries, config.query_reading, progress),
            vectors.of(pairs.positives, config.document_reading, progress),
        )


def _start_rotation(
    material: RunMaterial,
    pairs: _PairVectors,
    parts: Parts,
    vectors: BaseVectors,
    context: RunContext,
    kept: Path,
) -> FloatMatrix:
    """The rotation fitted to the training text; that of an interrupted run if there is one."""
    if kept.is_file():
        return np.load(kept, allow_pickle=False)
    config, data, progress = material.config, material.data, context.report.progress
    distinct = {text: i for i, text in reversed(list(enumerate(data.pairs.positives)))}
    place = {text: i for i, text in enumerate(distinct)}
    documents = [document.content for document in data.judge.documents]
    start = StartVectors(
        pairs.queries,
        pairs.positives[list(distinct.values())],
        [place[text] for text in data.pairs.positives],
        vectors.of(documents, config.document_reading, progress),
        vectors.of(parts.texts, config.query_reading, progress),
        list(parts.wholes),
        vectors.of(data.broad, config.document_reading, progress),
    )
    rotation = fit_start(start, config.dims, config.dim_weights, config.seed, progress)
    np.save(kept, rotation)
    return rotation
