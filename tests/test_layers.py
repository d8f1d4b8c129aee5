"""The arrows between modules run one way, and importing does no work."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Later names may import earlier ones, never the other way; modules of one row do not import each other unless named.
ORDER = (
    {"types", "processor"},
    {"config", "vectors", "storage", "query_text", "plots", "plots_curves", "plots_training"},
    {"kernels"},
    {"sketch"},
    {"index", "quantize", "cache", "corpora", "adapt"},
    {"models", "search"},
    {"spaces"},
    {"training_process"},
    {"training_jobs"},
    {"evaluation", "funnel", "advisor", "exports", "speed"},
    {"services"},
    {"curves_service"},
    {"cli", "ui"},
)
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
TORCH_ALLOWED = {"models", "index", "sketch", "adapt", "processor"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(path: Path) -> str:
    return path.relative_to(ROOT / "mrl_demo").with_suffix("").parts[0]


@pytest.mark.parametrize("path", sources("mrl_demo"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    here = part(path)
    if here.startswith("__"):
        return
    assert here in LEVEL, f"give {here} a place in ORDER"
    for name in imported(path):
        parts = name.split(".")
        assert parts[0] != "training", f"{path.name} imports training"
        if parts[0] == "gradio":
            assert here == "ui", f"{path.name} imports gradio"
        if parts[0] == "torch":
            assert here in TORCH_ALLOWED, f"{path.name} imports torch"
        if parts[0] == "mrl_demo" and len(parts) > 1 and parts[1] in LEVEL and parts[1] != here:
            assert LEVEL[parts[1]] < LEVEL[here], f"{path.name} imports {name}"


def test_plots_see_only_types() -> None:
    own = {name for name in imported(ROOT / "mrl_demo" / "plots.py") if name.startswith("mrl_demo")}
    assert all(name.startswith("mrl_demo.types") for name in own)


@pytest.mark.parametrize("path", sources("training"), ids=lambda p: str(p.relative_to(ROOT)))
def test_training_never_sees_the_page(path: Path) -> None:
    assert not any(name.startswith(("mrl_demo.ui", "gradio")) for name in imported(path))


def test_importing_the_core_loads_no_model_and_no_gradio() -> None:
    code = (
        "import sys, mrl_demo.services, mrl_demo.cli; "
        "heavy = {'gradio', 'sentence_transformers', 'transformers', 'training', 'numba'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
