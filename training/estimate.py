"""What a run's stages are and how long each will take here, from the size of its data and how fast the base encodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.models.reading import token_limit
from training.bases import encode
from training.data.small import small_collection
from training.fit.trainer import planned_steps
from training.task import Task
from training.wait import Stage

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BASELINE, TEXTS, STEPS, SHARES, RESULT = (
    "the base model reads what it is judged by",
    "the base model reads what is learnt from",
    "training",
    "how much of the training to keep",
    "measuring the result",
)
_PROBES = 48
#: Characters of a token of English, and what a text costs beyond its characters.
_TOKEN, _OVERHEAD = 4.5, 20.0
#: A trained text is read forwards and backwards, padded to its batch, through layers that keep what they saw: measured
#: on two processor cores against bulk encoding.
_TRAINED_TEXT = 5.0
#: With a gradient cache it is read forwards once more, without a graph.
_CACHED_TEXT = 6.0
#: Learning the rotation to start from.
_ROTATION_SECONDS = 45.0
_MAP_STEP_SECONDS = 0.1
#: Text of others that a check does not gather: queries and documents that the tax is measured on, and their length.
_OTHERS_TEXTS, _OTHERS_CHARACTERS = 3_200, 350


@dataclass(frozen=True)
class Speed:
    """How fast the base model encodes here: `characters` a second, and the most `tokens` that it reads of a text."""

    characters: float
    tokens: int

    def seconds(self, texts: Sequence[str], limit: int = 0) -> float:
        """How long `texts` take to encode, cut at `limit` tokens or at the model's own."""
        return sum(self._cost(text, limit) for text in texts) / self.characters

    def _cost(self, text: str, limit: int) -> float:
        tokens = min(limit or self.tokens, self.tokens) if self.tokens else limit
        return min(len(text), tokens * _TOKEN) + _OVERHEAD if tokens else len(text) + _OVERHEAD


def probe_speed(model: SentenceTransformer, task: Task) -> Speed:
    """Encode some of the task's texts and look at the clock: a second or two."""
    documents = task.data.judge.documents
    texts = [document.content for document in documents[:: max(1, len(documents) // _PROBES)]][:_PROBES]
    encode(model, texts[:4], task.config.prompts.document_reading)  # The first texts pay for what is made once.
    started = time.perf_counter()
    encode(model, texts, task.config.prompts.document_reading)
    took = max(time.perf_counter() - started, 1e-3)
    unit = Speed(1.0, int(token_limit(model) or 0))
    return replace(unit, characters=unit.seconds(texts) / took)


def expected_stages(task: Task, speed: Speed, processes: int = 1) -> tuple[Stage, ...]:
    """The stages of the task's run in their order; vectors that are in the cache already make it shorter."""
    config, data = task.config, task.data
    judged = _judging_texts(task)
    stages = [
        Stage(BASELINE, speed.seconds(judged)),
        Stage(TEXTS, _texts_seconds(task, speed), is_one=False),
        Stage(STEPS, _steps_seconds(task, speed, processes)),
    ]
    if config.adapter.shares:
        own = small_collection(data.judge, data.validation_split)
        measured = [
            text
            for judge in (own, *data.others)
            for text in (*(query.text for query in judge.queries), *(document.content for document in judge.documents))
        ]
        measured += [] if data.others else ["x" * _OTHERS_CHARACTERS] * _OTHERS_TEXTS
        rounds = len(config.adapter.shares) + 2  # One for base, one between two shares.
        stages.append(Stage(SHARES, rounds * speed.seconds(measured, config.pairs.max_tokens)))
    return (*stages, Stage(RESULT, speed.seconds(judged)))


def _judging_texts(task: Task) -> list[str]:
    judge = task.data.judge
    queries = [query.text for query in judged_set(judge, task.data.test_split).queries]
    return [*queries, *(document.content for document in judge.documents)]


def _texts_seconds(task: Task, speed: Speed) -> float:
    """Pairs, documents, their sentences and the broad text, as far as the configuration wants them."""
    config, data = task.config, task.data
    limit, sample = config.pairs.max_tokens, config.pairs.sample
    seconds = speed.seconds(data.broad, limit) if config.objective.distillation else 0.0
    if task.teacher:
        seconds *= 1 + task.teacher.weight_bytes / max(task.base.weight_bytes, 1)
    if config.pairs.negatives == "mined" or config.adapter.rotation:
        rows = min(len(data.pairs), sample or len(data.pairs))
        share = rows / len(data.pairs)
        seconds += share * speed.seconds((*data.pairs.queries, *data.pairs.positives), limit)
    if config.adapter.rotation and config.objective.matryoshka:
        documents = data.judge.documents[: sample // 2 or None]
        sentences = min(sample // 2 or 20_000, 8 * len(documents))  # A document has some eight.
        seconds += speed.seconds([document.content for document in documents], limit)
        seconds += sentences * speed.seconds(["x" * 100], limit) + _ROTATION_SECONDS
        seconds += config.adapter.map_steps * _MAP_STEP_SECONDS
    return seconds


def _steps_seconds(task: Task, speed: Speed, processes: int) -> float:
    """Batches of pairs (question, answer, wrong answer) and of broad text in turn, and the validations."""
    config, data = task.config, task.data
    limit, size = config.pairs.max_tokens, config.schedule.batch_size
    rows = min(len(data.pairs), config.pairs.sample or len(data.pairs))
    broad = len(data.broad) if config.objective.distillation else 0
    steps = planned_steps(config, rows, broad, processes)
    pair = _mean(speed, data.pairs.queries, limit) + 2 * _mean(speed, data.pairs.positives, limit)
    pair *= _CACHED_TEXT if config.objective.loss == "cached-mnrl" else _TRAINED_TEXT
    step = (pair + _TRAINED_TEXT * _mean(speed, data.broad, limit)) / 2 if broad else pair
    judge = small_collection(data.judge, data.validation_split)
    validation = speed.seconds([document.content for document in judge.documents], limit)
    return steps * size * step + config.schedule.evaluations * validation


def _mean(speed: Speed, texts: Sequence[str], limit: int) -> float:
    return speed.seconds(texts, limit) / max(len(texts), 1)
