"""The tree of ever longer prefixes as HTML: folds that open with the keyboard, the question's path marked in words."""

from __future__ import annotations

from markupsafe import Markup

from mrl_demo.trees.prefix_tree import PrefixTree, TreeNode
from mrl_demo.ui.components.markup import NOTHING, html, join_html, user_text
from mrl_demo.ui.components.table import figure_table
from mrl_demo.ui.components.text import shorten

_TITLE, _SHOWN = 80, 5
_FIELDS = {"domain": "coarse label", "topic": "label"}

TREE_WORDS = html(
    '<p class="lead">Cut every document to its first 8 numbers and put the near ones together: that is what 8 numbers '
    "know. Then read 16 numbers of each heap, and 32: to lengthen the prefix is to walk down the tree. A method that "
    "puts the coarse before the fine sorts domains first and topics next. Open a heap, or ask a question and see which "
    "way it goes.</p>"
)


def tree_html(tree: PrefixTree, dim: int) -> Markup:
    """What each length knows, the question's way, and the tree with that way open down to `dim` numbers."""
    return html(
        '{way}{table}{notes}<div class="prefix-tree" data-nodes="{count}">{heaps}</div>',
        way=_way(tree),
        table=_floor_table(tree),
        notes=join_html(html('<p class="origin">{note}</p>', note=note) for note in tree.notes),
        count=sum(floor.nodes for floor in tree.floors),
        heaps=_heaps(tree, tree.children, 0, dim, on_path=True),
    )


def _way(tree: PrefixTree) -> Markup:
    if not tree.path or tree.best is None:
        return NOTHING
    steps = (
        html("<li><b>{dim} numbers</b> {name}, {size:,} documents</li>", dim=s.dim, name=user_text(s.name), size=s.size)
        for s in tree.path
    )
    best = user_text(shorten(tree.title(tree.best), _TITLE))
    end = (
        html("left behind at {dim} numbers", dim=tree.parts_at) if tree.parts_at else html("with it to the last floor")
    )
    return html(
        '<div role="status"><p class="curve-words">The question’s way: the document that all numbers find first, '
        '“{best}”, is <b>{end}</b>.</p><ol class="tree-way">{steps}</ol></div>',
        best=best,
        end=end,
        steps=join_html(steps),
    )


def _floor_table(tree: PrefixTree) -> Markup:
    if not tree.fields:
        return html('<p class="origin">This collection has no labels: heaps are named by their words.</p>')
    rows = (
        html(
            "<tr><td>{dim}</td><td>{nodes}</td>{cells}</tr>",
            dim=floor.dim,
            nodes=floor.nodes,
            cells=join_html(html("<td>{share:.1%}</td>", share=floor.purity[name]) for name in tree.fields),
        )
        for floor in tree.floors
    )
    heads = ["numbers", "heaps", *(f"have their heap’s {_FIELDS[name]}" for name in tree.fields)]
    return figure_table("What each length knows, by documents whose labels taught no method", heads, rows)


def _heaps(tree: PrefixTree, nodes: tuple[TreeNode, ...], floor: int, dim: int, *, on_path: bool) -> Markup:
    taken = tree.path[floor].place if on_path and floor < len(tree.path) else None
    return join_html(_heap(tree, node, floor, dim, on_path=place == taken) for place, node in enumerate(nodes))


def _heap(tree: PrefixTree, node: TreeNode, floor: int, dim: int, *, on_path: bool) -> Markup:
    share = html("{share:.0%} of ", share=node.share) if tree.fields else NOTHING
    inside = _heaps(tree, node.children, floor + 1, dim, on_path=on_path) if node.children else _titles(tree, node)
    return html(
        '<details class="heap{mark}"{open}><summary><b>{name}</b> <span>{share}{size:,}, {dim} numbers</span>{way}'
        "</summary>{inside}</details>",
        mark=" on-way" if on_path else "",
        open=html(" open") if on_path and node.dim <= dim else NOTHING,
        name=user_text(shorten(node.name, _TITLE)),
        share=share,
        size=node.size,
        dim=node.dim,
        way=html(' <span class="way">the question goes here</span>') if on_path else NOTHING,
        inside=inside,
    )


def _titles(tree: PrefixTree, node: TreeNode) -> Markup:
    """A last heap's documents: those on the way nearest to the question, else those nearest to the centre."""
    rows = tree.reached if tree.path and set(tree.reached) == set(node.rows) else node.rows
    shown = join_html(
        html("<li>{title}</li>", title=user_text(shorten(tree.title(row), _TITLE))) for row in rows[:_SHOWN]
    )
    more = html("<li>and {count} more</li>", count=node.size - _SHOWN) if node.size > _SHOWN else NOTHING
    return html("<ul>{shown}{more}</ul>", shown=shown, more=more)
