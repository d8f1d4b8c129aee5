"""What the curves say, in sentences: who is highest where, by how much, and whether the queries can tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from mrl_demo.evaluation.results import DifferenceRow, SweepRow
from mrl_demo.evaluation.speed import SpeedResult
from mrl_demo.lab.curves import CurveSet
from mrl_demo.search.exact import SKETCH_FROM
from mrl_demo.ui.components.text import escape
from mrl_demo.ui.curves.data import Choice, Figures

_BASE = "base"
_GROUPS_SHOWN = 4
_LEVEL = 0.001


@dataclass(frozen=True)
class Leader:
    """The highest arm at one length; `verdict` is that of its paired difference from base, empty for base itself.

    `level` counts the other arms within a thousandth of it: uncut, a rotation changes nothing.
    """

    dim: int
    row: SweepRow
    figure: float
    verdict: str
    difference: DifferenceRow | None
    level: int = 0

    @property
    def state(self) -> tuple[str, str]:
        """What makes neighbouring lengths one part of the sentence."""
        return ("", "level") if self.level else (self.row.arm, self.verdict)


def headline(figures: Figures, choice: Choice) -> str:
    """One sentence as HTML: which of the shown arms is highest at which lengths."""
    leaders = [leader for dim in figures.dims(choice.arms) if (leader := _leader(figures, choice, dim))]
    if not leaders:
        return "Switch on an arm that has this measure."
    groups = [list(group) for _, group in groupby(leaders, key=lambda each: each.state)]
    parts = [_group_words(figures, choice, group) for group in groups[:_GROUPS_SHOWN]]
    sentence = "; ".join(parts)
    if len(groups) > _GROUPS_SHOWN:
        sentence += "; beyond that the lead changes more often than these queries can tell"
    return f"{_preface(figures, choice)} {sentence}.{_words_alone(figures, choice)}"


def _preface(figures: Figures, choice: Choice) -> str:
    n = figures.curves.sweep.n_queries
    if choice.as_share:
        return f"Share of its own full {escape(choice.metric_label)} that is kept ({n:,} queries):"
    if choice.is_agreement:
        return f"Agreement with the model's own full ranking, which is not quality ({n:,} queries):"
    return f"{escape(choice.metric_label)} over {n:,} queries:"


def _leader(figures: Figures, choice: Choice, dim: int) -> Leader | None:
    found: list[tuple[float, SweepRow]] = []
    for arm in figures.arms:
        row = figures.row(arm.name, dim, choice.metric) if arm.name in choice.arms else None
        if row is None or row.dim is None:
            continue
        share = figures.share(row) if choice.as_share else None
        if choice.as_share and share is None:
            continue
        found.append((share.y if share else row.value, row))
    if not found:
        return None
    figure, row = max(found, key=lambda each: each[0])
    level = sum(figure - other < _LEVEL for other, _ in found) - 1
    difference = None if choice.as_share else figures.against(row, _BASE)
    return Leader(dim, row, figure, difference.verdict if difference else "", difference, level)


def _group_words(figures: Figures, choice: Choice, group: list[Leader]) -> str:
    label = f"<b>{escape(figures.label(group[0].row.arm))}</b>"
    where = _lengths(group)
    example = next((each for each in group if each.dim == 64), group[0])
    at = "" if len(group) == 1 else f" at {example.dim}"
    if example.level:
        shown = f"{example.figure:.0%}" if choice.as_share else f"{example.figure:.3f}"
        return f"{where} {example.level + 1} arms are level on top ({shown}{at})"
    if choice.as_share:
        return f"{label} keeps most {where} ({example.figure:.0%}{at})"
    interval = f"{example.row.value:.3f} [{example.row.low:.3f}, {example.row.high:.3f}]{at}"
    if example.difference is None:
        return f"{label} is highest {where} ({interval})"
    paired = _paired(example.difference)
    verdict = {
        "better": f"shown better than base: {paired}",
        "worse": f"yet worse than base: {paired}",
    }.get(example.verdict, f"{example.verdict} against base: {paired}")
    return f"{label} is highest {where} ({interval}; {verdict})"


def _paired(difference: DifferenceRow) -> str:
    return f"{difference.difference:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def _lengths(group: list[Leader]) -> str:
    if len(group) == 1:
        return f"at {group[0].dim} numbers"
    return f"from {group[0].dim} to {group[-1].dim} numbers"


def _words_alone(figures: Figures, choice: Choice) -> str:
    row = figures.row("bm25", None, choice.metric)
    if "bm25" not in choice.arms or row is None:
        return ""
    if choice.as_share:
        return " BM25 has no length to cut, so it keeps no share."
    return f" Words alone (BM25) reach {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] without any vector."


def provenance(curves: CurveSet) -> str:
    """When, where and on what the figures were measured, as HTML."""
    sweep = curves.sweep
    origin = "Measured before this was published" if curves.is_shipped else "Measured here for you"
    stale = " <b>The collection has changed since: measure anew for exact figures.</b>" if curves.is_stale else ""
    return (
        f"{origin}: {day(sweep.date)}, {escape(sweep.hardware)}, {sweep.n_documents:,} documents, "
        f"{sweep.n_queries:,} judged queries. Bands are 95% intervals over queries (bootstrap, paired between arms, "
        f"corrected over lengths).{stale}"
    )


def speed_words(speed: SpeedResult, here: bool) -> str:
    """What was timed, how, and on what, as HTML."""
    origin = (
        "Measured on this machine just now" if here else "Measured before this was published, on the machine named here"
    )
    first = next((row for row in speed.rows if row.precision == "float32"), None)
    full = next((row for row in reversed(speed.rows) if row.precision == "float32"), None)
    sentence = ""
    if first and full:
        sentence = (
            f" <b>float32 at {first.dim} numbers is {full.median_ms / first.median_ms:.1f} times as fast as at "
            f"{full.dim}</b> ({_ms(first.median_ms)} and {_ms(full.median_ms)} at the median)."
        )
    return (
        f"{origin}: {day(speed.date)}, {escape(speed.hardware)}.{sentence} Timed: one query at a time, exact search "
        f"for the first 10 of {speed.n:,} vectors, warm; not the encoding of the query. The vectors are "
        f"{speed.n_source:,} real ones, repeated with each copy moved a little. float32 is the search that gives "
        "Compare its hits; the others are faiss. "
        f"The dotted line is the time that reading the numbers takes at {speed.bandwidth_gb_s:.1f} GB/s, the fastest"
        f" plain read of them in the same run. {_below_the_line(speed.n)}"
    )


def _below_the_line(n: int) -> str:
    cache = "Below it, the processor's cache helps"
    if n < SKETCH_FROM:
        return f"{cache}."
    return (
        f"{cache}, or the search reads less: from {SKETCH_FROM:,} vectors on, an int8 copy of a quarter of the size "
        "rules out most of them, with a bound on its error, and few are read in full. Compare makes that copy after a "
        "few searches; its rank chart and ranks far down the list still compare all vectors in full."
    )


def day(date: str) -> str:
    """An ISO date as in 21 November 2026; the text itself where it is none."""
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return escape(date)
    return f"{found.day} {found:%B %Y}"


def _ms(value: float) -> str:
    return f"{value:.3g} ms"
