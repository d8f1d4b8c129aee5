"""The Curves tab without Gradio: figures, tables and lists from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo import __version__
from mrl_demo.arms.catalogue import best_contender
from mrl_demo.core.glossary import Term
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.style import Style
from mrl_demo.core.types import DEFAULT_DIM
from mrl_demo.core.wording import human_bytes
from mrl_demo.corpora.shipped import builtin
from mrl_demo.evaluation.speed.engines import EngineSpeed
from mrl_demo.evaluation.speed.searches import SpeedResult
from mrl_demo.evaluation.stats import BETTER, MARGIN, WORSE
from mrl_demo.evaluation.sweeps.results import SweepRow
from mrl_demo.evaluation.sweeps.worst import BrokenQueries, BrokenQuery
from mrl_demo.plots.curves import Axes, Curve, Marks, Point, frontier, pareto_figure, quality_figure, speed_figure
from mrl_demo.plots.style import describe_source, precision_style
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.curves import words as curves_words
from mrl_demo.ui.curves.at_length import length_sentences
from mrl_demo.ui.curves.controls import controls_html
from mrl_demo.ui.curves.data import Figures, cost_clouds, quality_curves, speed_curves
from mrl_demo.ui.curves.published import published_curve
from mrl_demo.ui.curves.state import LATENCY, Choice

BEFORE_AFTER_METRICS = (("ndcg@10", "nDCG@10"), ("mrr@10", "MRR@10"), ("recall@10", "Recall@10"))
BEFORE_AFTER_DIMS = (64, 128, 256)
_GOAL = 0.95


def headline_html(figures: Figures, choice: Choice) -> Markup:
    """What each length keeps, and in a fold which method is highest where."""
    sentences = length_sentences(figures, choice)
    who_leads = curves_words.headline(figures, choice)
    if not sentences:
        return headline_without(who_leads)
    return html(
        '{sentences}<details class="fold who-leads"><summary>Which method is highest where</summary>'
        '<p class="lead">{who_leads}</p></details>{controls}',
        sentences=sentences,
        who_leads=who_leads,
        controls=controls_html() if figures.curves.sweep.corpus == builtin.NAME else NOTHING,
    )


def headline_without(why: object) -> Markup:
    """The same place if there is no figure to tell of, with the reason."""
    return html('<p class="curve-words" role="status">{why}</p>', why=why)


def quality_chart(figures: Figures | None, choice: Choice) -> go.Figure:
    """The chart of quality (or agreement, or share kept) against length."""
    axes = Axes("numbers kept (ringed: trained at)", y_title(choice), choice.as_share)
    if figures is None:
        return quality_figure([], axes)
    is_drawn = choice.published and choice.as_share and not choice.is_agreement
    published = [published_curve(max(figures.dims(), default=384))] if is_drawn else []
    figure = quality_figure(quality_curves(figures, choice), axes, published, _marks(figures, choice))
    kind = "Share kept: " if choice.as_share else ""
    return describe_source(
        figure, f"{kind}{choice.metric_label} against vector length", measured_source(figures, choice.metric)
    )


def _marks(figures: Figures, choice: Choice) -> Marks:
    """The length in use, and what 95% is: of each method's own full figure, or of base's."""
    base = figures.full.get(("base", choice.metric))
    if choice.is_agreement or (base is None and not choice.as_share):
        return Marks(DEFAULT_DIM)
    if choice.as_share or base is None:
        return Marks(DEFAULT_DIM, _GOAL, "95%")
    return Marks(DEFAULT_DIM, _GOAL * base.value, f"95% of {figures.label('base')} at full length")


def classes_chart(figures: Figures | None, choice: Choice) -> go.Figure:
    """The same of a classifier, with a line where always naming the commonest class would be."""
    kind = choice.metric.split("@")[0].rpartition("shot-")[2].removeprefix("knn-")
    axes = Axes("numbers kept (ringed: trained at)", y_title(choice) if choice.as_share else kind, choice.as_share)
    curves = quality_curves(figures, choice) if figures else []
    task = figures.curves.sweep.task(choice.metric) if figures and curves and not choice.as_share else None
    if task is not None:
        curves.append(Curve("chance", "always the commonest class", (Point(0, task.chance),)))
    figure = quality_figure(curves, axes, marks=Marks(DEFAULT_DIM))
    if figures is None:
        return figure
    return describe_source(
        figure, f"{choice.metric_label} against vector length", measured_source(figures, choice.metric)
    )


def measured_source(figures: Figures, metric: str) -> str:
    """Of what, on how much, when and where figures were measured, for a picture that stands alone."""
    sweep = figures.curves.sweep
    amount = f"{sweep.n_documents:,} documents, {figures.count(metric):,} {figures.unit(metric)}"
    measured = f"Measured {curves_words.day(sweep.date)}, {sweep.hardware}. Matryoshka lab {__version__}"
    return f"{shown_name(sweep.corpus)}: {amount}; bands are 95% intervals. {measured}"


def y_title(choice: Choice) -> str:
    """What the vertical axis measures."""
    if choice.as_share:
        return "share kept of the method's own full figure"
    return "agreement, not quality" if choice.is_agreement else choice.metric_label


def quality_table(figures: Figures | None, choice: Choice) -> Markup:
    """All shown figures, a line for each arm, a column for each length."""
    if figures is None:
        return NOTHING
    dims = figures.dims(choice.arms)
    rows = (
        html(
            '<tr><th scope="row">{dot}{label}</th>{cells}</tr>',
            dot=_dot(curve.style),
            label=curve.label,
            cells=_cells(curve, dims, choice),
        )
        for curve in quality_curves(figures, choice)
    )
    kind = "Share kept" if choice.as_share else choice.metric_label
    n, unit = figures.count(choice.metric), figures.unit(choice.metric)
    caption = f"{kind}, {n:,} {unit}; beneath each figure its 95% interval"
    return figure_table(caption, ("Numbers kept", *dims), rows)


def _cells(curve: Curve, dims: tuple[int, ...], choice: Choice) -> Markup:
    if curve.is_level:
        return html(
            '<td class="level" colspan="{columns}">at any length {figure}</td>',
            columns=len(dims),
            figure=figure_html(curve.points[0], choice.as_share),
        )
    by_dim = {int(point.x): point for point in curve.points}
    figures = (figure_html(by_dim[dim], choice.as_share) if dim in by_dim else "–" for dim in dims)
    return join_html(html("<td>{figure}</td>", figure=figure) for figure in figures)


def figure_html(point: Point, as_share: bool) -> Markup:
    """A figure of a table, its interval beneath."""
    low, high = (point.y if point.low is None else point.low), (point.y if point.high is None else point.high)
    if as_share:
        return html("{y:.1%}<small>{low:.1%}–{high:.1%}</small>", y=point.y, low=low, high=high)
    return html("{y:.3f}<small>{low:.3f}–{high:.3f}</small>", y=point.y, low=low, high=high)


def contender(figures: Figures) -> str | None:
    """The arm beside base in the before-and-after view: the best kind of training there is."""
    return best_contender([arm.name for arm in figures.arms])


def before_after(figures: Figures | None) -> Markup:
    """Base and the tuned arm (or the best substitute) at a few lengths, with paired differences in words."""
    other = contender(figures) if figures else None
    if figures is None or other is None:
        return NOTHING
    full = max(figures.dims(("base", other)), default=0)
    dims = [dim for dim in (*BEFORE_AFTER_DIMS, full) if dim <= full]
    rows = (_before_after_rows(figures, other, metric, label, dims) for metric, label in BEFORE_AFTER_METRICS)
    heads = (f"full, {dim}" if dim == full else str(dim) for dim in dims)
    n, after = figures.curves.sweep.n_queries, figures.label(other)
    caption = (
        f"Before (base) and after ({after}), {n:,} {figures.unit('ndcg@10')}, paired differences with their 95% "
        f"intervals; better or worse: surely, and by more than {MARGIN:.2f}"
    )
    return figure_table(caption, ("Numbers kept", *heads), rows, is_sortable=False)


def _before_after_rows(figures: Figures, other: str, metric: str, label: str, dims: list[int]) -> Markup:
    before = [figures.row("base", dim, metric) for dim in dims]
    after = [figures.row(other, dim, metric) for dim in dims]
    if not any(before) or not any(after):
        return NOTHING
    return html(
        '<tr><th scope="row">{base_dot}{label}, base</th>{before}</tr>'
        '<tr class="after"><th scope="row">{other_dot}{label}, {other}</th>{after}</tr>',
        label=label,
        base_dot=_dot(figures.styles["base"]),
        other_dot=_dot(figures.styles[other]),
        other=figures.label(other),
        before=join_html(html("<td>{figure}</td>", figure=_row_figure(row)) for row in before),
        after=join_html(
            html("<td>{figure}{verdict}</td>", figure=_row_figure(row), verdict=_verdict(figures, row)) for row in after
        ),
    )


def _row_figure(row: SweepRow | None) -> str:
    return "–" if row is None else figure_html(Point(row.dim or 0, row.value, row.low, row.high), False)


def _verdict(figures: Figures, row: SweepRow | None) -> Markup:
    difference = figures.against(row, "base") if row else None
    if difference is None:
        return NOTHING
    return html(
        '<em class="{kind}">{difference:+.3f} [{low:+.3f}, {high:+.3f}] {verdict}</em>',
        kind={BETTER: "up", WORSE: "down"}.get(difference.verdict, "flat"),
        difference=difference.difference,
        low=difference.low,
        high=difference.high,
        verdict=difference.verdict,
    )


def speed_chart(speed: SpeedResult | None) -> go.Figure:
    """The chart of search time against length."""
    if speed is None:
        return speed_figure([], None)
    curves, limit = speed_curves(speed)
    measured = f"Measured {curves_words.day(speed.date)}, {speed.hardware}"
    source = f"Vectors of {shown_name(speed.corpus)}, repeated. {measured}. Matryoshka lab {__version__}"
    return describe_source(speed_figure(curves, limit), f"Time of a search over {speed.n:,} vectors", source)


def speed_table(speed: SpeedResult | None) -> Markup:
    """Median, p95, runs, GB/s and the part of the bandwidth of every row."""
    if speed is None:
        return NOTHING
    rows = (
        html(
            '<tr><th scope="row">{dim}</th><td>{dot}{precision}</td><td>{median:.3g}</td><td>{p95:.3g}</td>'
            "<td>{runs}</td><td>{rate:.1f}</td><td>{part:.0%}</td></tr>",
            dim=row.dim,
            dot=_dot(precision_style(row.precision)),
            precision=row.precision,
            median=row.median_ms,
            p95=row.p95_ms,
            runs=row.n_runs,
            rate=row.gb_per_s,
            part=row.gb_per_s / speed.bandwidth_gb_s,
        )
        for row in speed.rows
    )
    heads = ("Numbers", "Precision", "Median ms", "p95 ms", "Searches", "GB/s", "Of the bandwidth")
    return html(
        '<details class="fold"><summary>All times as a table</summary>{table}</details>',
        table=figure_table(f"{speed.n:,} vectors, one query at a time", heads, rows),
    )


def engine_tables(speeds: Mapping[str, EngineSpeed]) -> Markup:
    """What the engines outside this process find and take at each length, a table for each method."""
    heads = ("Numbers", "Median ms", "p95 ms", "Here, median ms", "Of the exact first ten")
    return join_html(
        notice(speed.sentences()[0], "hint")
        if speed.problem
        else figure_table(
            f"{label} in {speed.engine}: {speed.n:,} vectors, {speed.n_queries} queries one at a time",
            heads,
            (
                html(
                    '<tr><th scope="row">{dim}</th><td>{p50:.3g}</td><td>{p95:.3g}</td><td>{own:.3g}</td>'
                    "<td>{found}</td></tr>",
                    dim=row.dim,
                    p50=row.p50_ms,
                    p95=row.p95_ms,
                    own=row.embedded_p50_ms,
                    found="100% (exact)" if row.is_exact else f"{row.recall:.1%}",
                )
                for row in speed.lengths
            ),
        )
        for label, speed in speeds.items()
    )


def cost(figures: Figures | None, choice: Choice, timed: SpeedResult | None) -> tuple[go.Figure, Markup]:
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
    if figures:
        arm = figures.label(choice.cost_arm)
        describe_source(figure, f"{arm}: {choice.metric_label} against cost", measured_source(figures, choice.metric))
    return figure, _cost_words(figures, choice, clouds, timed)


def _cost_words(figures: Figures | None, choice: Choice, clouds: list[Curve], timed: SpeedResult | None) -> Markup:
    points = [point for cloud in clouds for point in cloud.points]
    best = frontier(points)
    if figures is None or not best:
        return html("<p>No figures for this choice.</p>")
    top = max(points, key=lambda point: point.y)
    near = next(point for point in best if point.y >= 0.95 * top.y)
    if choice.cost == LATENCY and timed:
        price, unit = f"{near.x:.3g} ms", f"times are of {timed.n:,} vectors, {timed.hardware}"
    else:
        price = human_bytes(int(near.x))
        unit = f"{human_bytes(int(near.x) * 1_000_000)} for a million vectors"
    setting = near.note.splitlines()[0]
    interval = "" if near.low is None or near.high is None else f" [{near.low:.3f}, {near.high:.3f}]"
    copy = "an int8" if setting.endswith("by int8") else "a float32"
    rescoring = f" Rescoring also reads {copy} copy from disk, which is not counted." if "rescored" in setting else ""
    return html(
        "<p><b>{label}</b>: 95% of the best {metric} here ({value:.3f}{interval} of {top:.3f}, {n:,} queries) costs"
        " {price} with {setting} ({unit}). {n_best} of {n_points} settings are on the frontier: nothing that costs less"
        " is as good; the others are pale.{dominated}{rescoring}</p>",
        label=figures.label(choice.cost_arm),
        metric=choice.metric_label,
        value=near.y,
        interval=interval,
        top=top.y,
        n=figures.curves.sweep.n_queries,
        price=price,
        setting=setting,
        unit=unit,
        n_best=len(best),
        n_points=len(points),
        rescoring=rescoring,
        dominated=_dominated_words(points),
    )


def _dominated_words(points: list[Point], usual: str = "64 numbers, float32") -> Markup:
    """What beats the usual cut, if anything that costs no more does."""
    cut = next((point for point in points if point.note.startswith(f"{usual}\n")), None)
    if cut is None:
        return NOTHING
    better = [point for point in points if point.x <= cut.x and point.y > cut.y]
    if not better:
        return html(" {usual}, the usual cut, is not beaten.", usual=usual)
    best = max(better, key=lambda point: point.y)
    return html(
        " {usual}, the usual cut, is beaten: {setting} costs no more and has {value:.3f} instead of {cut:.3f}.",
        usual=usual,
        setting=best.note.splitlines()[0],
        value=best.y,
        cut=cut.y,
    )


def lost_html(figures: Figures | None, lost: BrokenQueries | None) -> Markup:
    """The worst-hit queries, each a button that opens it beside base in the Compare tab."""
    if lost is not None and not lost.n_found:
        return html(
            '<p class="lost-lead">No query has a known answer among its first {k}: none can break.</p>', k=lost.k
        )
    if figures is None or lost is None:
        return html('<p class="lost-lead">No list for this method: choose another, or measure again.</p>')
    return html(
        '<p class="lost-lead"><b>{label}</b>: of {n_queries:,} {unit} {n_found:,} have a {known_answer} in the'
        " first {k} with the full vector; {n_broken:,}{share} of those lose it at some shorter length. The worst hit,"
        " those that break at the longest vector first; click one to see it in Compare.</p>"
        '<ol class="lost-list">{items}</ol>',
        label=figures.label(lost.arm),
        known_answer=term(Term.KNOWN_ANSWER),
        n_queries=lost.n_queries,
        unit=figures.unit("ndcg@10"),
        n_found=lost.n_found,
        k=lost.k,
        n_broken=lost.n_broken,
        share=f" ({lost.n_broken / lost.n_found:.0%})" if lost.n_found else "",
        items=join_html(_lost_item(position, query) for position, query in enumerate(lost.worst)),
    )


def _lost_item(position: int, query: BrokenQuery) -> Markup:
    return html(
        '<li><button type="button" class="lost" data-example="{position}"><span class="lost-at">breaks at '
        '<b>{breaks_at}</b></span><span class="lost-text">{text}<small>{answer}: rank {full_rank:,} with the full'
        " vector, {broken_rank:,} at {breaks_at}; holds from {holds_from}</small></span></button></li>",
        position=position,
        breaks_at=query.breaks_at,
        text=user_text(shorten(query.text, 160)),
        answer=user_text(shorten(query.answer, 80)),
        full_rank=query.full_rank,
        broken_rank=query.broken_rank,
        holds_from=query.holds_from,
    )


def notes_html(notes: Iterable[str]) -> Markup:
    """What a measurement left out."""
    items = join_html(html("<li>{note}</li>", note=shorten(note, 300)) for note in notes)
    if not items:
        return NOTHING
    return html(
        '<details class="left-out"><summary>What was left out, and why</summary><ul>{items}</ul></details>', items=items
    )


def _dot(style: Style) -> Markup:
    return html('<i class="dot" style="background:{colour}" aria-hidden="true"></i>', colour=style.colour)
