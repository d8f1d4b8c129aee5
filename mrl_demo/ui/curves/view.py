"""The Curves tab without Gradio: figures, tables and lists from what was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import plotly.graph_objects as go

from mrl_demo.arms.catalogue import best_contender
from mrl_demo.core.style import Style
from mrl_demo.evaluation.results import SweepRow
from mrl_demo.evaluation.speed import SpeedResult
from mrl_demo.evaluation.worst import BrokenQueries
from mrl_demo.plots.curves import Axes, Curve, Point, frontier, pareto_figure, quality_figure, speed_figure
from mrl_demo.plots.style import precision_style
from mrl_demo.ui.components.text import escape, human_bytes, shorten, user_text
from mrl_demo.ui.curves.data import LATENCY, Choice, Figures, cost_clouds, quality_curves, speed_curves

BEFORE_AFTER_METRICS = (("ndcg@10", "nDCG@10"), ("mrr@10", "MRR@10"), ("recall@10", "Recall@10"))
BEFORE_AFTER_DIMS = (64, 128, 256)


@dataclass(frozen=True)
class PublishedFigure:
    """A share that others measured and wrote down: at `part` of the full length `share` is kept."""

    part: float
    share: float
    claim: str
    source: str
    address: str


PUBLISHED = (
    PublishedFigure(
        64 / 768,
        0.9837,
        "Trained with MRL, 64 of 768 numbers keep 98.37% (similarity of sentence pairs, STS-B).",
        "Hugging Face blog, Matryoshka embeddings",
        "https://huggingface.co/blog/matryoshka",
    ),
    PublishedFigure(
        64 / 768,
        0.9646,
        "The same training without MRL: 64 of 768 numbers keep 96.46% (STS-B).",
        "Hugging Face blog, Matryoshka embeddings",
        "https://huggingface.co/blog/matryoshka",
    ),
    PublishedFigure(
        0.5,
        0.9,
        "Half of the numbers, dropped at random, often cost under 10%: at least 90% kept.",
        "arXiv 2508.17744",
        "https://arxiv.org/abs/2508.17744",
    ),
    PublishedFigure(
        64 / 768,
        0.901,
        "nomic-embed-text-v1.5 at 64 of 768 numbers keeps 90.1% of its MTEB average.",
        "MTEB, nomic-embed-text-v1.5",
        "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    ),
    PublishedFigure(
        64 / 768,
        0.772,
        "nomic-embed-text-v1.5 at 64 of 768 numbers keeps 77.2% of its retrieval score.",
        "MTEB, nomic-embed-text-v1.5",
        "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    ),
)


def quality_chart(figures: Figures | None, choice: Choice) -> go.Figure:
    """The chart of quality (or agreement, or share kept) against length."""
    axes = Axes("numbers kept (ringed: trained at)", y_title(choice), choice.as_share)
    if figures is None:
        return quality_figure([], axes)
    published = [_published(figures)] if choice.published and choice.as_share and not choice.is_agreement else []
    return quality_figure(quality_curves(figures, choice), axes, published)


def y_title(choice: Choice) -> str:
    """What the vertical axis measures."""
    if choice.as_share:
        return "share kept of the arm's own full figure"
    return "agreement, not quality" if choice.is_agreement else choice.metric_label


def _published(figures: Figures) -> Curve:
    full = max(figures.dims(), default=384)
    points = tuple(
        Point(
            round(each.part * full), each.share, note=f"{each.claim}\nOther data: drawn at the same part\n{each.source}"
        )
        for each in PUBLISHED
    )
    return Curve("published", "published elsewhere, other data", points)


def published_html(choice: Choice) -> str:
    """The published figures with links, and why they are or are not in the chart."""
    if not choice.published:
        return ""
    if choice.is_agreement:
        where = "They are shares of quality, so they are not drawn over agreement."
    elif choice.as_share:
        where = "They stand in the chart as faint diamonds, at the same part of the full length."
    else:
        where = "They are shares of other scores on other data: choose “Share kept” to see them in the chart."
    items = "".join(
        f'<li>{escape(each.claim)} <a href="{escape(each.address)}" target="_blank" rel="noopener noreferrer">'
        f"{escape(each.source)}</a></li>"
        for each in PUBLISHED
    )
    return f'<div class="published"><p>Published elsewhere. {where}</p><ul>{items}</ul></div>'


def quality_table(figures: Figures | None, choice: Choice) -> str:
    """All shown figures, a line for each arm, a column for each length."""
    if figures is None:
        return ""
    curves = quality_curves(figures, choice)
    dims = figures.dims(choice.arms)
    head = "".join(f'<th scope="col">{dim}</th>' for dim in dims)
    body = "".join(
        f'<tr><th scope="row">{_dot(curve.style)}{escape(curve.label)}</th>{_cells(curve, dims, choice)}</tr>'
        for curve in curves
    )
    kind = "Share kept" if choice.as_share else choice.metric_label
    n = figures.curves.sweep.n_queries
    caption = f"{kind}, {n:,} queries; beneath each figure its 95% interval"
    return _table(caption, f'<th scope="col">Numbers kept</th>{head}', body)


def _cells(curve: Curve, dims: tuple[int, ...], choice: Choice) -> str:
    if curve.is_level:
        return f'<td class="level" colspan="{len(dims)}">at any length {_figure(curve.points[0], choice.as_share)}</td>'
    by_dim = {int(point.x): point for point in curve.points}
    return "".join(f"<td>{_figure(by_dim[d], choice.as_share) if d in by_dim else '–'}</td>" for d in dims)


def _figure(point: Point, as_share: bool) -> str:
    low, high = (point.y if point.low is None else point.low), (point.y if point.high is None else point.high)
    if as_share:
        return f"{point.y:.1%}<small>{low:.1%}–{high:.1%}</small>"
    return f"{point.y:.3f}<small>{low:.3f}–{high:.3f}</small>"


def contender(figures: Figures) -> str | None:
    """The arm beside base in the before-and-after view: the best kind of training there is."""
    return best_contender([arm.name for arm in figures.arms])


def before_after(figures: Figures | None) -> str:
    """Base and the tuned arm (or the best substitute) at a few lengths, with paired differences in words."""
    other = contender(figures) if figures else None
    if figures is None or other is None:
        return ""
    full = max(figures.dims(("base", other)), default=0)
    dims = [dim for dim in (*BEFORE_AFTER_DIMS, full) if dim <= full]
    blocks = [_before_after_rows(figures, other, metric, label, dims) for metric, label in BEFORE_AFTER_METRICS]
    head = "".join(f'<th scope="col">{"full, " if dim == full else ""}{dim}</th>' for dim in dims)
    after = escape(figures.label(other))
    caption = f"Before (base) and after ({after}), {figures.curves.sweep.n_queries:,} queries, paired differences"
    return _table(caption, f'<th scope="col">Numbers kept</th>{head}', "".join(blocks))


def _before_after_rows(figures: Figures, other: str, metric: str, label: str, dims: list[int]) -> str:
    before = [figures.row("base", dim, metric) for dim in dims]
    after = [figures.row(other, dim, metric) for dim in dims]
    if not any(before) or not any(after):
        return ""
    plain = [f"<td>{_row_figure(row)}</td>" for row in before]
    tuned = [f"<td>{_row_figure(row)}{_verdict(figures, row)}</td>" for row in after]
    name = escape(figures.label(other))
    styles = figures.styles
    return (
        f'<tr><th scope="row">{_dot(styles["base"])}{escape(label)}, base</th>{"".join(plain)}</tr>'
        f'<tr class="after"><th scope="row">{_dot(styles[other])}{escape(label)}, {name}</th>{"".join(tuned)}</tr>'
    )


def _row_figure(row: SweepRow | None) -> str:
    return "–" if row is None else _figure(Point(row.dim or 0, row.value, row.low, row.high), False)


def _verdict(figures: Figures, row: SweepRow | None) -> str:
    difference = figures.against(row, "base") if row else None
    if difference is None:
        return ""
    kind = {"better": "up", "worse": "down"}.get(difference.verdict, "flat")
    return f'<em class="{kind}">{difference.difference:+.3f} {escape(difference.verdict)}</em>'


def speed(found: SpeedResult | None) -> go.Figure:
    """The chart of search time against length."""
    if found is None:
        return speed_figure([], None)
    curves, limit = speed_curves(found)
    return speed_figure(curves, limit)


def speed_table(found: SpeedResult | None) -> str:
    """Median, p95, runs, GB/s and the part of the bandwidth of every row."""
    if found is None:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{row.dim}</th><td>{_dot(precision_style(row.precision))}{escape(row.precision)}</td>'
        f"<td>{row.median_ms:.3g}</td><td>{row.p95_ms:.3g}</td><td>{row.n_runs}</td><td>{row.gb_per_s:.1f}</td>"
        f"<td>{row.gb_per_s / found.bandwidth_gb_s:.0%}</td></tr>"
        for row in found.rows
    )
    heads = ("Numbers", "Precision", "Median ms", "p95 ms", "Searches", "GB/s", "Of the bandwidth")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    table = _table(f"{found.n:,} vectors, one query at a time", head, rows)
    return f'<details class="fold"><summary>All times as a table</summary>{table}</details>'


def cost(figures: Figures | None, choice: Choice, timed: SpeedResult | None) -> tuple[go.Figure, str]:
    """Quality against bytes or latency with its frontier, and the frontier in words."""
    clouds = cost_clouds(figures, choice, timed) if figures else []
    by_latency = choice.cost == LATENCY
    x = (
        f"median ms for one query over {timed.n:,} vectors"
        if by_latency and timed
        else "bytes in memory for one vector"
    )
    title = "agreement, not quality" if choice.is_agreement else choice.metric_label
    figure = pareto_figure(clouds, Axes(x, title))
    return figure, _cost_words(figures, choice, clouds, timed)


def _cost_words(figures: Figures | None, choice: Choice, clouds: list[Curve], timed: SpeedResult | None) -> str:
    points = [point for cloud in clouds for point in cloud.points]
    best = frontier(points)
    if figures is None or not best:
        return "<p>No figures for this choice.</p>"
    top = max(points, key=lambda each: each.y)
    near = next(point for point in best if point.y >= 0.95 * top.y)
    label = f"<b>{escape(figures.label(choice.cost_arm))}</b>"
    if choice.cost == LATENCY and timed:
        price, unit = f"{near.x:.3g} ms", f"times are of {timed.n:,} vectors, {escape(timed.hardware)}"
    else:
        price = human_bytes(int(near.x))
        unit = f"{human_bytes(int(near.x) * 1_000_000)} for a million vectors"
    setting = escape(near.note.splitlines()[0])
    n = figures.curves.sweep.n_queries
    interval = "" if near.low is None or near.high is None else f" [{near.low:.3f}, {near.high:.3f}]"
    rescoring = " Rescoring also reads a float32 copy from disk, which is not counted." if "rescored" in setting else ""
    return (
        f"<p>{label}: 95% of the best {escape(choice.metric_label)} here ({near.y:.3f}{interval} of {top.y:.3f}, {n:,} "
        f"queries) costs {price} with {setting} ({unit}). {len(best)} of {len(points)} settings are on the frontier: "
        f"nothing that costs less is as good.{rescoring}</p>"
    )


def lost_html(figures: Figures | None, lost: BrokenQueries | None) -> str:
    """The worst-hit queries, each a button that opens it beside base in the Compare tab."""
    if figures is None or lost is None:
        return '<p class="lost-lead">No list for this arm: choose another, or measure again.</p>'
    share = f" ({lost.n_broken / lost.n_found:.0%})" if lost.n_found else ""
    lead = (
        f"<p class='lost-lead'><b>{escape(figures.label(lost.arm))}</b>: of {lost.n_queries:,} queries "
        f"{lost.n_found:,} have a known answer in the first {lost.k} with the full vector; {lost.n_broken:,}{share} of "
        "those lose it at some shorter length. The worst hit, those that break at the longest vector first; click one "
        "to see it in Compare.</p>"
    )
    items = "".join(
        f'<li><button type="button" class="lost" data-example="{position}"><span class="lost-at">breaks at '
        f"<b>{each.breaks_at}</b></span><span class='lost-text'>{user_text(shorten(each.text, 160))}<small>"
        f"{user_text(shorten(each.answer, 80))}: rank {each.full_rank:,} with the full vector, {each.broken_rank:,} at "
        f"{each.breaks_at}; holds from {each.holds_from}</small></span></button></li>"
        for position, each in enumerate(lost.worst)
    )
    return f'{lead}<ol class="lost-list">{items}</ol>'


def notes_html(notes: Iterable[str]) -> str:
    """What a measurement left out."""
    items = "".join(f"<li>{escape(shorten(note, 300))}</li>" for note in notes)
    return (
        f'<details class="left-out"><summary>What was left out, and why</summary><ul>{items}</ul></details>'
        if items
        else ""
    )


def _dot(style: Style) -> str:
    return f'<i class="dot" style="background:{style.colour}" aria-hidden="true"></i>'


def _table(caption: str, head: str, body: str) -> str:
    words = escape(caption)
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{words}"><table class="curves-table">'
        f"<caption>{words}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
