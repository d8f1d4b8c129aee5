"""What else short prefixes keep: similarity of sentence pairs, and the classes of labelled texts.

MRL's first promise was 14 times smaller vectors at equal accuracy (arXiv 2205.13147, section 4.1): the k-NN
probe measures it without training, the logistic probe with a linear layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import Corpus, FloatMatrix, IntMatrix
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.corpora.labels.split import LabelledRows
from mrl_demo.evaluation.judging.metrics import FloatArray
from mrl_demo.evaluation.stats import LEVEL, PairedBootstrap

KNN_NEIGHBOURS = 5
_FEWEST_PAIRS = 5
_LOGISTIC_C = 10.0
#: How often the examples of a few-shot classifier are drawn; a figure is the mean over them.
FEW_SHOT_DRAWS = 20
_SHOTS = "-shot"


@dataclass(frozen=True)
class ProbeMetric:
    """A metric of what vectors keep besides rankings: `name` as given, `kind` "spearman", "accuracy" or "macro-f1".

    `probe` is "pairs", "logistic", "knn" or "5-shot" (any number of examples a class); `label` the field of the
    documents that is predicted, "" for the default.
    """

    name: str
    kind: str
    probe: str
    label: str = ""

    @property
    def shots(self) -> int:
        """Examples a class of a few-shot classifier, 0 for all there are."""
        return int(self.probe.removesuffix(_SHOTS)) if self.probe.endswith(_SHOTS) else 0


@dataclass(frozen=True)
class ProbeRow:
    """One figure of a probe at one dimension with its 95% interval; `n` counts the pairs or test texts.

    `correct` has 1 for every test text that was classified right, `(n,)` float32, None for other metrics.
    """

    probe: str
    metric: str
    dim: int
    value: float
    low: float
    high: float
    n: int
    correct: NDArray[np.float32] | None = None


def parse_probe_metric(name: str) -> ProbeMetric | None:
    """Read "spearman", "accuracy", "macro-f1", the latter two also with "knn-" before and "@LABEL" behind them.

    "5-shot-accuracy" and its like classify by the nearest mean of so many examples a class, from 1 to 99.

    None if it is not one of these: a metric of rankings, or a wrong name.

    >>> parse_probe_metric("knn-accuracy@topic")
    ProbeMetric(name='knn-accuracy@topic', kind='accuracy', probe='knn', label='topic')
    """
    few = re.fullmatch(r"([1-9]\d?-shot)-accuracy(?:@([a-z]+))?", name.strip().lower())
    if few is not None:
        return ProbeMetric(few[0], "accuracy", few[1], few[2] or "")
    match = re.fullmatch(r"(spearman)|(knn-)?(accuracy|macro-f1)(?:@([a-z]+))?", name.strip().lower())
    if match is None:
        return None
    if match[1]:
        return ProbeMetric("spearman", "spearman", "pairs")
    return ProbeMetric(match[0], match[3], "knn" if match[2] else "logistic", match[4] or "")


def spearman_by_dimension(
    first: FloatMatrix, second: FloatMatrix, scores: Sequence[float] | FloatArray, dims: Sequence[int]
) -> tuple[ProbeRow, ...]:
    """Spearman's correlation of cosines with human scores, for pairs of rows of two `(n, D)` matrices.

    Intervals by Bonett and Wright (2000). Raises `CorpusError` for under 5 pairs or scores that are all the
    same, `LabError` for unequal counts.
    """
    from scipy.stats import spearmanr

    given = np.asarray(scores, dtype=np.float64)
    if not len(first) == len(second) == len(given):
        raise LabError(f"{len(first)} and {len(second)} texts do not make {len(given)} scored pairs.")
    _check_scores(given, "These pairs")
    rows = []
    for dim in dims:
        cosines = np.einsum("nd,nd->n", truncate(first, dim), truncate(second, dim))
        value = float(spearmanr(cosines, given).statistic) if np.ptp(cosines) > 0 else 0.0
        low, high = _spearman_interval(value, len(given))
        rows.append(ProbeRow("pairs", "spearman", dim, value, low, high, len(given)))
    return tuple(rows)


def check_pairs(corpus: Corpus) -> None:
    """Raise `CorpusError` if the corpus has no scored pairs, or too few, or scores that say nothing."""
    if not corpus.pairs:
        raise CorpusError(
            f"{corpus.name} has no scored pairs: give a file with two columns of texts and one of scores."
        )
    _check_scores(np.array([pair.score for pair in corpus.pairs], dtype=np.float64), corpus.name)


def _check_scores(scores: FloatArray, what: str) -> None:
    if len(scores) < _FEWEST_PAIRS:
        raise CorpusError(f"{what} has {len(scores)} scored pairs: {_FEWEST_PAIRS} or more are needed.")
    if not np.isfinite(scores).all() or np.ptp(scores) == 0:
        raise CorpusError(f"{what}: the scores of the pairs must be numbers that differ.")


def value_by_chance(rows: LabelledRows, kind: str) -> float:
    """The "accuracy" or "macro-f1" of always naming the class that is most common in training."""
    common = np.bincount(rows.classes[rows.train]).argmax()
    truth = rows.classes[rows.test]
    if kind == "accuracy":
        return float((truth == common).mean())
    return float(_f1(_counts(truth, np.full_like(truth, common)).mean(axis=0)[None])[0])


def classification_by_dimension(
    vectors: FloatMatrix,
    rows: LabelledRows,
    dims: Sequence[int],
    probes: Sequence[str] = ("logistic", "knn"),
    tick: Callable[[], None] = lambda: None,
) -> tuple[ProbeRow, ...]:
    """Accuracy and macro-F1 of a logistic probe and of 5 nearest neighbours on cut `(n, D)` vectors, at each dimension.

    "5-shot" and its like give the accuracy of the nearest class mean (Snell et al., arXiv 1703.05175) of so many
    examples a class, the mean of 20 draws, which are the same at every dimension and for every arm. Intervals are
    bootstrapped over the test texts. `tick` is called after every fit and may raise to cancel. Library: scikit-learn.
    """
    bootstrap = PairedBootstrap(len(rows.test))
    truth = rows.classes[rows.test]
    figures = []
    for dim in dims:
        cut = truncate(vectors, dim)
        for probe in probes:
            if probe.endswith(_SHOTS):
                figures.append(_few_shot_row(probe, dim, cut, rows, bootstrap))
                tick()
                continue
            predicted = _predict(probe, cut[rows.train], rows.classes[rows.train], cut[rows.test])
            figures += _classification_rows(probe, dim, truth, predicted, bootstrap)
            tick()
    return tuple(figures)


def _few_shot_row(probe: str, dim: int, cut: FloatMatrix, rows: LabelledRows, bootstrap: PairedBootstrap) -> ProbeRow:
    """Classes with fewer examples than asked for give all they have."""
    shots = int(probe.removesuffix(_SHOTS))
    truth, test = rows.classes[rows.test], cut[rows.test]
    members = {int(c): rows.train[rows.classes[rows.train] == c] for c in np.unique(rows.classes[rows.train])}
    names = np.array(list(members))
    correct = np.zeros(len(test))
    for draw in range(FEW_SHOT_DRAWS):
        random = np.random.default_rng((shots, draw))
        means = np.stack([cut[random.permutation(member)[:shots]].mean(axis=0) for member in members.values()])
        correct += names[(test @ normalise(means).T).argmax(axis=1)] == truth
    right = (correct / FEW_SHOT_DRAWS).astype(np.float32)
    found = bootstrap.intervals(right.astype(np.float64)[:, None])[0]
    return ProbeRow(probe, "accuracy", dim, found.value, found.low, found.high, len(test), right)


def mean_of_rows(rows: Sequence[ProbeRow]) -> ProbeRow:
    """One figure of several seeds: the mean of values and bounds, and text by text of what was classified right."""
    first = rows[0]
    value, low, high = np.mean([[row.value, row.low, row.high] for row in rows], axis=0).tolist()
    right = [row.correct for row in rows if row.correct is not None]
    correct = np.stack(right).mean(axis=0).astype(np.float32) if right else None
    return replace(first, value=value, low=low, high=high, correct=correct)


def _predict(probe: str, train: FloatMatrix, classes: IntMatrix, test: FloatMatrix) -> IntMatrix:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if probe == "logistic":
        model = LogisticRegression(C=_LOGISTIC_C, max_iter=1_000)
    else:
        model = KNeighborsClassifier(min(KNN_NEIGHBOURS, len(train)), algorithm="brute")
    predicted: IntMatrix = model.fit(train, classes).predict(test)
    return predicted


def _classification_rows(
    probe: str, dim: int, truth: IntMatrix, predicted: IntMatrix, bootstrap: PairedBootstrap
) -> list[ProbeRow]:
    accuracy = bootstrap.intervals((truth == predicted).astype(np.float64)[:, None])[0]
    low, high = np.quantile(_macro_f1(truth, predicted, bootstrap), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    f1 = float(_f1(_counts(truth, predicted).mean(axis=0)[None])[0])
    n = len(truth)
    return [
        ProbeRow(
            probe,
            "accuracy",
            dim,
            accuracy.value,
            accuracy.low,
            accuracy.high,
            n,
            (truth == predicted).astype(np.float32),
        ),
        ProbeRow(probe, "macro-f1", dim, f1, float(low), float(high), n),
    ]


def _macro_f1(truth: IntMatrix, predicted: IntMatrix, bootstrap: PairedBootstrap) -> FloatArray:
    """Macro-F1 of every resample, from resampled counts of hits, predictions and members of each class."""
    counts = _counts(truth, predicted)
    n, classes = counts.shape[0], counts.shape[2]
    return _f1(bootstrap.means(counts.reshape(n, -1)).reshape(-1, 3, classes))


def _counts(truth: IntMatrix, predicted: IntMatrix) -> NDArray[np.float64]:
    classes = np.union1d(truth, predicted)
    member, chosen = truth[:, None] == classes, predicted[:, None] == classes
    return np.stack([member & chosen, chosen, member], axis=1).astype(np.float64)


def _f1(counts: NDArray[np.float64]) -> FloatArray:
    """Mean over the classes of 2 * hits / (predicted + members); 0 for a class with neither, as in scikit-learn."""
    hits, predicted, members = counts[:, 0], counts[:, 1], counts[:, 2]
    both = predicted + members
    means: FloatArray = np.divide(2 * hits, both, out=np.zeros_like(hits), where=both > 1e-12).mean(axis=1)
    return means


def _spearman_interval(value: float, n: int) -> tuple[float, float]:
    if abs(value) >= 1:
        return value, value
    from scipy.special import ndtri

    half = float(ndtri(0.5 + LEVEL / 2)) * np.sqrt((1 + value**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))
