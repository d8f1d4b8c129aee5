"""Specialist or generalist: what each share of the training gains on the run's queries and costs on text of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from mrl_demo.core.types import Corpus
from mrl_demo.jobs.events import ByDim, ShareMeasured, event_from_dict, event_to_dict
from mrl_demo.models.reading import limit_tokens
from training.bases import BaseVectors
from training.config import TrainConfig
from training.fit.validation import base_quality, encode_both, mean_ndcg

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: The model with that share of what was trained.
AtShare = Callable[[float], "SentenceTransformer"]


@dataclass(frozen=True)
class ShareMeter:
    """Measures shares on `own`, the run's validation queries, and on `others`, collections it did not learn from.

    Models read as many tokens as training did, base and trained alike; the tax is the share of the base model's nDCG@10
    that is lost at full length.
    """

    own: Corpus
    others: Sequence[Corpus]
    vectors: BaseVectors
    config: TrainConfig

    def measure(self, at_share: AtShare, told: Callable[[ShareMeasured], None]) -> tuple[ShareMeasured, ...]:
        """Every share of the configuration, and one between the best that its limit allows and the next."""
        before = {corpus.label: self._base(corpus)[self._full] for corpus in self.others}
        rows: list[ShareMeasured] = []
        for share in self._shares(rows):
            row = self._row(share, at_share(share), before)
            rows.append(row)
            told(row)
        return tuple(sorted(rows, key=lambda row: row.share))

    def _shares(self, rows: Sequence[ShareMeasured]) -> Iterator[float]:
        """`rows` is read once the configured shares are measured."""
        yield from sorted(set(self.config.adapter.shares))
        limit = self.config.adapter.most_tax
        if limit and (between := share_between(rows, limit)) is not None:
            yield between

    def _row(self, share: float, model: SentenceTransformer, before: Mapping[str, float]) -> ShareMeasured:
        limit_tokens(model, self.config.pairs.max_tokens)
        own, *others = (self._quality(model, corpus) for corpus in (self.own, *self.others))
        pairs = zip(before.items(), others, strict=True)
        return ShareMeasured(share, own, {name: _loss(value, after[self._full]) for (name, value), after in pairs})

    def _quality(self, model: SentenceTransformer, corpus: Corpus) -> ByDim:
        return mean_ndcg(encode_both(model, corpus, "", self.config), corpus, "", self.config.objective.dims)

    def _base(self, corpus: Corpus) -> ByDim:
        return base_quality(self.vectors, corpus, self.config)

    @property
    def _full(self) -> int:
        return self.config.objective.dims[-1]


def _loss(before: float, after: float) -> float:
    return 1 - after / before if before else 0.0


def share_between(rows: Sequence[ShareMeasured], most_tax: float) -> float | None:
    """A share halfway between the highest one allowed and the next, None if all of them or none are allowed.

    >>> share_between([ShareMeasured(0.5, {}, {"a": 0.0}), ShareMeasured(1.0, {}, {"a": 0.1})], 0.01)
    0.75
    """
    by_share = sorted(rows, key=lambda row: row.share)
    for row, following in pairwise(by_share):
        if row.highest_tax <= most_tax < following.highest_tax:
            return (row.share + following.share) / 2
    return None


@dataclass(frozen=True)
class ShareCurve:
    """The share that is `kept`, the shares that were measured, and why this one, in a few words.

    `tested` is the share that the run's test figures belong to: another one once a run is rescaled.

    >>> ShareCurve(0.5).words
    '0.5 of the training is kept.'
    """

    kept: float
    rows: tuple[ShareMeasured, ...] = ()
    reason: str = ""
    tested: float | None = None

    @property
    def words(self) -> str:
        """What is kept and why, a sentence."""
        return f"{self.kept:g} of the training is kept{f': {self.reason}' if self.reason else ''}."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        tested = self.kept if self.tested is None else self.tested
        rows = [event_to_dict(row) for row in self.rows]
        return {"kept": self.kept, "reason": self.reason, "tested": tested, "rows": rows}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> ShareCurve:
        """Read what `to_dict` wrote."""
        rows = tuple(row for row in map(event_from_dict, raw["rows"]) if isinstance(row, ShareMeasured))
        return cls(float(raw["kept"]), rows, str(raw["reason"]), float(raw["tested"]))


def decide_share(rows: Sequence[ShareMeasured], config: TrainConfig) -> ShareCurve:
    """The curve with the share to keep: the configuration's own, or with `most_tax` the best one that it allows.

    Best is the highest mean nDCG@10 over the lengths on the run's own queries. If none is cheap enough, the cheapest.
    """
    adapter, by_share = config.adapter, tuple(rows)
    if not adapter.most_tax:
        return ShareCurve(adapter.adapter_scale, by_share)
    allowed = [row for row in rows if row.highest_tax <= adapter.most_tax]
    if not allowed:
        cheapest = min(rows, key=lambda row: row.highest_tax)
        reason = f"no measured share costs text of others {adapter.most_tax:.1%} or less, and this is the cheapest"
        return ShareCurve(cheapest.share, by_share, reason)
    best = max(allowed, key=lambda row: fmean(row.own.values()))
    reason = f"the best for your queries among the shares that cost text of others at most {adapter.most_tax:.1%}"
    return ShareCurve(best.share, by_share, reason)


def share_table(rows: Sequence[ShareMeasured], dims: Sequence[int], kept: float) -> str:
    """The curve as plain text: nDCG@10 on the run's own validation queries, and what text of others loses."""
    shown = [dim for dim in dims if dim >= 32] or list(dims)
    names = list(rows[0].tax) if rows else []
    lines = [
        "Share of the training that is kept: nDCG@10 on your validation queries at "
        f"{', '.join(map(str, shown))} numbers; what text of others loses at full length"
    ]
    for row in rows:
        own = "  ".join(f"{row.own[dim]:.3f}" for dim in shown)
        tax = "  ".join(f"{name} {row.tax[name]:+.1%}" for name in names)
        lines.append(f"{'>' if row.share == kept else ' '} {row.share:5.3g}  {own}  {tax}")
    return "\n".join(lines)
