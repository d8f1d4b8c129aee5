"""The arrows between rooms run one way, no circle anywhere, and importing does no work."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from mrl_demo.core.config import CODE_ROOT

#: A room may import rooms of earlier floors, and itself; rooms of one floor do not see each other.
HOUSE = (
    {"core"},
    {"corpora", "models", "adapt", "search", "plots", "serving"},
    {"arms", "jobs"},
    {"evaluation", "exports"},
    {"advisor", "thresholds", "costs", "lessons", "maps", "scale", "trees", "layers"},
    {"reports"},
    {"funnels", "gating"},
    {"lab"},
    {"api"},  # What programs may ask, free of the web: the page serves it, commands may name it.
    {"ui", "commands"},
    {"cli"},  # The front door: it starts the page and the training commands too.
)
CORPORA = (
    {"reading", "labels", "shipped", "ordering"},
    {"questions"},
    {"own"},
)
MODELS = (
    {"files", "reading", "run_folder", "pictures"},
    {"specs", "batches"},
    {"loading", "known"},
    {"encoders", "shipped"},
    {"folders", "depth", "given", "api"},
    {"registry"},
)
EVALUATION = (
    {"judging", "speed", "answer_level"},
    {"stats"},
    {"probes"},
    {"sweeps"},
)
UI = (
    {"static", "theme", "address", "listening", "ids"},
    {"components"},
    {"shared", "head"},
    {"compare", "curves", "map", "decide", "data", "funnel", "train", "learn", "share", "api"},
    {"app"},
    {"serve"},
)
TRAINING = (
    {"errors", "naming", "wait"},
    {"report"},
    {"columns"},
    {"config"},
    {"presets", "bases", "data", "processes"},
    {"context", "config_options"},
    {"task"},
    {"fit"},
    {"result"},
    {"evaluation", "adapting", "estimate", "rescale"},
    {"elastic"},
    {"steps"},
    {"run"},
    {"cli"},
)
PLANS = {
    "mrl_demo": HOUSE,
    "mrl_demo/corpora": CORPORA,
    "mrl_demo/evaluation": EVALUATION,
    "mrl_demo/models": MODELS,
    "mrl_demo/ui": UI,
    "training": TRAINING,
}
TORCH_ALLOWED = {"models", "search", "adapt", "core"}


def sources(folder: str) -> list[Path]:
    return sorted((CODE_ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names a file imports, those under TYPE_CHECKING and inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(path: Path, folder: str) -> str:
    return path.relative_to(CODE_ROOT / folder).with_suffix("").parts[0]


def rooms_seen(path: Path, folder: str) -> set[str]:
    """Rooms of a folder that a file imports."""
    prefix = folder.replace("/", ".") + "."
    return {name.removeprefix(prefix).split(".")[0] for name in imported(path) if name.startswith(prefix)}


CASES = [(folder, path) for folder in PLANS for path in sources(folder)]


@pytest.mark.parametrize(("folder", "path"), CASES, ids=lambda p: str(p).removeprefix(f"{CODE_ROOT}/"))
def test_imports_point_downwards(folder: str, path: Path) -> None:
    floors = {name: floor for floor, names in enumerate(PLANS[folder]) for name in names}
    here = room(path, folder)
    if here.startswith("__"):
        return
    assert here in floors, f"give {here} a floor in the plan of {folder}"
    for other in rooms_seen(path, folder) & set(floors) - {here}:
        assert floors[other] < floors[here], f"{path.name} in {here} imports {other}, which is no lower"


@pytest.mark.parametrize("folder", ["mrl_demo", "training"])
def test_no_circle_of_modules(folder: str) -> None:
    modules = {".".join(path.relative_to(CODE_ROOT).with_suffix("").parts): path for path in sources(folder)}
    graph = {name: imported(path) & set(modules) - {name} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {error.args[1]}")


@pytest.mark.parametrize("path", sources("mrl_demo"), ids=lambda p: str(p.relative_to(CODE_ROOT)))
def test_heavy_libraries_stay_where_they_belong(path: Path) -> None:
    here = room(path, "mrl_demo")
    tops = {name.split(".")[0] for name in imported(path)}
    assert "training" not in tops or here == "cli"
    assert "gradio" not in tops or here == "ui"
    assert "torch" not in tops or here in TORCH_ALLOWED


@pytest.mark.parametrize("path", sources("training"), ids=lambda p: str(p.relative_to(CODE_ROOT)))
def test_training_never_sees_the_page(path: Path) -> None:
    assert not any(name.startswith(("mrl_demo.ui", "gradio")) for name in imported(path))


def test_importing_the_core_loads_no_model_and_no_gradio() -> None:
    code = (
        "import sys, mrl_demo.lab.lab, mrl_demo.cli; "
        "heavy = {'gradio', 'sentence_transformers', 'transformers', 'training', 'numba'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CODE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
