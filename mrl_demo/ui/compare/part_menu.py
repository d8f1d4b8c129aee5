"""The menu of labels by which a visitor searches a part of the collection."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.shared.guard import guarded

_ALL = ("All documents", "")


def part_choices(lab: LabProtocol, corpus: str) -> list[tuple[str, str]]:
    """Entries of the menu: all documents, then each label with the documents that have it."""
    labels = guarded(lambda: lab.labels(corpus), lambda _: ())
    return [_ALL, *((f"{label.field}: {label.name} ({label.count:,})", label.condition) for label in labels)]


def known_part(lab: LabProtocol, corpus: str, part: str | None) -> str:
    """The part chosen, "" if the collection has no such label: another one's may still stand in the menu."""
    return part if part and part in {condition for _, condition in part_choices(lab, corpus)} else ""


def part_menu(lab: LabProtocol, corpus: str, part: str) -> dict[str, Any]:
    """The menu of a collection with a part chosen, all documents if it has no such label."""
    choices = part_choices(lab, corpus)
    return gr.update(choices=choices, value=known_part(lab, corpus, part) or None, visible=len(choices) > 1)


def no_part() -> dict[str, Any]:
    """The menu of a collection whose labels are not known yet."""
    return gr.update(choices=[_ALL], value=None, visible=False)
