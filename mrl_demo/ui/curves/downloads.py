"""The row of buttons under a section that saves its figures as text and its chart as a picture."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from markupsafe import Markup

from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.curves.files import TextFile, nothing_to_save
from mrl_demo.ui.curves.state import CurvesState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates, told_by
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.scripts import read_script

_TEXTS, _PICTURES = ("csv", "json"), ("png", "svg")


class DownloadBar:
    """Buttons for CSV and JSON, and for PNG and SVG if there is a chart; `make` gives a state's file of a kind."""

    def __init__(
        self,
        make: Callable[[CurvesState, str], TextFile | None],
        elem_id: Id,
        picture_name: str = "",
        chart: Id | None = None,
    ) -> None:
        self._make = make
        self.bar = gr.HTML(
            download_buttons(picture_name, chart),
            elem_id=elem_id,
            js_on_load=read_script("downloads.js"),
            apply_default_css=False,
            payload=None,
        )

    def wire(self, form: Form[CurvesState]) -> None:
        """Answer clicks; pictures are drawn by the browser, which does not ask."""
        self.bar.pick(form.bind(self.save), form.inputs, {self.bar}, **LIGHT)

    def save(self, state: CurvesState, event: gr.EventData) -> Updates:
        """The file of the kind that was clicked, with the page's address in it; a word if nothing was measured."""
        file = self._make(state, "csv" if told_by(event, "kind") == "csv" else "json")
        address = str(told_by(event, "address") or "")
        return {self.bar: gr.HTML(payload=file.payload(address) if file else nothing_to_save())}


def download_buttons(picture_name: str = "", chart: Id | None = None) -> Markup:
    """One button for each format; pictures are of `chart` and called `picture_name`."""
    texts = (html('<button type="button" data-kind="{kind}">{label}</button>', **_names(kind)) for kind in _TEXTS)
    pictures = (
        html(
            '<button type="button" data-kind="{kind}" data-name="{name}" data-chart="{chart}">{label}</button>',
            name=picture_name,
            chart=chart,
            **_names(kind),
        )
        for kind in _PICTURES
    )
    return html(
        '<p class="downloads" role="group" aria-label="Download"><span>Download</span>{texts}{pictures}'
        "<output></output></p>",
        texts=join_html(texts),
        pictures=join_html(pictures) if chart else NOTHING,
    )


def _names(kind: str) -> dict[str, str]:
    return {"kind": kind, "label": kind.upper()}
