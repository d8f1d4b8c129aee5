"""The section on layers, without a browser."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from mrl_demo.core.errors import CorpusError
from mrl_demo.lab.curves import CurvesService
from mrl_demo.layers.grid import LAYERS_FILE, shipped_layers
from mrl_demo.layers.neurons import NEURONS_FILE, NeuronFigures, NeuronRow, shipped_neurons
from mrl_demo.ui.curves import tab as curves
from mrl_demo.ui.curves.layers import LayerMeasuring, draw_layers, layers_chart, layers_file, layers_table, neurons_html
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import Choice, CurvesState, Seen
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.links import Page
from tests.ui.pages import by_id, one_tab, steps_of
from tests.ui.samples import NASTY, StubLab

GRID = StubLab().layers("own", NASTY)
RESULTS = Results(CurvesService(StubLab()))
SEEN = CurvesState(Choice("own", layer_arm="tuned"), Seen(layers={("own", "tuned"): GRID}))


def test_a_measured_method_has_words_a_map_and_a_table() -> None:
    shown = draw_layers(RESULTS, SEEN)
    words, table = (str(shown[part]) for part in (Id.CURVES_LAYERS_WORDS, Id.CURVES_LAYERS_TABLE))
    assert "1 layer of 2 keeps 52% of the quality of all at 8 numbers and encodes documents 2.0 times as fast" in words
    assert "9 queries over 99 documents" in words
    assert "<script>" not in words + table
    assert "0.108<small>0.100–0.900<br>52%</small>" in table and "<td>2.00</td>" in table
    figure = layers_chart(GRID)
    assert figure.data[0].type == "heatmap" and "contour" in {trace.type for trace in figure.data}
    assert [shape.y0 for shape in figure.layout.shapes] == [1.5, 1]  # 1.5 and 2 times as fast as all.
    assert figure.layout.yaxis.ticktext[0] == "1 layer<br>2.0x"


def test_one_that_is_not_measured_says_what_to_press_and_what_it_costs() -> None:
    bare = CurvesState(Choice("own", layer_arm="base"))
    shown = draw_layers(RESULTS, bare)
    assert "press “Measure every layer”" in str(shown[Id.CURVES_LAYERS_WORDS])
    assert (layers_table(None), layers_file(RESULTS, bare, "csv")) == ("", None)
    assert "Nothing is measured" in str(layers_chart(None).layout.annotations)


def test_the_file_has_every_cell_with_its_bytes_and_times() -> None:
    saved = layers_file(RESULTS, SEEN, "csv")
    assert saved is not None
    lines = list(csv.DictReader(io.StringIO(saved.text)))
    assert [(line["layers"], line["dim"], line["bytes"]) for line in lines][-1] == ("2", "384", "1536")
    whole = layers_file(RESULTS, SEEN, "json")
    assert whole is not None and json.loads(whole.text)["n_documents"] == 99


def test_measuring_keeps_the_result_for_the_visit() -> None:
    def build(page: Page) -> curves.CurveParts:
        results = Results(CurvesService(page.lab))
        with gr.Tab():
            return curves._lay_out(results, results.first_state(page.corpus), page.measurements, page.visit)

    _, parts = one_tab(StubLab(), build)
    measuring = LayerMeasuring(RESULTS, parts.layers.work, parts.seen)
    request: Any = SimpleNamespace(session_hash="one", client=None)
    state = CurvesState(Choice("builtin", layer_arm="tuned"))
    updates = steps_of(measuring.run(state, request))
    kept = updates[-1][parts.seen]
    assert kept.layers["builtin", "tuned"].label == "Tuned"
    assert "curves-layers-measure" in by_id(updates[-1])


def test_fewer_neurons_stand_in_a_fold_with_what_they_cost() -> None:
    rows = (NeuronRow(1.0, 1536, {64: 0.6, 384: 0.8}, 1.0, 8.0), NeuronRow(0.75, 1152, {64: 0.5, 384: 0.6}, 0.9, 6.4))
    shown = str(neurons_html(NeuronFigures(rows, 150, 500, "2026-11-27", "two cores")))
    assert "With 75% of the 1,536 neurons of every layer, 25% of the quality in full is lost" in shown
    assert "1.25 times as fast" in shown and "75% (1,152)" in shown


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    assert (shipped_layers(tmp_path / "none"), shipped_neurons(tmp_path / "none")) == ((), None)
    for name, read in ((LAYERS_FILE, shipped_layers), (NEURONS_FILE, shipped_neurons)):
        (tmp_path / "results" / name).write_text("[]", encoding="utf-8")
        with pytest.raises(CorpusError, match=name):
            read(tmp_path)
