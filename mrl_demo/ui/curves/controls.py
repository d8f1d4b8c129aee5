"""What MatryoshkaLoss itself buys, under the curves of the built-in collection: a sentence and a table a recipe."""

from __future__ import annotations

from functools import cache

from markupsafe import Markup

from mrl_demo.core.config import find_assets
from mrl_demo.evaluation.sweeps.controls import ControlGroup, read_controls
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.components.table import figure_table

_DIMS = (16, 32, 64, 128, 384)


@cache
def controls_html() -> Markup:
    """A fold with every recipe that ships with its controls; nothing if none does."""
    groups = read_controls(find_assets())
    if not groups:
        return NOTHING
    return html(
        '<details class="fold controls"><summary>What the Matryoshka loss itself buys</summary>{groups}</details>',
        groups=join_html(map(_group_html, groups)),
    )


def _group_html(group: ControlGroup) -> Markup:
    rows = (
        html("<tr><th scope='row'>{label}</th>{cells}</tr>", label=label, cells=_cells(group, arm))
        for arm, label in group.labels.items()
    )
    caption = f"{group.about} nDCG@10 by numbers kept; {group.collection}."
    table = figure_table(caption, ("What is done to the ordinary model", *_DIMS), rows, is_sortable=False)
    return html("<p>{sentence}</p>{table}", sentence=group.sentence(), table=table)


def _cells(group: ControlGroup, arm: str) -> Markup:
    values = (group.value(arm, dim) for dim in _DIMS)
    return join_html(html("<td>{v}</td>", v="–" if value is None else f"{value:.3f}") for value in values)
