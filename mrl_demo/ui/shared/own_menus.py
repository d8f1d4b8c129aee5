"""Menus of all tabs with what a visitor has brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.visit import OwnCollection, Visit

#: Menus of collections on the tabs.
CORPUS_MENUS = (Id.CORPUS, Id.CURVES_CORPUS, Id.DECIDE_CORPUS, Id.FUNNEL_CORPUS, Id.LEARN_PITFALL_CORPUS)


@dataclass(frozen=True)
class OwnMenus:
    """The menus of one page, by their ids; `corpus` is what they fall back to."""

    lab: LabProtocol
    corpus: str
    corpora: Mapping[Id, gr.Dropdown]

    @classmethod
    def of(cls, lab: LabProtocol, corpus: str, page: gr.Blocks) -> OwnMenus:
        """The menus that are on a page so far."""
        by_id = {getattr(block, "elem_id", None): block for block in page.blocks.values()}
        return cls(lab, corpus, {name: by_id[name] for name in CORPUS_MENUS if name in by_id})

    @property
    def blocks(self) -> set[Block]:
        """All menus."""
        return set(self.corpora.values())

    @property
    def parts(self) -> dict[str, Block]:
        """The menus by names for a form, which gives them to `filled` as `chosen`."""
        return {str(name): menu for name, menu in self.corpora.items()}

    def filled(self, visit: Visit, chosen: Mapping[str, object], *, otherwise: str = "") -> Updates:
        """The entries that there are for this visitor; a menu whose choice is gone falls back, to `otherwise` if given.

        Other choices stay.
        """
        entries = [(choice.label, choice.name) for choice in self.lab.corpora()]
        entries += [(own_label(each), each.name) for each in visit.collections]
        names = {name for _, name in entries}
        updates: Updates = {}
        for name, menu in self.corpora.items():
            is_gone = str(name) in chosen and chosen[str(name)] not in names
            updates[menu] = gr.Dropdown(entries, value=otherwise or self.corpus) if is_gone else gr.Dropdown(entries)
        return updates


def own_label(collection: OwnCollection) -> str:
    """What a menu calls a collection of the visitor's."""
    return f"Yours: {shorten(collection.label, 40)}"
