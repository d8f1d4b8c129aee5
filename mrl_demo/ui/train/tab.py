"""The Train tab: choose data, lengths and steps, start a run, watch it, compare its model."""

from __future__ import annotations

import gradio as gr

from mrl_demo.arms.catalogue import reserved_names
from mrl_demo.jobs.intake import OFF
from mrl_demo.jobs.line import TrainingJobs
from mrl_demo.jobs.process import read_json
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.components.notice import notice
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.links import CompareDoor, Page, TabName
from mrl_demo.ui.shared.widgets import static_html
from mrl_demo.ui.train import view as train_view
from mrl_demo.ui.train.settings import SettingsEvents, lay_out_settings
from mrl_demo.ui.train.watch import WatchEvents, lay_out_watch

_EXAMPLE = "results/own-pairs.json"
_INTRO = html(
    '<h2>Train a Matryoshka model</h2><p class="lead">Fine-tune the base model so that its first numbers carry the'
    " meaning, on the built-in pairs or on your own questions and answers. The run is a process of its own at low"
    " priority, so search stays fast; you may close this page and come back. Its model then joins the Compare"
    " tab.</p>"
)


def build(page: Page, compare: CompareDoor | None = None) -> None:
    """Lay out the tab inside the page; if training is off it says how to turn it on, and nothing else."""
    line = TrainingJobs(page.lab.settings, taken=reserved_names())
    with gr.Tab("Train", id=TabName.TRAIN), gr.Column(elem_id=Id.TRAIN):
        static_html(_INTRO, Id.TRAIN_INTRO)
        if line.enabled:
            _lay_out(page, line, compare)
        else:
            static_html(notice(OFF, "hint"), Id.TRAIN_OFF)


def _lay_out(page: Page, line: TrainingJobs, compare: CompareDoor | None) -> None:
    static_html(train_view.example_html(read_json(page.lab.settings.assets_dir / _EXAMPLE)), Id.TRAIN_EXAMPLE)
    visit = page.visit if page.lab.settings.uploads_enabled else None
    settings, watch = lay_out_settings(page.lab.settings.broad_pairs, visit), lay_out_watch()
    watching = WatchEvents(page.lab, line, watch, settings.said)
    started = SettingsEvents(line, settings, watching.choose, {watch.menu, watch.timer}, page.lab).wire()
    watching.wire(started, page.blocks)
    if compare:
        watching.wire_compare(compare)
