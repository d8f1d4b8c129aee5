"""Scripts and style sheet: they parse, and name only ids and classes that the page has."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.plots.doll import PATCHES
from mrl_demo.plots.ranks import RANK_CHART_LAYOUTS
from mrl_demo.ui.app import build_app
from mrl_demo.ui.compare.view import figure
from mrl_demo.ui.components.dimension import dimension_markup
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.scripts import STATIC, read_script
from mrl_demo.ui.train.view import STATUS_WORDS
from tests.ui.samples import StubLab, comparison

UI = CODE_ROOT / "mrl_demo" / "ui"
SOURCES = sorted(UI.rglob("*.py"))
SCRIPTS = sorted(STATIC.glob("*.js"))
#: Classes of Gradio's and plotly's own elements that the page leans on.
FOREIGN = {
    "slider_input_container",
    "secondary",
    "download-link",
    "icon-wrap",
    "or",
    "min_value",
    "max_value",
    *(
        "dark",
        "gradio-container",
        "subdued",
        "main",
        "wrap",
        "column",
        "row",
        "block",
        "form",
        "container",
        "html-container",
        "tabitem",
    ),
    *("pending", "progress-text", "progress-level", "progress-level-inner", "progress-bar", "progress-bar-wrap"),
    *("primary", "tabs", "tab-wrapper", "js-plotly-plot", "plot-container", "modebar", "legendtext", "annotation-text"),
}
#: Ids that stand in HTML of our own, or only where training is off.
NOT_LAID_OUT = {
    Id.DATA_OFF,
    Id.DIM_RANGE,
    Id.TRAIN_OFF,
    Id.CURVES_SPEED_BUTTON,
    Id.DATA_QUESTIONS_WRITE,
    Id.DATA_QUESTIONS_STOP,
    Id.DATA_QUESTIONS_NOTICE,
}


def css_selectors() -> str:
    text = re.sub(r"/\*.*?\*/", "", (STATIC / "style.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    return "\n".join(part for part in re.findall(r"([^{};]+)\{", text) if not part.strip().startswith("@"))


def js_selectors(script: Path) -> str:
    """Quoted arguments of the calls that take a selector; ids are told as `${ids.NAME}`."""
    text = script.read_text(encoding="utf-8")
    calls = re.findall(r"\.(?:querySelector(?:All)?|closest|matches)\(([\"'`])(.*?)\1", text)
    return "\n".join(re.sub(r"#?\$\{.*?\}", "", words) for _, words in calls)


def own_classes() -> set[str]:
    """Words in texts of the page's code, states of runs and patches of the doll: the classes there are."""
    words = {*STATUS_WORDS, *(patch.name for patch in PATCHES)}
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                words |= set(re.findall(r"[\w-]+", node.value))
    return words


SELECTORS = {"style.css": css_selectors(), **{script.name: js_selectors(script) for script in SCRIPTS}}


@pytest.mark.parametrize("text", SELECTORS.values(), ids=SELECTORS)
def test_selectors_name_ids_and_classes_that_there_are(text: str) -> None:
    ids = set(re.findall(r"#([A-Za-z][\w-]*)", text))
    assert ids <= set(Id), "ids live in mrl_demo/ui/ids.py"
    classes = set(re.findall(r"\.([A-Za-z][\w-]*)", text))
    assert classes <= own_classes() | FOREIGN


def test_the_style_sheet_is_read_at_all() -> None:
    assert "#query" in css_selectors()
    assert ".card" in css_selectors()
    assert ".dim" in js_selectors(STATIC / "dimension.js")


def test_every_id_is_laid_out_and_no_other() -> None:
    config = build_app(StubLab()).get_config_file()
    laid_out = [part["props"].get("elem_id") for part in config["components"] if part["props"].get("elem_id")]
    assert len(laid_out) == len(set(laid_out))
    assert set(laid_out) == set(Id) - NOT_LAID_OUT
    assert f'id="{Id.DIM_RANGE}"' in dimension_markup(64, 384, ())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH")
    whole = tmp_path / script.name
    body = read_script(script.name, layouts=RANK_CHART_LAYOUTS, table={}, events={})
    whole.write_text(f"async (element, trigger, props, watch) => {{\n{body}\n}}", encoding="utf-8")
    done = subprocess.run([node, "--check", str(whole)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_script_is_told_the_ids_that_it_uses_and_no_other() -> None:
    head = read_script("chart.js", layouts={}).splitlines()[:2]
    used = (
        'const ids = {"BREAKS": "breaks", "DIM_RANGE": "dim-range", "RANK_MOVES": "rank-moves", "RESULTS": "results"};'
    )
    assert head == [used, "const layouts = {};"]


def test_the_wide_layout_is_the_one_that_the_figure_is_drawn_in() -> None:
    drawn: dict[str, Any] = figure(comparison()).to_dict()["layout"]
    wide = RANK_CHART_LAYOUTS["wide"]
    assert drawn["height"] == wide["height"]
    assert drawn["xaxis"]["domain"] == pytest.approx(wide["xaxis.domain"])
    assert drawn["xaxis2"]["domain"] == pytest.approx(wide["xaxis2.domain"])
    for i in (0, 1):
        assert drawn["annotations"][i]["x"] == pytest.approx(wide[f"annotations[{i}].x"])
        assert drawn["annotations"][i]["y"] == wide[f"annotations[{i}].y"]
    assert {shape["name"] for shape in drawn["shapes"]} == {RANK_CHART_LAYOUTS["mark"]}
    assert set(RANK_CHART_LAYOUTS["narrow"]) == set(wide)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(UI)))
def test_html_is_made_of_templates_that_escape(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            words = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
            assert not re.search(r"</?[a-z]", words), f"line {node.lineno}: html() escapes, an f-string does not"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "html":
                assert isinstance(node.args[0], ast.Constant), f"line {node.lineno}: a template stands in the code"
            assert node.func.id != "Markup" or path.name == "markup.py", f"line {node.lineno}: use html()"
