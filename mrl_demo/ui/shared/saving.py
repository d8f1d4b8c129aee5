"""A button that saves what a visitor has made as a file."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import gradio as gr

from mrl_demo.core.secret_names import shown_name
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form, Updates
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.scripts import read_script

_State = TypeVar("_State")


@dataclass(frozen=True)
class SavedText:
    """A file to save, by its whole name and media type."""

    name: str
    media_type: str
    text: str


@dataclass(frozen=True)
class SavedBytes:
    """A file to save that is no text: sent to the browser alone, so that nothing of it stays on the server."""

    name: str
    media_type: str
    content: bytes


class SaveButton:
    """Saves what is made of the state; if there is nothing to save yet, it says `otherwise`."""

    def __init__(self, label: str, elem_id: Id, otherwise: str) -> None:
        self._otherwise = otherwise
        self.block = gr.HTML(
            html(
                '<p class="downloads"><button type="button" data-kind="file">{label}</button><output></output></p>',
                label=label,
            ),
            elem_id=elem_id,
            js_on_load=read_script("downloads.js"),
            apply_default_css=False,
            payload=None,
        )

    def wire(self, form: Form[_State], make: Callable[[_State], SavedText | SavedBytes | None]) -> None:
        """Answer clicks with what `make` makes of the state."""

        def save(state: _State) -> Updates:
            """Hand the file to the browser, or say why there is none."""
            file = make(state)
            told: dict[str, object] = {"serial": time.time_ns()}
            if file is None:
                told["problem"] = self._otherwise
            else:
                told |= {"name": file.name, "type": file.media_type, **_content(file)}
            return {self.block: gr.HTML(payload=told)}

        self.block.pick(form.bind(save), form.inputs, {self.block}, **LIGHT)


def _content(file: SavedText | SavedBytes) -> dict[str, str]:
    if isinstance(file, SavedText):
        return {"text": shown_name(file.text)}
    return {"base64": base64.b64encode(file.content).decode()}
