"""The Compare tab without Gradio: a `Comparison` in, HTML and figures out."""

from __future__ import annotations

import json
from dataclasses import replace

import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.api.snippets import snippets_for
from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.glossary import Term
from mrl_demo.core.secret_names import PRIVATE_PREFIX
from mrl_demo.core.style import Style
from mrl_demo.core.types import ANSWER_ELSEWHERE, BREAK_DEPTH, ComparedArm, Comparison, RankPaths
from mrl_demo.core.verdict import SideVerdict
from mrl_demo.core.wording import ordinal
from mrl_demo.lab.verdict_words import part_words
from mrl_demo.plots.ranks import emphasised_rows, rank_moves_figure
from mrl_demo.ui.components.cards import card_list
from mrl_demo.ui.components.code import code_drawer
from mrl_demo.ui.components.glossary import term
from mrl_demo.ui.components.markup import NOTHING, exact_attribute, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten, visible
from mrl_demo.ui.components.verdict import figures_line, method_name, outcome_line, verdict_line

_SIDES = ("a", "b")
MOVES_INTRO = html(
    '<h2>How the ranks move</h2><p class="lead">Each line is one of the first documents with the full vector; follow it'
    " to the left to see where it lands as the vector gets shorter. The thick line is the {answer}, or the method's own"
    " winner. The dotted line is the length chosen above: drag it, it is the slider. Point at a line to see its card."
    " Both axes are logarithmic.</p>",
    answer=term(Term.KNOWN_ANSWER),
)
_FIRST_TEN = f"the first {BREAK_DEPTH}"


def results_html(comparison: Comparison) -> Markup:
    """The verdict, then both arms side by side: outcome, figures, cards."""
    outcomes = comparison.verdict.sides if comparison.verdict else (None,) * len(comparison.arms)
    columns = (
        arm_column(arm, side, colour, outcome, may_be_called=_may_be_called(comparison))
        for side, arm, colour, outcome in zip(_SIDES, comparison.arms, _colours(comparison), outcomes, strict=False)
    )
    return html(
        '<div class="arms" data-dim="{dim}" data-query="{asked}" data-frames="{frames}">'
        '<p class="asked">Results for {query}</p>{part}{verdict}{columns}</div>{engines}{notes}{code}',
        dim=comparison.dim,
        asked=comparison.query,
        frames=exact_attribute(_frames_key(comparison)),
        query=user_text(comparison.query),
        part=part_html(comparison),
        verdict=verdict_line(comparison.verdict),
        columns=join_html(columns),
        engines=engines_html(comparison),
        notes=corpus_notes_html(comparison),
        code=code_drawer(snippets_for("compare", _call_arguments(comparison))),
    )


def part_html(comparison: Comparison) -> Markup:
    """Which documents alone were searched: all that follows is said of them; nothing if all were."""
    words = part_words(comparison)
    return html('<p class="searched-part">{words}</p>', words=words) if words else NOTHING


def _may_be_called(comparison: Comparison) -> bool:
    """Whether a visitor may call a document the answer: to any question on their own, to their own on others'."""
    if comparison.corpus.startswith(PRIVATE_PREFIX):
        return True
    has_answer = any(arm.result.answer_rank is not None for arm in comparison.arms)
    return not has_answer and not any(note.kind == ANSWER_ELSEWHERE for arm in comparison.arms for note in arm.notes)


def _call_arguments(comparison: Comparison) -> dict[str, object]:
    """What a program gives to get this comparison."""
    arms = [arm.spec.name for arm in comparison.arms]
    about = {"query": comparison.query, "arms": arms, "dim": comparison.dim, "corpus": comparison.corpus}
    return about | ({"where": part} if (part := _part(comparison)) else {})


def _part(comparison: Comparison) -> str:
    return next((f"{field}={value}" for field, value in comparison.where.items()), "")


def _frames_key(comparison: Comparison) -> str:
    """What `static/results.js` asks the same question by, at other lengths: another one if more answers are known."""
    arms = [arm.spec.name for arm in comparison.arms]
    known = sum(sum(arm.paths.is_answer) for arm in comparison.arms)
    about = {"query": comparison.query, "corpus": comparison.corpus, "arms": arms, "part": _part(comparison)}
    return json.dumps({**about, "known": known})


def engines_html(comparison: Comparison) -> Markup:
    """Which engines outside this process answered, and what they find; nothing if none did."""
    words = [f"{arm.result.engine} ({arm.spec.label})" for arm in comparison.arms if arm.result.engine]
    return html('<p class="engines">Searched in {words}.</p>', words="; ".join(words)) if words else NOTHING


def corpus_notes_html(comparison: Comparison) -> Markup:
    """What was left out, cut, replaced or guessed when the documents were read; nothing if nothing was."""
    if not comparison.corpus_notes:
        return NOTHING
    items = (html("<li>{note}</li>", note=user_text(shorten(str(note), 300))) for note in comparison.corpus_notes)
    return html(
        '<details class="corpus-notes" open><summary>How the documents were read</summary><ul>{items}</ul></details>',
        items=join_html(items),
    )


def arm_column(
    arm: ComparedArm, side: str, colour: str, outcome: SideVerdict | None = None, *, may_be_called: bool = False
) -> Markup:
    """One arm's section in its colour; `side` is "a" for the left one, `outcome` what the cut did to its answer.

    `may_be_called`: its cards have the button by which a visitor calls one the answer.
    """
    return html(
        '<section class="arm side-{side}" style="--colour:{colour}" data-arm="{name}" aria-label="{label}">'
        '<header class="arm-head"><h2>{named}</h2>{outcome}{figures}</header>{cards}</section>',
        side=side,
        colour=colour,
        name=arm.spec.name,
        label=arm.spec.label,
        named=method_name(arm.spec.name, arm.spec.label),
        outcome=outcome_line(outcome),
        figures=figures_line(arm.result, arm.spec.label, arm.spec.description),
        cards=card_list(arm.result, arm.spec.label, may_be_called=may_be_called),
    )


def breaks_html(comparison: Comparison) -> Markup:
    """Says for each arm from which length on this query holds, and the ranks of the chart as tables."""
    if comparison.verdict and comparison.verdict.seems_unanswered:
        words = "Nothing here seems to answer this, so where it breaks says little."
        return html('<p class="verdict unanswered">{words}</p>{tables}', words=words, tables=_rank_tables(comparison))
    items = (
        html(
            '<li class="side-{side}" style="--colour:{colour}"><b>{label}</b> {words}</li>',
            side=side,
            colour=colour,
            label=arm.spec.label,
            words=breaking_words(arm.paths),
        )
        for side, arm, colour in zip(_SIDES, comparison.arms, _colours(comparison), strict=False)
    )
    return html('<ul class="breaks">{items}</ul>{tables}', items=join_html(items), tables=_rank_tables(comparison))


def breaking_words(paths: RankPaths) -> str:
    """One sentence on where this query breaks, to be read after the arm's name."""
    rows = emphasised_rows(paths)
    title = shorten(paths.titles[rows[0]], 70) if rows else ""
    tracked = f"the known answer, “{title}”," if paths.tracked == "answer" else f"its own best, “{title}”,"
    if paths.holds_from is None:
        rank = _tracked_rank(paths, paths.dims[-1])
        return f"misses it even with the full vector: {tracked} is {ordinal(rank)}, not in {_FIRST_TEN}."
    if paths.holds_from <= paths.dims[0]:
        return (
            f"never breaks: {tracked} stays in {_FIRST_TEN} at every length tried, down to {_numbers(paths.dims[0])}."
        )
    below = max(dim for dim in paths.dims if dim < paths.holds_from)
    return (
        f"breaks below {_numbers(paths.holds_from)}: from there up {tracked} stays in {_FIRST_TEN},"
        f" but at {below} it falls to {ordinal(_tracked_rank(paths, below))}."
    )


def _rank_tables(comparison: Comparison) -> Markup:
    """What the chart of rank moves shows, for who does not see it."""
    tables = (
        figure_table(
            f"{arm.spec.label}: rank of each document by length",
            ["document", *arm.paths.dims],
            (_rank_row(arm.paths, row) for row in range(len(arm.paths.titles))),
        )
        for arm in comparison.arms
    )
    return html(
        '<details class="fold rank-tables"><summary>The chart below as tables</summary>{tables}</details>',
        tables=join_html(tables),
    )


def _rank_row(paths: RankPaths, row: int) -> Markup:
    return html(
        '<tr><th scope="row">{title}{answer}</th>{ranks}</tr>',
        title=user_text(shorten(paths.titles[row], 60)),
        answer=" (known answer)" if paths.is_answer[row] else "",
        ranks=join_html(html("<td>{rank:,}</td>", rank=rank) for rank in paths.ranks[row].tolist()),
    )


def figure(comparison: Comparison) -> go.Figure:
    """The chart of rank moves, titles made safe to show."""
    arms = tuple(
        replace(arm, paths=replace(arm.paths, titles=tuple(visible(title) for title in arm.paths.titles)))
        for arm in comparison.arms
    )
    return rank_moves_figure(replace(comparison, arms=arms), _styles(comparison))


def _styles(comparison: Comparison) -> dict[str, Style]:
    return arm_styles([arm.spec.name for arm in comparison.arms])


def _colours(comparison: Comparison) -> list[str]:
    """The colour of each arm: the one that it has in every chart."""
    styles = _styles(comparison)
    return [styles[arm.spec.name].colour for arm in comparison.arms]


def shared_full_dim(comparison: Comparison) -> int:
    """The longest prefix that every arm has."""
    return min(arm.result.full_dim for arm in comparison.arms)


def _tracked_rank(paths: RankPaths, dim: int) -> int:
    column = paths.dims.index(dim)
    return int(paths.ranks[list(emphasised_rows(paths)), column].min())


def _numbers(dim: int) -> str:
    return "1 number" if dim == 1 else f"{dim} numbers"
