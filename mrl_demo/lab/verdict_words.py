"""The verdict in plain sentences: the page and the command line say the same."""

from __future__ import annotations

from mrl_demo.core.types import Comparison
from mrl_demo.core.verdict import KeptQuality, SideVerdict, Verdict
from mrl_demo.core.wording import human_bytes, join_words, ordinal
from mrl_demo.corpora.labels.filters import describe_where

_MANY = 100_000_000
_TITLE_LIMIT = 70


def verdict_sentences(verdict: Verdict) -> list[str]:
    """All that there is to say, a sentence each; without a verdict if nothing seems to answer the query."""
    if verdict.seems_unanswered:
        return [unanswered_words(verdict)]
    sides = [f"{side.label}: {outcome_words(side)}." for side in verdict.sides]
    return [saving_words(verdict), *sides, average_words(verdict)]


def part_words(comparison: Comparison) -> str:
    """Which documents alone were searched, "" if all were."""
    if not comparison.where or not comparison.arms:
        return ""
    count = comparison.arms[0].result.n_documents
    documents, are = ("1 document", "is") if count == 1 else (f"{count:,} documents", "are")
    return f"Only the {documents} with {describe_where(comparison.where, comparison.label_names)} {are} searched."


def saving_words(verdict: Verdict) -> str:
    """What the cut saves, in times and in bytes."""
    full = [4 * side.full_dim for side in verdict.sides]
    small, great = human_bytes(verdict.bytes_per_vector), human_bytes(verdict.bytes_per_vector * _MANY)
    if all(times == 1 for times in verdict.times_smaller):
        return f"The full vector: {small} each, {great} for 100 million."
    were = join_words(human_bytes(size) for size in full)
    great_were = join_words(human_bytes(size * _MANY) for size in full)
    return (
        f"{times_words(verdict)}: {small} instead of {were} a vector, {great} instead of {great_were} for 100 million."
    )


def times_words(verdict: Verdict) -> str:
    """How many times smaller, or by how many percent if that is less than a tenth."""
    times = verdict.times_smaller
    if max(times, default=1) < 1.1:
        return f"{join_words(f'{1 - 1 / each:.0%}' for each in times)} smaller"
    return f"{join_words(_short(each) for each in times)} times smaller"


def outcome_words(side: SideVerdict) -> str:
    """What happened to this query, to be read after the label: the document named, and where it went."""
    if side.rank is None or side.full_rank is None:
        return "there is nothing to find"
    return f"{followed_words(side)} {move_words(side.rank, side.full_rank)}"


def followed_words(side: SideVerdict) -> str:
    """The document whose rank is told."""
    title = side.title if len(side.title) <= _TITLE_LIMIT else side.title[: _TITLE_LIMIT - 1].rstrip() + "…"
    return f"the answer, “{title}”," if side.is_known_answer else f"its own best, “{title}”,"


def move_words(rank: int, full_rank: int) -> str:
    """Where it stands, and where it stood with the full vector.

    >>> move_words(51, 1), move_words(1, 1)
    ('falls from 1st to 51st', 'stays 1st')
    """
    if rank == full_rank:
        return f"stays {ordinal(rank)}"
    verb = "falls" if rank > full_rank else "rises"
    return f"{verb} from {ordinal(full_rank)} to {ordinal(rank)}"


def average_words(verdict: Verdict) -> str:
    """What the cut costs on average, or, if that was not measured, how much of this query's results agrees."""
    measured = [side.quality for side in verdict.sides if side.quality]
    lengths = {(quality.dim, quality.n_queries) for quality in measured}
    if len(measured) < len(verdict.sides) or len(lengths) != 1:
        kept = " and ".join(f"{side.kept} of {side.depth} ({side.label})" for side in verdict.sides)
        return f"Of the results you would get from the full vector, {kept} are still there."
    ((dim, n_queries),) = lengths
    at = "" if dim == verdict.dim else f" (measured at {dim})"
    shares = ", ".join(f"{side.label} {_share_words(side.quality)}" for side in verdict.sides if side.quality)
    return f"Kept of full quality over {n_queries:,} questions{at}: {shares}."


def unanswered_words(verdict: Verdict) -> str:
    """Why there is no verdict."""
    levels = [side.level for side in verdict.sides if side.level]
    best = join_words(f"{side.best_score:.2f}" for side in verdict.sides)
    near = join_words(f"{side.near_score:.2f}" for side in verdict.sides)
    needed = join_words(f"{level.level:.2f}" for level in levels)
    place = join_words(dict.fromkeys(ordinal(level.near_rank) for level in levels))
    return (
        f"Nothing here seems to answer this: with the full vector the best match has a similarity of {best}, the "
        f"{place} {near}; for questions that are answered here the two add up to {needed} or more. The ranking below "
        "is mostly chance."
    )


def _share_words(quality: KeptQuality) -> str:
    return f"{quality.value:.0%} [{100 * quality.low:.0f} to {100 * quality.high:.0f}]"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
