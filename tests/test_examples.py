"""The examples in docstrings are true, and rooms that promise an example for every public class have one."""

from __future__ import annotations

import ast
import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mrl_demo.core.config import CODE_ROOT

#: Rooms in which every public class shows how it is used.
SHOWING = tuple(f"mrl_demo/{room}" for room in ("core", "corpora", "adapt", "search", "arms", "plots", "lab"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (CODE_ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(CODE_ROOT).with_suffix("").parts)


WITH_EXAMPLES = [path for path in sources("mrl_demo", "training") if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=name_of)
def test_examples_do_what_they_show(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MRL_CACHE_DIR", str(tmp_path / "cache"))
    done = doctest.testmod(importlib.import_module(name_of(path).removesuffix(".__init__")), optionflags=FLAGS)
    assert done.attempted
    assert not done.failed, capsys.readouterr().out


def public_classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Classes that do something: plain records, protocols and kinds of error are shown by those who use them."""
    for path in sources(*SHOWING):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
                if methods - {"__init__", "to_dict"} and "Protocol" not in map(ast.unparse, node.bases):
                    yield f"{name_of(path)}.{node.name}", node


@pytest.mark.parametrize(
    ("name", "node"), list(public_classes()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_public_class_of_these_rooms_has_an_example(name: str, node: ast.ClassDef) -> None:
    assert ">>> " in (ast.get_docstring(node) or ""), f"{name}: add an example to its docstring"
