"""The Compare tab without Gradio: a `Comparison` in, HTML and figures out."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go
from markupsafe import Markup

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.style import Style
from mrl_demo.core.types import ComparedArm, Comparison, RankPaths
from mrl_demo.plots.ranks import emphasised_rows, rank_moves_figure
from mrl_demo.ui.components.cards import card_list
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.metrics import figures
from mrl_demo.ui.components.text import shorten, visible

_SIDES = ("a", "b")
_MOVES_KEY = html(
    '<p class="key"><span class="move near">▲2</span> places moved against the model\'s own full-vector ranking;'
    ' <span class="move stranger">▲30</span> was not among its first ten</p>'
)
MOVES_INTRO = html(
    '<h2>How the ranks move</h2><p class="lead">Each line is one of the first documents with the full vector; follow it'
    " to the left to see where it lands as the vector gets shorter. Thick lines are known answers, the dotted line is"
    " the length chosen above. Both axes are logarithmic.</p>"
)


def results_html(comparison: Comparison) -> Markup:
    """Both arms side by side: heading, figures, cards."""
    columns = (
        arm_column(arm, side, colour)
        for side, arm, colour in zip(_SIDES, comparison.arms, _colours(comparison), strict=False)
    )
    return html(
        '<div class="arms" data-dim="{dim}" data-query="{asked}"><p class="asked">Results for {query}</p>{key}{columns}'
        "</div>{notes}",
        dim=comparison.dim,
        asked=comparison.query,
        query=user_text(comparison.query),
        key=_MOVES_KEY,
        columns=join_html(columns),
        notes=corpus_notes_html(comparison),
    )


def corpus_notes_html(comparison: Comparison) -> Markup:
    """What was left out, cut, replaced or guessed when the documents were read; nothing if nothing was."""
    if not comparison.corpus_notes:
        return NOTHING
    items = (html("<li>{note}</li>", note=user_text(shorten(str(note), 300))) for note in comparison.corpus_notes)
    return html(
        '<details class="corpus-notes" open><summary>How the documents were read</summary><ul>{items}</ul></details>',
        items=join_html(items),
    )


def arm_column(arm: ComparedArm, side: str, colour: str) -> Markup:
    """One arm's section in its colour; `side` is "a" for the left one."""
    return html(
        '<section class="arm side-{side}" style="--colour:{colour}" data-arm="{name}" aria-label="{label}">'
        '<header class="arm-head"><h2>{label}</h2><p>{description}</p></header>{figures}{cards}</section>',
        side=side,
        colour=colour,
        name=arm.spec.name,
        label=arm.spec.label,
        description=arm.spec.description,
        figures=figures(arm.result),
        cards=card_list(arm.result, arm.spec.label),
    )


def breaks_html(comparison: Comparison) -> Markup:
    """Says for each arm from which length on this query holds."""
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
    return html('<ul class="breaks">{items}</ul>', items=join_html(items))


def breaking_words(paths: RankPaths) -> str:
    """One sentence on where this query breaks, to be read after the arm's name."""
    tracked = "the known answer" if paths.tracked == "answer" else "its own full-length winner"
    place = "in first place" if paths.hold_k == 1 else f"in the first {paths.hold_k}"
    if paths.holds_from is None:
        rank = _tracked_rank(paths, paths.dims[-1])
        return f"misses it even with the full vector: {tracked} is at rank {rank:,}, not {place}."
    if paths.holds_from <= paths.dims[0]:
        return f"never breaks: {tracked} stays {place} at every length tried, down to {_numbers(paths.dims[0])}."
    below = max(dim for dim in paths.dims if dim < paths.holds_from)
    return (
        f"breaks below {_numbers(paths.holds_from)}: from there up {tracked} stays {place},"
        f" but at {below} it falls to rank {_tracked_rank(paths, below):,}."
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
