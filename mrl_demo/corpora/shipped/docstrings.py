"""Docstrings out of source files by parsing alone: nothing is imported, so nothing of a package runs."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Encoding time goes with the length, and nDCG@10 of base is the same with 300 characters as with 600 (dev/LOG.md).
MAX_BODY_CHARS = 300
_SKIPPED_PARTS = {"tests", "test", "testing", "_vendor", "vendored", "externals", "lib2to3", "idlelib", "site-packages"}
_MARKUP = re.compile(r":[a-z:]+:`~?([^`]+)`|``([^`]+)``|`([^`<]+)(?: <[^`]*>)?`_?")
_RULE = re.compile(r"^[-=~^]{3,}$", re.MULTILINE)

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Docstring:
    """One documented class or function: its qualified name, signature, summary line, and what follows the summary."""

    name: str
    signature: str
    summary: str
    body: str


def source_files(root: Path) -> list[Path]:
    """Python files of a package folder (or a module file), tests and vendored code left out, in a fixed order."""
    if root.is_file():
        return [root]
    return sorted(p for p in root.rglob("*.py") if not _SKIPPED_PARTS & set(p.relative_to(root).parts))


def module_name(path: Path, root: Path, package: str) -> str:
    """Dotted name of the module in `path` below the folder `root` of `package` (empty for the standard library)."""
    parts = list(path.relative_to(root if root.is_dir() else root.parent).with_suffix("").parts)
    if parts and parts[-1] == "__init__":
        parts.pop()
    return ".".join([package, *parts] if package and root.is_dir() else parts)


def read_docstrings(path: Path, module: str) -> Iterator[Docstring]:
    """Documented public definitions of a source file; raises `SyntaxError`, `ValueError` or `OSError`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Invalid escapes in other people's files are not ours to report.
        tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from _definitions(tree, module)


def _definitions(node: ast.AST, prefix: str) -> Iterator[Docstring]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition) and not child.name.startswith("_"):
            name = f"{prefix}.{child.name}"
            docstring = _docstring(child, name)
            if docstring:
                yield docstring
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, name)
        elif isinstance(child, ast.If | ast.Try):
            yield from _definitions(child, prefix)


def _docstring(node: Definition, name: str) -> Docstring | None:
    raw = ast.get_docstring(node)
    if not raw:
        return None
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(raw), maxsplit=1)
    if len(paragraphs) < 2:
        return None
    summary = plain(paragraphs[0])
    body = _shortened(plain(_RULE.sub("", re.split(r"\n\s*(?:Examples?|>>>)", paragraphs[1], maxsplit=1)[0])))
    if len(summary.split()) < 3 or len(summary) > 200 or len(body.split()) < 8:
        return None
    return Docstring(name, _signature(node), summary, body)


def plain(text: str) -> str:
    """Text without reStructuredText marks and line breaks."""
    return " ".join(_MARKUP.sub(lambda m: next(g for g in m.groups() if g), text).split())


def _shortened(text: str) -> str:
    """The whole words within the first `MAX_BODY_CHARS` characters."""
    return text if len(text) <= MAX_BODY_CHARS else text[: MAX_BODY_CHARS + 1].rsplit(" ", 1)[0][:MAX_BODY_CHARS]


def _signature(node: Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {node.name}({bases})" if bases else f"class {node.name}"
    arguments = [
        a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg not in {"self", "cls"}
    ]
    return f"{node.name}({', '.join(arguments[:12])})"
