"""The Funnel tab's HTML and figures: words, drawings and tables from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mrl_demo.core.style import Style
from mrl_demo.funnels.measure import FunnelReport
from mrl_demo.funnels.proof import ProofReport
from mrl_demo.gating.allocation import GateReport, LengthPoint
from mrl_demo.lab.funnel_tables import CHOICE_NAMES, Cells, cheapest_cells, funnel_cells, gate_cells, proof_cells
from mrl_demo.plots.curves import Axes, Curve, Point, quality_figure
from mrl_demo.plots.funnel import FunnelBar, funnel_figure
from mrl_demo.plots.line_ends import name_lines_below
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.funnel.state import FunnelState
from mrl_demo.ui.ids import Id

_FUNNEL_HINT = (
    "Choose a preset or write stages, numbers:documents with commas between them, and press “Run the funnel”."
)
_PROOF_HINT = "Press “Prove”: every query is searched until its first ten are proven to be those of an exact search."
_GATE_HINT = "Press “Compare”: a gate is fitted on half of the queries and compared on the other half."
_PROVEN, _LEFT = Style("#1c8da6", "circle"), Style("#c8601a", "diamond", "dash")
#: Characters from which a cell is a sentence.
_LONG_CELL = 32
_LOOSE, _LOOSE_LEFT = Style("#3f8f5b", "square", "dot"), Style("#c0528f", "x", "dashdot")


def draw_stages(state: FunnelState) -> Mapping[Id, Any]:
    """The funnel: words, drawing, table and lost answers; and the cheapest cascade."""
    report, cheapest = state.seen.funnel, state.seen.cheapest
    found = (
        join_html([_words(cheapest.sentence()), _table("No cheaper cascade keeps as much", cheapest_cells(cheapest))])
        if cheapest
        else NOTHING
    )
    if report is None:
        return {Id.FUNNEL_ANSWER: _hint(_FUNNEL_HINT), Id.FUNNEL_FIGURE: None, Id.FUNNEL_STAGES_TABLE: NOTHING,
                Id.FUNNEL_CHEAPEST: found}  # fmt: skip
    table = _table("Stage by stage", funnel_cells(report))
    return {
        Id.FUNNEL_ANSWER: _words(report.sentence()),
        Id.FUNNEL_FIGURE: _funnel_drawing(report),
        Id.FUNNEL_STAGES_TABLE: join_html([table, _lost(report), _notes(report.notes)]),
        Id.FUNNEL_CHEAPEST: found,
    }


def draw_proof(state: FunnelState) -> Mapping[Id, Any]:
    """When the proof fires."""
    report = state.seen.proof
    if report is None:
        return {
            Id.FUNNEL_PROOF_ANSWER: _hint(_PROOF_HINT),
            Id.FUNNEL_PROOF_FIGURE: None,
            Id.FUNNEL_PROOF_TABLE: NOTHING,
        }
    examples = join_html(
        html(
            "<li>{query}: proven from {dim} numbers on</li>",
            query=user_text(shorten(one.query, 120)),
            dim=one.proven_at,
        )
        for one in report.examples
    )
    shown = html('<p class="lead">Proven first:</p><ul class="lead">{examples}</ul>', examples=examples)
    return {
        Id.FUNNEL_PROOF_ANSWER: _words(report.sentence()),
        Id.FUNNEL_PROOF_FIGURE: _proof_drawing(report),
        Id.FUNNEL_PROOF_TABLE: join_html(
            [_table("Proven by length", proof_cells(report)), shown, _notes(report.notes)]
        ),
    }


def draw_gate(state: FunnelState) -> Mapping[Id, Any]:
    """Mean length against quality for all ways to choose."""
    report = state.seen.gate
    if report is None:
        return {Id.FUNNEL_GATE_ANSWER: _hint(_GATE_HINT), Id.FUNNEL_GATE_FIGURE: None, Id.FUNNEL_GATE_TABLE: NOTHING}
    caption = f"The same {report.n_test:,} held-out queries; in brackets 95% intervals"
    return {
        Id.FUNNEL_GATE_ANSWER: _words(report.sentence()),
        Id.FUNNEL_GATE_FIGURE: _gate_drawing(report),
        Id.FUNNEL_GATE_TABLE: join_html([_table(caption, gate_cells(report)), _notes(report.notes)]),
    }


def _funnel_drawing(report: FunnelReport) -> Any:  # noqa: ANN401 - plotly has no types
    return funnel_figure(
        [
            FunnelBar(
                f"{stage.dim} numbers" + ("" if stage.precision == "float32" else f", {stage.precision}"),
                stage.entering,
                stage.leaving,
                stage.answers_lost,
                f"{stage.entering:,} documents in, {stage.leaving:,} out\n{stage.answers_entering:,} known answers, "
                f"{stage.answers_lost:,} lost here\n{stage.ms:.2f} ms, {stage.bytes_read:,} bytes read",
            )
            for stage in report.stages
        ]
    )


def _proof_drawing(report: ProofReport) -> Any:  # noqa: ANN401 - plotly has no types
    proof, loose = report.proof, report.calibrated
    curves = [
        _shares("proven", "first ten proven", proof.dims, proof.settled, _PROVEN),
        _shares("left", "documents that still can be", proof.dims, proof.left, _LEFT),
        _shares("loose", "settled by the 99% bound", loose.dims, loose.settled, _LOOSE),
        _shares("loose-left", "documents left by it", loose.dims, loose.left, _LOOSE_LEFT),
    ]
    return name_lines_below(quality_figure(curves, Axes("numbers read", "share", is_share=True)))


def _shares(name: str, label: str, dims: Sequence[int], shares: Sequence[float], style: Style) -> Curve:
    points = tuple(Point(dim, share) for dim, share in zip(dims, shares, strict=True))
    return Curve(name, label, points, style=style)


def _gate_drawing(report: GateReport) -> Any:  # noqa: ANN401 - plotly has no types
    curves = [
        _lengths("fixed", "fixed lengths", report.fixed, Style("#8b93a1", "circle")),
        _lengths("margin", CHOICE_NAMES["margin"], report.margin, Style("#c0528f", "x", "dot")),
        _lengths("gate", CHOICE_NAMES["gate"], report.gate, Style("#1c8da6", "diamond")),
    ]
    chosen = Curve(
        "published",
        "what each way chose",
        tuple(
            Point(choice.point.mean_length, choice.point.value, note=f"{CHOICE_NAMES[choice.name]}: {choice.how}")
            for choice in sorted(report.choices, key=lambda choice: choice.point.mean_length)
        ),
    )
    figure = name_lines_below(quality_figure(curves, Axes("mean numbers a query", report.metric), [chosen]))
    hover = {"hovertemplate": "%{customdata[0]}<br>%{y:.3f}<extra></extra>"}
    return figure.update_traces(hover, {"name": "what each way chose"})


def _lengths(name: str, label: str, points: Sequence[LengthPoint], style: Style) -> Curve:
    return Curve(name, label, tuple(Point(p.mean_length, p.value, p.low, p.high) for p in points), style=style)


def _lost(report: FunnelReport) -> Markup:
    """Known answers that were lost, by stage."""
    items = [
        html(
            "<li>Stage {stage} lost “{answer}”, an answer to “{query}”</li>",
            stage=stage.name,
            answer=user_text(shorten(one.answer, 80)),
            query=user_text(shorten(one.query, 120)),
        )
        for stage in report.stages
        for one in stage.examples
    ]
    if not items:
        return NOTHING
    return html('<p class="lead">Lost answers, for example:</p><ul class="lead">{items}</ul>', items=join_html(items))


def _words(sentence: str) -> Markup:
    return html('<div class="curve-words"><p>{sentence}</p></div>', sentence=sentence)


def _hint(text: str) -> Markup:
    return html('<p class="notice hint">{text}</p>', text=text)


def _notes(notes: Sequence[str]) -> Markup:
    return join_html(html('<p class="lead">{note}</p>', note=shorten(note, 300)) for note in notes)


def _cell(text: str) -> Markup:
    """A cell; whole sentences run over several lines."""
    if len(text) > _LONG_CELL:
        return html('<td class="wide">{text}</td>', text=text)
    return html("<td>{text}</td>", text=text)


def _table(caption: str, cells: Cells) -> Markup:
    heads, rows = cells
    body = (
        html(
            '<tr><th scope="row">{first}</th>{others}</tr>',
            first=row[0],
            others=join_html(map(_cell, row[1:])),
        )
        for row in rows
    )
    return figure_table(caption, heads, body)
