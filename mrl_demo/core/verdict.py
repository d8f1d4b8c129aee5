"""What a comparison comes to, as values: what the cut saves, what it did to this query, what it does on average."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class AnswerLevel:
    """What an answered question reaches at full length, for one model and collection: less seems to be unanswered.

    `level` is of two cosines added up: that of the best document and that of the one at `near_rank`, since a question
    that a collection is about has many documents near it. `basis` names what the `n_answered` questions are that
    set it; `n_off_topic` texts have no answer. `missed` is the share of answered questions that it takes for
    unanswered, `passed` the share of off-topic texts that it takes for answered, both on texts that did not set it.

    >>> AnswerLevel(0.6, 50, "judged questions", n_answered=800, n_off_topic=100, missed=0.02, passed=0.1).level
    0.6
    """

    level: float
    near_rank: int
    basis: str
    n_answered: int
    n_off_topic: int
    missed: float
    passed: float


@dataclass(frozen=True)
class KeptQuality:
    """The share of its own full-length quality that an arm keeps at `dim` numbers, with its 95% interval.

    Measured over `n_queries` by `metric`; `dim` is the longest measured length that is no longer than the one in use.

    >>> KeptQuality(0.9, 0.88, 0.92, n_queries=800, metric="ndcg@10", dim=64).dim
    64
    """

    value: float
    low: float
    high: float
    n_queries: int
    metric: str
    dim: int


@dataclass(frozen=True)
class SideVerdict:
    """What the cut did to one arm's answer to this query.

    `title` names the document whose `rank` is followed, `full_rank` is its rank with the full vector: the best known
    answer if `is_known_answer`, otherwise the arm's own full-length winner; all None and "" if there is no
    document. `kept` of the first `depth` full-length results are still among them. `best_score` is the best
    full-length cosine, `near_score` that of the last of its neighbourhood, `level` what both together come to if
    there is an answer; `quality` is None if it was not measured.

    >>> SideVerdict("base", "Base", 384, "Bees", 51, 1, True, kept=4, depth=10, best_score=0.3).seems_unanswered
    False
    """

    arm: str
    label: str
    full_dim: int
    title: str
    rank: int | None
    full_rank: int | None
    is_known_answer: bool
    kept: int
    depth: int
    best_score: float
    near_score: float = 0.0
    level: AnswerLevel | None = None
    quality: KeptQuality | None = None

    @property
    def seems_unanswered(self) -> bool:
        """Whether no answer is known and less is near than is near answered questions."""
        near = self.best_score + self.near_score
        return not self.is_known_answer and self.level is not None and near < self.level.level


@dataclass(frozen=True)
class Verdict:
    """One query at `dim` numbers; `sides` in the order of the arms.

    >>> side = SideVerdict("base", "Base", 384, "Bees", 51, 1, True, kept=4, depth=10, best_score=0.3)
    >>> Verdict(64, (side,)).times_smaller, Verdict(64, (side,)).bytes_per_vector
    ((6.0,), 256)
    """

    dim: int
    sides: tuple[SideVerdict, ...]

    @property
    def bytes_per_vector(self) -> int:
        """Bytes of one cut float32 vector."""
        return 4 * self.dim

    @property
    def times_smaller(self) -> tuple[float, ...]:
        """How many cut vectors take the room of one full vector, for each side."""
        return tuple(side.full_dim / self.dim for side in self.sides)

    @property
    def seems_unanswered(self) -> bool:
        """Whether nothing in the collection seems to answer the query, by every side."""
        return bool(self.sides) and all(side.seems_unanswered for side in self.sides)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types."""
        return {**asdict(self), "sides": [asdict(side) for side in self.sides], "unanswered": self.seems_unanswered}
