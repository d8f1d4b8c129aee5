"""What a page that watches a run reads: one JSON line for each step and each validation (`--events FILE`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from mrl_demo.arms.vectors import ArmVectors
from mrl_demo.core.types import Corpus
from mrl_demo.evaluation.judged import judged_set
from mrl_demo.jobs.events import BaseQuality, LineWriter, StepDone, ValidationDone
from training.bases import BaseVectors
from training.config import TrainConfig
from training.fit.validation import mean_ndcg

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainer

_BY_DIM = "eval_validation_ndcg@10_dim"
Watch = Callable[["SentenceTransformerTrainer"], None]


def watcher(path: Path | None, config: TrainConfig, vectors: BaseVectors, validation: Corpus) -> Watch | None:
    """A function that makes a trainer write its events to `path`; None without a path.

    The first is what the base model reaches on the validation queries.
    """
    if path is None:
        return None
    writer = LineWriter(path)

    def attach(trainer: SentenceTransformerTrainer) -> None:
        """Write what base reaches, then listen to this trainer."""
        if config.schedule.evaluations:
            writer.event(BaseQuality(base_quality(vectors, validation, config)))
        losses = LossesByDim()
        losses.listen(trainer.loss if isinstance(trainer.loss, dict) else {"pairs": trainer.loss})
        trainer.add_callback(EventWriter(writer, losses))

    return attach


def base_quality(vectors: BaseVectors, validation: Corpus, config: TrainConfig) -> dict[int, float]:
    """The base model's mean nDCG@10 by prefix on the collection that validates; vectors come from the cache."""
    queries = [query.text for query in judged_set(validation, "").queries]
    documents = [document.content for document in validation.documents]
    prompts = config.prompts
    arm = ArmVectors(vectors.of(queries, prompts.query_reading), vectors.of(documents, prompts.document_reading))
    return mean_ndcg(arm, validation, "", config.objective.dims)


class LossesByDim:
    """The last batch's loss at every prefix, listened to inside MatryoshkaLoss, which only returns their sum.

    Losses with a gradient cache go through the prefixes elsewhere and stay silent, as do losses without prefixes.
    """

    def __init__(self) -> None:
        self.task = ""
        self.by_dim: dict[int, float] = {}

    def listen(self, losses: dict[str, Any]) -> None:
        """Put hooks on the losses, by the name of their data set."""
        for task, loss in losses.items():
            loss.register_forward_pre_hook(self._started(task))
            if getattr(loss, "matryoshka_dims", None) and not getattr(loss, "uses_gradient_cache", False):
                loss.loss.register_forward_hook(self._heard(list(loss.matryoshka_dims)))

    def _started(self, task: str) -> Callable[..., None]:
        def start(*_: Any) -> None:  # noqa: ANN401
            self.task, self.by_dim = task, {}

        return start

    def _heard(self, dims: list[int]) -> Callable[..., None]:
        def hear(_module: Any, _inputs: Any, value: Any) -> None:  # noqa: ANN401
            if len(self.by_dim) < len(dims):
                self.by_dim[dims[len(self.by_dim)]] = float(value.detach())

        return hear


class EventWriter(TrainerCallback):
    """Appends steps (loss, loss by prefix, seconds left) and validations (nDCG@10 by prefix)."""

    def __init__(self, writer: LineWriter, losses: LossesByDim) -> None:
        self._writer, self._losses = writer, losses
        self._started, self._first = 0.0, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Start the clock that the time left is reckoned by."""
        self._started, self._first = time.perf_counter(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Append what the trainer has logged: a step's loss, a validation's figures."""
        logs = logs or {}
        done = max(state.global_step - self._first, 1)
        left = (time.perf_counter() - self._started) / done * (state.max_steps - state.global_step)
        place = (int(state.global_step), int(state.max_steps), round(left, 1))
        if "loss" in logs:
            heard = self._losses
            self._writer.event(StepDone(*place, float(logs["loss"]), heard.task, dict(heard.by_dim)))
        ndcg = {int(name.removeprefix(_BY_DIM)): value for name, value in logs.items() if name.startswith(_BY_DIM)}
        if ndcg:
            self._writer.event(ValidationDone(*place, ndcg))
