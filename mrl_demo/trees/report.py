"""A tree for the terminal: what each length knows, the clusters, and the path of a question."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from mrl_demo.trees.prefix_tree import PrefixTree, TreeNode

_MOST_LISTED = 6


def tree_report(trees: Sequence[PrefixTree], depth: int = 1) -> RenderableType:
    """One table of all arms, then the clusters of the first tree down to a depth, and every path."""
    first = trees[0]
    parts: list[RenderableType] = [f"[bold]{escape(first.corpus)}[/]: {len(first.documents):,} documents"]
    parts.append(_purity_table(trees))
    whole = Tree(f"{escape(first.arm_label)}: {first.floors[0].dim} numbers first")
    _grow(whole, first.children, first, depth, is_first=True)
    parts.append(whole)
    parts += [path_words(tree) for tree in trees if tree.path]
    parts += [f"[yellow]Note:[/] {escape(note)}" for note in first.notes]
    return Group(*parts)


def _purity_table(trees: Sequence[PrefixTree]) -> Table:
    table = Table(
        title="Documents with the most common label of their cluster, of those whose labels teach no arm (clusters)",
        title_justify="left",
    )
    table.add_column("arm")
    table.add_column("label")
    for floor in trees[0].floors:
        table.add_column(f"{floor.dim} numbers", justify="right")
    for tree in trees:
        for name in tree.fields:
            shares = [f"{floor.purity[name]:.1%} ({floor.nodes})" for floor in tree.floors]
            table.add_row(escape(tree.arm), name, *shares)
        if not tree.fields:
            table.add_row(escape(tree.arm), "none", *(f"({floor.nodes})" for floor in tree.floors))
    return table


def _grow(branch: Tree, nodes: Sequence[TreeNode], tree: PrefixTree, depth: int, is_first: bool = False) -> None:
    for node in nodes[: None if is_first else _MOST_LISTED]:
        share = f", {node.share:.0%} of" if tree.fields else ","
        twig = branch.add(f"{escape(node.name)}{share} {node.size:,} ({node.dim} numbers)")
        if depth > 1:
            _grow(twig, node.children, tree, depth - 1)
    if not is_first and len(nodes) > _MOST_LISTED:
        branch.add(f"and {len(nodes) - _MOST_LISTED} more")


def path_words(tree: PrefixTree) -> str:
    """The path of the question in a sentence, plain text but for escaped brackets."""
    steps = " > ".join(f"{step.dim}: {step.name} ({step.size:,})" for step in tree.path)
    parts = tree.parts_at
    best = tree.title(tree.best) if tree.best is not None else ""
    end = f"“{best}”, which the full vector finds first, " + (
        f"is left behind at {parts} numbers." if parts else "is there to the end."
    )
    return escape(f"{tree.arm}: “{tree.query}” goes {steps}. {end}")
