"""What the curves say, in sentences: who is highest where, by how much, and whether the queries can tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from mrl_demo.arms.catalogue import best_contender
from mrl_demo.corpora.shipped import builtin
from mrl_demo.evaluation.speed.searches import SpeedResult
from mrl_demo.evaluation.stats import BETTER, EQUAL, WORSE
from mrl_demo.evaluation.sweeps.figures import FULL
from mrl_demo.evaluation.sweeps.results import DifferenceRow, SweepRow
from mrl_demo.lab.curves import CurveSet
from mrl_demo.search.exact import SKETCH_FROM
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.state import Choice

_BASE = "base"
_GROUPS_SHOWN = 4
_ARMS_TOLD = 2
_FEW_TEXTS = 100
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


def headline(figures: Figures, choice: Choice) -> Markup:
    """One sentence as HTML: which of the shown arms is highest at which lengths."""
    leaders = [leader for dim in figures.dims(choice.arms) if (leader := _leader(figures, choice, dim))]
    if not leaders:
        return html("{why}", why=_why_empty(figures, choice))
    groups = [list(group) for _, group in groupby(leaders, key=lambda leader: leader.state)]
    parts: list[object] = [_group_words(figures, choice, group) for group in groups[:_GROUPS_SHOWN]]
    if len(groups) > _GROUPS_SHOWN:
        parts.append("beyond that the lead changes more often than these queries can tell")
    return html(
        "{preface} {sentence}.{words_alone}",
        preface=_preface(figures, choice),
        sentence=join_html(parts, "; "),
        words_alone=_words_alone(figures, choice),
    )


def _why_empty(figures: Figures, choice: Choice) -> str:
    if figures.count(choice.metric):
        return "Choose a method that has this measure."
    others = " Its labels or scored pairs were: see Classification." if figures.class_metrics else ""
    return f"{choice.metric_label} was not measured on this collection.{others}"


def _preface(figures: Figures, choice: Choice) -> str:
    n = f"{figures.curves.sweep.n_queries:,} {figures.unit(choice.metric)}"
    if choice.as_share:
        return f"Share of its own full {choice.metric_label} that is kept ({n}):"
    if choice.is_agreement:
        return f"Agreement with the model's own full ranking, which is not quality ({n}):"
    return f"{choice.metric_label} over {n}:"


def _leader(figures: Figures, choice: Choice, dim: int) -> Leader | None:
    ranked: list[tuple[float, SweepRow]] = []
    for arm in figures.arms:
        row = figures.row(arm.name, dim, choice.metric) if arm.name in choice.arms else None
        if row is None or row.dim is None:
            continue
        share = figures.share(row) if choice.as_share else None
        if choice.as_share and share is None:
            continue
        ranked.append((share.y if share else row.value, row))
    if not ranked:
        return None
    figure, row = max(ranked, key=lambda each: each[0])
    level = sum(figure - other < _LEVEL for other, _ in ranked) - 1
    difference = None if choice.as_share else figures.against(row, _BASE)
    return Leader(dim, row, figure, difference.verdict if difference else "", difference, level)


def _group_words(figures: Figures, choice: Choice, group: list[Leader]) -> Markup:
    lengths = _lengths(group)
    example = next((leader for leader in group if leader.dim == 64), group[0])
    at = "" if len(group) == 1 else f" at {example.dim}"
    if example.level:
        shown = f"{example.figure:.0%}" if choice.as_share else f"{example.figure:.3f}"
        return html(
            "{lengths} {n} methods are level on top ({shown}{at})",
            lengths=lengths,
            n=example.level + 1,
            shown=shown,
            at=at,
        )
    label = html("<b>{label}</b>", label=figures.label(group[0].row.arm))
    if choice.as_share:
        return html(
            "{label} keeps most {lengths} ({kept:.0%}{at})", label=label, lengths=lengths, kept=example.figure, at=at
        )
    interval = f"{example.row.value:.3f} [{example.row.low:.3f}, {example.row.high:.3f}]{at}"
    verdict = f"; {_verdict_words(example.difference)}" if example.difference else ""
    return html(
        "{label} is highest {lengths} ({interval}{verdict})",
        label=label,
        lengths=lengths,
        interval=interval,
        verdict=verdict,
    )


def _verdict_words(difference: DifferenceRow) -> str:
    verdict = {BETTER: "shown better than base", WORSE: "yet worse than base", EQUAL: "about equal to base"}
    return f"{verdict.get(difference.verdict, f'{difference.verdict} against base')}: {_paired(difference)}"


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


def classes_headline(figures: Figures, choice: Choice) -> Markup:
    """How few numbers do as well as all of them, for the arms that matter most."""
    shown = [arm.name for arm in figures.arms if arm.name in choice.arms and arm.full_dim]
    best = best_contender(shown)
    first = [name for name in dict.fromkeys((best, _BASE, *shown)) if name in shown]
    parts = [words for name in first[:_ARMS_TOLD] if (words := _enough_words(figures, str(name), choice.metric))]
    if not parts:
        return html("Choose a method that has this measure.")
    return html("{parts}.", parts=join_html(parts, "; "))


def _enough_words(figures: Figures, arm: str, metric: str) -> Markup | None:
    """The shortest length from which on every length measured is as good as the whole vector."""
    full = figures.full.get((arm, metric))
    rows = [row for dim in figures.dims((arm,)) if (row := figures.row(arm, dim, metric))]
    if full is None or not rows:
        return None
    if not any(figures.against(row, FULL) for row in rows):  # Correlations have no paired test.
        row = next((row for row in rows if row.dim == 64), rows[0])
        return html(
            "<b>{label}</b> has {value} with {dim} of its {full} numbers and {whole} with all",
            label=figures.label(arm), value=_value(row), dim=row.dim, full=full.dim, whole=_value(full),
        )  # fmt: skip
    shortest, next_shorter = full, None
    for row in reversed(rows):
        paired = figures.against(row, FULL)
        if row.dim != full.dim and (paired is None or not paired.is_as_good):
            next_shorter = row
            break
        shortest = row
    label = html("<b>{label}</b>", label=figures.label(arm))
    if shortest.dim == full.dim:
        return html(
            "{label} needs all its {full} numbers ({value}){worse}",
            label=label, full=full.dim, value=_value(full), worse=_shorter_words(figures, next_shorter),
        )  # fmt: skip
    paired = figures.against(shortest, FULL)
    return html(
        "{label} does as well with {dim} of its {full} numbers as with all ({value} against {whole:.3f}{paired})",
        label=label, dim=shortest.dim, full=full.dim, value=_value(shortest), whole=full.value,
        paired=f"; {_paired(paired)}" if paired else "",
    )  # fmt: skip


def _shorter_words(figures: Figures, row: SweepRow | None) -> str:
    paired = figures.against(row, FULL) if row else None
    if row is None:
        return ""
    verdict = paired.verdict.replace("queries", "of them") if paired else ""
    return f"; with {row.dim}: {_value(row)}" + (f", {_paired(paired)}, {verdict}" if paired else "")


def _value(row: SweepRow) -> str:
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def task_words(figures: Figures, metric: str) -> str:
    """What was asked of the classifier, and what guessing would give."""
    task = figures.curves.sweep.task(metric)
    if task is None:
        return f"Rank correlation of the cosine with the scores of {figures.count(metric):,} pairs of texts."
    apart = f", of {task.apart_by}s the classifier never saw" if task.apart_by else ""
    return (
        f"{task.classes} classes learned from {task.n_train:,} texts and asked of "
        f"{task.n_test:,} others{apart}; always naming the commonest class gives {task.chance:.3f}."
        f"{_few_words(task.n_test)}{_caution(figures)}"
    )


def _few_words(n: int) -> str:
    """What so few texts cannot show: something that happens to none of n may happen to three in n (rule of three)."""
    return "" if n >= _FEW_TEXTS else f" So few texts do not show differences under {3 / n:.0%}."


def _caution(figures: Figures) -> str:
    """The models that ship were trained on two thirds of the built-in collection, labels apart."""
    sweep = figures.curves.sweep
    if sweep.corpus != builtin.NAME or not any(arm.trained_dims for arm in sweep.arms):
        return ""
    return " Models tuned on this collection have read many of its passages, though no label."


def provenance(curves: CurveSet) -> Markup:
    """When, where and on what the figures were measured, as HTML."""
    sweep = curves.sweep
    stale = html(" <b>The collection has changed since: measure anew for exact figures.</b>")
    return html(
        "{origin}: {day}, {hardware}, {documents:,} documents, {queries:,} {kind}. Bands are 95% intervals over"
        " them (bootstrap, paired between methods, corrected over lengths).{stale}",
        origin="Measured before this was published" if curves.is_shipped else "Measured here for you",
        day=day(sweep.date),
        hardware=sweep.hardware,
        documents=sweep.n_documents,
        queries=sweep.n_queries,
        kind=f"{sweep.stand_ins} standing in for queries" if sweep.stand_ins else "judged queries",
        stale=stale if curves.is_stale else NOTHING,
    )


def speed_words(speed: SpeedResult, here: bool) -> Markup:
    """What was timed, how, and on what, as HTML."""
    origin = (
        "Measured on this machine just now" if here else "Measured before this was published, on the machine named here"
    )
    return html(
        '<p class="lead">{gain}One search for the first 10 of {n:,} vectors, encoding not counted. {origin}:'
        ' {day}, {hardware}.</p><details class="fold"><summary>How it was timed, and what the dotted line is</summary>'
        '<p class="lead">One query at a time, exact search, warm. The vectors are {n_source:,} real ones of {corpus},'
        " repeated with each copy moved a little. float32 is the search that gives Compare its hits; the others are"
        " faiss. The dotted line is the time that reading the numbers takes at {bandwidth:.1f} GB/s, the fastest plain"
        " read of them in the same run. {below}</p></details>",
        origin=origin,
        day=day(speed.date),
        hardware=speed.hardware,
        gain=_gain(speed),
        n=speed.n,
        n_source=speed.n_source,
        corpus="the built-in collection" if speed.corpus == "builtin" else speed.corpus,
        bandwidth=speed.bandwidth_gb_s,
        below=_below_the_line(speed.n),
    )


def _gain(speed: SpeedResult) -> Markup:
    """How much faster the shortest length is than the full one."""
    rows = [row for row in speed.rows if row.precision == "float32"]
    if not rows:
        return NOTHING
    first, full = rows[0], rows[-1]
    return html(
        "<b>float32 at {short} numbers is {times:.1f} times as fast as at {long}</b> ({short_ms} and {long_ms} at the"
        " median). ",
        short=first.dim,
        long=full.dim,
        times=full.median_ms / first.median_ms,
        short_ms=_ms(first.median_ms),
        long_ms=_ms(full.median_ms),
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
    """An ISO date as in 21 November 2026; the text itself if it is none."""
    try:
        parsed = datetime.fromisoformat(date)
    except ValueError:
        return date
    return f"{parsed.day} {parsed:%B %Y}"


def _ms(value: float) -> str:
    return f"{value:.3g} ms"
