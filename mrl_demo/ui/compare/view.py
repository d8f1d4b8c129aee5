"""The Compare tab without Gradio: a `Comparison` in, HTML and figures out."""

from __future__ import annotations

from dataclasses import replace

import plotly.graph_objects as go

from mrl_demo.arms.catalogue import arm_styles
from mrl_demo.core.types import ComparedArm, Comparison, RankPaths
from mrl_demo.plots.ranks import emphasised_rows, rank_moves_figure
from mrl_demo.ui.components.cards import card_list
from mrl_demo.ui.components.metrics import figures
from mrl_demo.ui.components.text import escape, shorten, user_text, visible

_SIDES = ("a", "b", "c", "d")
_MOVES_KEY = (
    '<p class="key"><span class="move near">▲2</span> places moved against the model\'s own full-vector ranking;'
    ' <span class="move stranger">▲30</span> was not among its first ten</p>'
)
MOVES_INTRO = (
    '<h2>How the ranks move</h2><p class="lead">Each line is one of the first documents with the full vector; follow it'
    " to the left to see where it lands as the vector gets shorter. Thick lines are known answers, the dotted line is"
    " the length chosen above. Both axes are logarithmic.</p>"
)


def results_html(comparison: Comparison) -> str:
    """Both arms side by side: heading, figures, cards."""
    columns = "".join(arm_column(arm, _SIDES[i % 4]) for i, arm in enumerate(comparison.arms))
    return (
        f'<div class="arms" data-dim="{comparison.dim}">'
        f'<p class="asked">Results for {user_text(comparison.query)}</p>{_MOVES_KEY}{columns}</div>'
        f"{corpus_notes_html(comparison)}"
    )


def corpus_notes_html(comparison: Comparison) -> str:
    """What was left out, cut, replaced or guessed when the documents were read; "" if nothing was."""
    if not comparison.corpus_notes:
        return ""
    items = "".join(f"<li>{user_text(shorten(str(note), 300))}</li>" for note in comparison.corpus_notes)
    summary = "<summary>How the documents were read</summary>"
    return f'<details class="corpus-notes" open>{summary}<ul>{items}</ul></details>'


def arm_column(arm: ComparedArm, side: str) -> str:
    """One arm's section; `side` picks its colour."""
    label = escape(arm.spec.label)
    return (
        f'<section class="arm side-{side}" data-arm="{escape(arm.spec.name)}" aria-label="{label}">'
        f'<header class="arm-head"><h2>{label}</h2><p>{escape(arm.spec.description)}</p></header>'
        f"{figures(arm.result)}{card_list(arm.result, arm.spec.label)}</section>"
    )


def breaks_html(comparison: Comparison) -> str:
    """Says for each arm from which length on this query holds."""
    items = "".join(
        f'<li class="side-{_SIDES[i % 4]}"><b>{escape(arm.spec.label)}</b> {escape(breaking_words(arm.paths))}</li>'
        for i, arm in enumerate(comparison.arms)
    )
    return f'<ul class="breaks">{items}</ul>'


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
    return rank_moves_figure(replace(comparison, arms=arms), arm_styles([arm.spec.name for arm in arms]))


def shared_full_dim(comparison: Comparison) -> int:
    """The longest prefix that every arm has."""
    return min(arm.result.full_dim for arm in comparison.arms)


def _tracked_rank(paths: RankPaths, dim: int) -> int:
    column = paths.dims.index(dim)
    return int(paths.ranks[list(emphasised_rows(paths)), column].min())


def _numbers(dim: int) -> str:
    return "1 number" if dim == 1 else f"{dim} numbers"
