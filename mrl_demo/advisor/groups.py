"""Groups of queries by what they are like, and whether a promise holds for the worst of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.advisor.bands import FAILS, HOLDS, LIKELY, bound_shares
from mrl_demo.core.types import Corpus, FloatMatrix, IntMatrix, Query
from mrl_demo.evaluation.stats import PairedBootstrap

#: Groups of fewer queries are counted and not judged: their intervals would say nothing.
FEWEST_QUERIES = 20
_MOST_VALUES = 12
_RARE = 2
_NUMBER = re.compile(r"\d")
_NAME = re.compile(r"(?<=[^.!?:]\s)[A-Z][\w'’-]+")
_NEGATION = re.compile(r"\b(no|not|never|without|neither|nor|none|cannot|except|unless)\b|n['’]t\b", re.IGNORECASE)
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class QueryGroup:
    """Queries that have something in common, by their places."""

    name: str
    rows: IntMatrix


@dataclass(frozen=True)
class GroupShare:
    """The share of the reference that a setting keeps in one group, and bounds that hold for all groups together."""

    name: str
    n_queries: int
    share: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class GroupShares:
    """All groups looked at, worst first; `n_small` more were too small to judge."""

    groups: tuple[GroupShare, ...]
    n_small: int

    def sentence(self, target: float) -> str:
        """The worst group in words, and how many were looked at."""
        if not self.groups:
            return f"No group of queries is large enough to judge ({FEWEST_QUERIES} at least)."
        worst = self.groups[0]
        looks = f"of {len(self.groups)} groups looked at" if len(self.groups) > 1 else "the only group looked at"
        verdicts = {
            HOLDS: f"the promise of {target:.0%} holds there too",
            LIKELY: f"too few queries to say whether {target:.0%} holds there",
            FAILS: f"the promise of {target:.0%} does not hold there",
        }
        return (
            f"Worst group, {looks}: {worst.name} ({worst.n_queries:,} queries) keeps {worst.share:.1%}, between "
            f"{worst.low:.1%} and {worst.high:.1%}, bounds for all groups together: {verdicts[worst.verdict]}."
        )


def group_queries(queries: Sequence[Query], corpus: Corpus) -> list[QueryGroup]:
    """Groups by length, numbers, names, negation, rare words, style, and the columns of the queries' own file.

    A query may be in several. Names are words with a capital amid a sentence; rare words are in at most two documents.
    """
    lengths = np.array([len(query.text.split()) for query in queries])
    few, many = (int(length) for length in np.quantile(lengths, [1 / 3, 2 / 3], method="nearest"))
    groups = (
        []
        if few >= many
        else [
            _group(f"short (up to {few} words)", lengths <= few),
            _group(f"long ({many} words and more)", lengths >= many),
        ]
    )
    has_rare = _rare_word_test(queries, corpus)
    tests: dict[str, Callable[[str], bool]] = {
        "with a number": lambda text: bool(_NUMBER.search(text)),
        "with a name": lambda text: bool(_NAME.search(text)),
        "with a negation": lambda text: bool(_NEGATION.search(text)),
        f"with a rare word (in at most {_RARE} documents)": has_rare,
    }
    groups += [_group(name, np.array([test(query.text) for query in queries])) for name, test in tests.items()]
    return [*groups, *_own_groups(queries)]


def judge_groups(
    groups: Iterable[QueryGroup], values: FloatMatrix, reference: FloatMatrix, target: float, seed: int = 0
) -> GroupShares:
    """Bound the share that `(queries,)` values keep of the reference in every group that is large enough."""
    listed = [group for group in groups if len(group.rows)]
    large = [group for group in listed if len(group.rows) >= FEWEST_QUERIES and reference[group.rows].any()]
    if not large:
        return GroupShares((), len(listed))
    members = np.zeros((len(values), len(large)), dtype=np.float32)
    for column, group in enumerate(large):
        members[group.rows, column] = 1
    shares = bound_shares(
        members * values[:, None], members * reference[:, None], PairedBootstrap(len(values), seed=seed)
    )
    judged = [
        GroupShare(
            group.name,
            len(group.rows),
            float(shares.estimates[i]),
            float(shares.low[i]),
            float(shares.high[i]),
            HOLDS if shares.low[i] >= target else FAILS if shares.high[i] < target else LIKELY,
        )
        for i, group in enumerate(large)
    ]
    return GroupShares(tuple(sorted(judged, key=lambda group: group.share)), len(listed) - len(large))


def _group(name: str, belongs: NDArray[np.bool_]) -> QueryGroup:
    return QueryGroup(name, np.flatnonzero(belongs).astype(np.int64))


def _rare_word_test(queries: Sequence[Query], corpus: Corpus) -> Callable[[str], bool]:
    wanted = {word for query in queries for word in _words(query.text)}
    counts: Counter[str] = Counter()
    for document in corpus.documents:
        counts.update(_words(document.content) & wanted)
    return lambda text: any(counts[word] <= _RARE for word in _words(text))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _own_groups(queries: Sequence[Query]) -> list[QueryGroup]:
    """Groups by style and by columns of the queries' file that have a few values."""
    columns: dict[str, list[str]] = {"style": [query.style for query in queries]}
    for name in dict.fromkeys(name for query in queries for name, _ in query.fields):
        columns[name] = [dict(query.fields).get(name, "") for query in queries]
    groups = []
    for name, cells in columns.items():
        known = sorted(set(cells) - {""})
        if 2 <= len(known) <= _MOST_VALUES:
            groups += [_group(f"{name}: {value}", np.array([cell == value for cell in cells])) for value in known]
    return groups
