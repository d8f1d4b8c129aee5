"""What a run tells while it trains: typed events of its steps and validations, to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from transformers import TrainerCallback

from mrl_demo.jobs.events import Event, StepDone, ValidationDone

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformerTrainer

_BY_DIM = "eval_validation_ndcg@10_dim"
Listener: TypeAlias = Callable[[Event], None]


def tell_events(trainer: SentenceTransformerTrainer, listeners: Sequence[Listener]) -> None:
    """Let a trainer tell its steps (loss, loss by prefix, seconds left) and validations (nDCG@10 by prefix)."""
    losses = LossesByDim()
    losses.listen(trainer.loss if isinstance(trainer.loss, dict) else {"pairs": trainer.loss})
    trainer.add_callback(EventTeller(listeners, losses))


class LossesByDim:
    """The last batch's data set and its loss at every prefix; losses without prefixes have none."""

    def __init__(self) -> None:
        self.task = ""
        self.by_dim: dict[int, float] = {}

    def listen(self, losses: dict[str, Any]) -> None:
        """Put hooks on the losses, by the name of their data set."""
        for task, loss in losses.items():
            loss.register_forward_hook(self._heard(task))

    def _heard(self, task: str) -> Callable[..., None]:
        def hear(loss: Any, _inputs: Any, _value: Any) -> None:  # noqa: ANN401
            """Remember the losses of the task that was just computed."""
            self.task, self.by_dim = task, dict(getattr(loss, "by_dim", {}))

        return hear


class EventTeller(TrainerCallback):
    """Tells the listeners what the trainer logs."""

    def __init__(self, listeners: Sequence[Listener], losses: LossesByDim) -> None:
        self._listeners, self._losses = listeners, losses
        self._started, self._first = 0.0, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Start the clock that the time left is reckoned by."""
        self._started, self._first = time.perf_counter(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Tell what the trainer has logged: a step's loss, a validation's figures."""
        logs = logs or {}
        done = max(state.global_step - self._first, 1)
        left = (time.perf_counter() - self._started) / done * (state.max_steps - state.global_step)
        place = (int(state.global_step), int(state.max_steps), round(left, 1))
        if "loss" in logs:
            self._tell(StepDone(*place, float(logs["loss"]), self._losses.task, dict(self._losses.by_dim)))
        ndcg = {int(name.removeprefix(_BY_DIM)): value for name, value in logs.items() if name.startswith(_BY_DIM)}
        if ndcg:
            self._tell(ValidationDone(*place, ndcg))

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
