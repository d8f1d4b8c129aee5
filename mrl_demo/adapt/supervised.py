"""A supervised Matryoshka adaptor (arXiv 2407.20243) that judged pairs may improve and never spoil.

A residual head of one hidden layer over the principal axes of the documents, taught by a bounded hinge loss at every
prefix. Five folds of the judged queries say, on queries that a fold never saw, what it gains; if that is not surely
above nothing, the head is refused and the axes alone are kept.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor
from torch.nn import functional

from mrl_demo.adapt.judged import JudgedPairs, find_near_misses
from mrl_demo.adapt.rotation import AdaptError, default_prefixes, fit_pca
from mrl_demo.core.errors import ModelError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix, IntMatrix, Progress
from mrl_demo.core.vectors import normalise, truncate

SUPERVISED_KIND = "supervised"
#: Part of every cache key: goes up when the recipe's result changes.
SUPERVISED_RECIPE = 1
#: Fewer judged queries say nothing of what they would gain.
FEWEST_JUDGED = 10
_FOLDS, _MOST_JUDGING, _DEPTH = 5, 1_000, 10
#: One-sided 95%: the gain must be surely above nothing.
_SURE = 1.645
_HIDDEN, _STEPS, _BATCH, _RATE = 128, 60, 128, 3e-4
_MARGIN, _ANCHOR, _TEMPERATURE = 0.1, 1.0, 0.05


@dataclass(frozen=True)
class SupervisedMap:
    """`z = x @ axes`, then `z + gelu(z @ inner + bias) @ outer`: axes `(d, d)`, inner `(d, h)`, outer `(h, d)` float32.

    `gain` is the mean of nDCG@10 over the prefixes that folds gained on unseen queries, `surely` its one-sided lower
    bound (95%); `outer` is zero if the head was refused. `queries` were judged; `seconds` is the fit's wall time.

    >>> axes, nothing = np.eye(2, dtype=np.float32), np.zeros((4, 2), np.float32)
    >>> head = SupervisedMap(axes, nothing.T.copy(), np.zeros(4, np.float32), nothing)
    >>> head.is_refused, [round(number, 1) for number in head.apply(np.array([[3, 4]], np.float32))[0].tolist()]
    (True, [0.6, 0.8])
    """

    axes: FloatMatrix
    inner: FloatMatrix
    bias: FloatMatrix
    outer: FloatMatrix
    gain: float = 0.0
    surely: float = 0.0
    queries: int = 0
    seconds: float = 0.0
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.axes, self.inner, self.bias, self.outer)
        d, hidden = self.inner.shape
        if self.axes.shape != (d, d) or self.outer.shape != (hidden, d) or not all(np.isfinite(p).all() for p in parts):
            raise AdaptError(f"A head of shapes {[part.shape for part in parts]} is none, or holds NaN.")
        object.__setattr__(self, "fingerprint", hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest())

    @property
    def is_refused(self) -> bool:
        """Whether the judged pairs did not surely help, so that the axes alone are kept."""
        return not self.outer.any()

    @property
    def is_cut_short(self) -> bool:
        """Never: the steps are few and fixed."""
        return False

    def apply(self, vectors: FloatMatrix) -> FloatMatrix:
        """Map `(n, d)` vectors of documents or queries to `(n, d)` float32 unit rows."""
        turned = torch.from_numpy(normalise(vectors @ self.axes))
        if self.is_refused:
            rows: FloatMatrix = turned.numpy()
            return rows
        parts = tuple(torch.from_numpy(part) for part in (self.inner, self.bias, self.outer))
        with torch.no_grad():
            return normalise(_moved(turned, parts).numpy())

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """The same for queries."""
        return self.apply(vectors)

    def save(self, path: Path, key: str = "") -> None:
        """Write it to one safetensors file, whole or not at all; raises `CacheError`."""
        metadata = {name: repr(getattr(self, name)) for name in ("gain", "surely", "queries", "seconds")}
        metadata |= {"kind": SUPERVISED_KIND, "key": key, "sha256": self.fingerprint}
        parts = {"axes": self.axes, "inner": self.inner, "bias": self.bias, "outer": self.outer}
        with atomic_path(path) as temporary:
            save_file(parts, temporary, metadata=metadata)

    @classmethod
    def load(cls, path: Path, key: str, dimension: int) -> SupervisedMap:
        """Read what `save` wrote; raises `ModelError` naming the file if it is damaged or another's."""
        try:
            with safe_open(path, framework="numpy") as handle:
                said = handle.metadata() or {}
                axes, inner, bias, outer = (handle.get_tensor(name) for name in ("axes", "inner", "bias", "outer"))
            gain, surely, seconds = (float(said[name]) for name in ("gain", "surely", "seconds"))
            head = cls(axes, inner, bias, outer, gain, surely, int(said["queries"]), seconds)
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            raise ModelError(f"{path} is no readable head ({error}): delete it and fit it again.") from error
        if said.get("key") != key or said.get("sha256") != head.fingerprint or len(axes) != dimension:
            raise ModelError(f"{path} is damaged or was fitted for something else: delete it and fit it again.")
        return head


def fit_supervised(judged: JudgedPairs, seed: int = 0, progress: Progress | None = None) -> SupervisedMap:
    """Fit the head to judged pairs; refused, and the documents' principal axes kept, unless unseen queries gain.

    Deterministic on one machine. Raises `AdaptError` for under 10 judged queries, and whatever `progress` raises.
    """
    started = time.perf_counter()
    asked = np.unique(judged.pairs[:, 0])
    if len(asked) < FEWEST_JUDGED:
        raise AdaptError(
            f"{len(asked)} judged questions are too few to learn from and to be judged by: give {FEWEST_JUDGED}."
        )
    start = fit_pca(judged.documents)
    turned = JudgedPairs(start.apply(judged.queries), start.apply(judged.documents), judged.pairs)
    fit = _HeadFit(turned, seed)
    gains = _cross_validated(fit, asked, seed, progress)
    gain, surely = _sure_gain(gains)
    head = fit.train(turned.pairs) if surely > 0 else fit.untrained()
    inner, bias, outer = (np.ascontiguousarray(part.detach().numpy()) for part in head)
    seconds = time.perf_counter() - started
    return SupervisedMap(start.matrix, inner, bias, outer, gain, surely, len(asked), seconds)


def _sure_gain(gains: NDArray[np.float64]) -> tuple[float, float]:
    """Mean, and what it surely is at the least."""
    mean = float(gains.mean())
    return mean, mean - _SURE * float(gains.std(ddof=1)) / math.sqrt(len(gains))


def _cross_validated(fit: _HeadFit, asked: IntMatrix, seed: int, progress: Progress | None) -> NDArray[np.float64]:
    """What a head gains on each judged query, fitted on the other folds' pairs."""
    fold_of = _folds(fit, asked, seed)
    gains = []
    for fold in range(_FOLDS):
        if progress:
            progress(fold / (_FOLDS + 1), f"Fitting to judged questions, part {fold + 1} of {_FOLDS}")
        unseen = asked[fold_of == fold]
        taught = fit.judged.pairs[~np.isin(fit.judged.pairs[:, 0], unseen)]
        if not len(unseen) or not len(taught):
            continue
        head, unseen = fit.train(taught), unseen[: _MOST_JUDGING // _FOLDS]
        gains.append(fit.quality(head, unseen) - fit.quality(None, unseen))
    return np.concatenate(gains)


def _folds(fit: _HeadFit, asked: IntMatrix, seed: int) -> IntMatrix:
    """A fold for each judged query; those that share their first answer are in one, so that none is half seen."""
    first = np.array([min(fit.relevant[int(query)]) for query in asked])
    answers = np.random.default_rng(seed).permutation(np.unique(first))
    place = {int(answer): row % _FOLDS for row, answer in enumerate(answers)}
    return np.array([place[int(answer)] for answer in first], dtype=np.int64)


class _HeadFit:
    """The judged pairs in the documents' axes, and how a head is trained on some of them and judged by others."""

    def __init__(self, judged: JudgedPairs, seed: int) -> None:
        self.judged, self.seed = judged, seed
        self.queries, self.documents = torch.from_numpy(judged.queries), torch.from_numpy(judged.documents)
        self.near = find_near_misses(self.queries, self.documents, judged.pairs)
        full = judged.documents.shape[1]
        self.prefixes = (*(prefix for prefix in default_prefixes(full) if prefix < full), full)
        self.relevant: dict[int, set[int]] = {}
        for query, document in judged.pairs.tolist():
            self.relevant.setdefault(query, set()).add(document)

    def untrained(self) -> tuple[Tensor, Tensor, Tensor]:
        """A head that changes nothing."""
        d = self.documents.shape[1]
        generator = torch.Generator().manual_seed(self.seed)
        inner = torch.randn(d, _HIDDEN, generator=generator) / math.sqrt(d)
        return inner, torch.zeros(_HIDDEN), torch.zeros(_HIDDEN, d)

    def train(self, pairs: IntMatrix) -> tuple[Tensor, Tensor, Tensor]:
        """A head fitted to `pairs` `(p, 2)`."""
        head = tuple(part.requires_grad_() for part in self.untrained())
        generator = torch.Generator().manual_seed(self.seed)
        optimiser = torch.optim.Adam(head, lr=_RATE)
        rows = torch.from_numpy(pairs)
        for step in range(_STEPS):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * (1 - step / _STEPS)
            batch = rows[torch.randperm(len(rows), generator=generator)[:_BATCH]]
            loss = self._loss(batch, head)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        inner, bias, outer = head
        return inner, bias, outer

    def quality(self, head: tuple[Tensor, Tensor, Tensor] | None, asked: IntMatrix) -> NDArray[np.float64]:
        """Mean over the prefixes of nDCG@10 of each query, `(q,)`, all relevant documents of one grade."""
        queries, documents = self.judged.queries[asked], self.judged.documents
        if head is not None:
            with torch.no_grad():
                sides = (_moved(torch.from_numpy(side), head).numpy() for side in (queries, documents))
                queries, documents = (normalise(side) for side in sides)
        total = np.zeros(len(asked))
        for prefix in self.prefixes:
            scores = torch.from_numpy(truncate(queries, prefix) @ truncate(documents, prefix).T)
            best = scores.topk(min(_DEPTH, scores.shape[1]), dim=1).indices.tolist()
            total += [_ndcg(row, self.relevant[int(query)]) for row, query in zip(best, asked, strict=True)]
        return total / len(self.prefixes)

    def _loss(self, pairs: Tensor, head: tuple[Tensor, ...]) -> Tensor:
        asking, answers = pairs[:, 0], pairs[:, 1]
        candidates = torch.cat([answers, self.near[asking].flatten()]).unique()
        place = torch.searchsorted(candidates, answers.contiguous())
        judged = [[document in self.relevant[query] for document in candidates.tolist()] for query in asking.tolist()]
        is_wrong = ~torch.tensor(judged)
        queries, documents = self.queries[asking], self.documents[candidates]
        wanted = (queries @ documents.T / _TEMPERATURE).softmax(1)
        moved_queries, moved_documents = _moved(queries, head), _moved(documents, head)
        total = queries.new_zeros(())
        for prefix in self.prefixes:
            asked = functional.normalize(moved_queries[:, :prefix], dim=1)
            cosines = asked @ functional.normalize(moved_documents[:, :prefix], dim=1).T
            right = cosines.gather(1, place[:, None])
            # Bounded: a pair that contradicts everything pulls no harder than one that is a little wrong.
            violated = (_MARGIN - right + cosines).clamp(0, 2 * _MARGIN)[is_wrong]
            drift = functional.kl_div((cosines / _TEMPERATURE).log_softmax(1), wanted, reduction="batchmean")
            total = total + violated.mean() / _MARGIN + _ANCHOR * drift / len(self.prefixes)
        return total / len(self.prefixes)


def _moved(rows: Tensor, head: tuple[Tensor, ...]) -> Tensor:
    inner, bias, outer = head
    return rows + functional.gelu(rows @ inner + bias) @ outer


def _ndcg(best: list[int], relevant: set[int]) -> float:
    gained = sum(1 / math.log2(place + 2) for place, document in enumerate(best) if document in relevant)
    return gained / sum(1 / math.log2(place + 2) for place in range(min(_DEPTH, len(relevant))))
