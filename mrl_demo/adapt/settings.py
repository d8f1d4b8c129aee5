"""How a rotation is learnt, as one checked value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrl_demo.adapt.rotation import AdaptError

_MATRYOSHKA_PRIOR = 0.5


@dataclass(frozen=True)
class AdaptSettings:
    """How `fit_adapted` learns; the defaults come from the experiments in `dev/LOG.md`.

    `prefixes` are the lengths to serve, empty for `default_prefixes`. Half of a batch of `batch_size` documents is
    random, half is random documents with their `neighbours` nearest, so that the loss sees near misses. Where there
    are queries, a batch has half as many documents, of which every second asks, and as many queries ask beside them,
    each with its `query_neighbours` nearest documents; they have `query_share` of the loss. `temperature` is that of
    the softmax over cosines; a prefix p weighs p to the power of `prefix_weight`. `learning_rate` is the Frobenius
    norm of the first steps, 1 at most; corpora under 8,192 documents get shorter ones. `axis_prior` says how much the
    order of the numbers that came is to be trusted: the fit starts at the PCA of vectors whose i-th number is scaled
    by i to the power of -`axis_prior`, 0 for plain PCA. `time_limit_s` ends the fit early with the best rotation so
    far (the one thing that can break determinism).

    >>> AdaptSettings.for_model(trained_dims=(64, 128)).axis_prior, AdaptSettings.for_model(()).axis_prior
    (0.5, 0.0)
    """

    prefixes: tuple[int, ...] = ()
    steps: int = 600
    batch_size: int = 1024
    neighbours: int = 8
    query_neighbours: int = 4
    query_share: float = 0.6
    temperature: float = 0.05
    prefix_weight: float = 0.5
    learning_rate: float = 0.8
    axis_prior: float = 0.0
    seed: int = 0
    time_limit_s: float = 55.0
    check_every: int = 10
    patience: int = 25

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "neighbours", "query_neighbours", "check_every", "patience"):
            value = getattr(self, name)
            _require(isinstance(value, int) and value >= 1, name, value, "a whole number from 1")
        _require(0 <= self.prefix_weight <= 4, "prefix_weight", self.prefix_weight, "a number from 0 to 4")
        _require(0 <= self.axis_prior <= 4, "axis_prior", self.axis_prior, "a number from 0 to 4")
        _require(0 <= self.query_share <= 1, "query_share", self.query_share, "a number from 0 to 1")
        _require(0 < self.learning_rate <= 1, "learning_rate", self.learning_rate, "above 0 and at most 1")
        for name in ("temperature", "time_limit_s"):
            value = getattr(self, name)
            _require(0 < value < float("inf"), name, value, "a number above 0")
        at_least = 2 * self.neighbours
        _require(self.batch_size >= at_least, "batch_size", self.batch_size, f"{at_least} (twice neighbours) or more")
        whole = all(isinstance(prefix, int) and prefix >= 1 for prefix in self.prefixes)
        rising = whole and list(self.prefixes) == sorted(set(self.prefixes))
        _require(rising, "prefixes", self.prefixes, "rising whole numbers from 1")

    @classmethod
    def for_model(cls, trained_dims: Sequence[int]) -> AdaptSettings:
        """The defaults for a model's vectors: one trained with MRL has put its most useful numbers first."""
        return cls(axis_prior=_MATRYOSHKA_PRIOR if trained_dims else 0.0)


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise AdaptError(f"{name} is {value!r}: it must be {expected}.")
