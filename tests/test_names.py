"""A public name means one thing in the whole house."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from mrl_demo.core.config import CODE_ROOT

#: What every module of a kind has: commands, tabs, corpora of the menu, scripts, export targets, modules that log.
SHARED = {"main", "build", "NAME", "LABEL", "ROOT", "TARGET", "logger"}


def public_names(module: ast.Module) -> Iterator[str]:
    """Functions, classes and values that a module defines, without a leading underscore."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def test_public_names_are_unique_across_the_house() -> None:
    homes = defaultdict(list)
    for folder in ("mrl_demo", "training", "benchmarks", "dev"):
        for path in sorted((CODE_ROOT / folder).rglob("*.py")):
            for name in public_names(ast.parse(path.read_text(encoding="utf-8"))):
                homes[name].append(str(path.relative_to(CODE_ROOT)))
    twice = {name: places for name, places in homes.items() if len(places) > 1 and name not in SHARED}
    assert twice == {}, "name one of each pair for what it alone is"
