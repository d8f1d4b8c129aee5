"""Menus of all tabs with what a visitor has brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.text import shorten
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.visit import OwnCollection, Visit

#: Menus of collections on the tabs.
CORPUS_MENUS = (
    Id.CORPUS,
    Id.CURVES_CORPUS,
    Id.DECIDE_CORPUS,
    Id.FUNNEL_CORPUS,
    Id.LEARN_PITFALL_CORPUS,
    Id.LEARN_TREE_CORPUS,
)
#: Menus of methods that Compare has, and of all that can be cut; those of Curves follow what was measured.
COMPARED_MENUS = (Id.LEFT_ARM, Id.RIGHT_ARM, Id.LEARN_PITFALL_ARM, Id.LEARN_TREE_ARM)
CONTENDER_MENUS = (Id.DECIDE_ARM, Id.DECIDE_ARMS, Id.FUNNEL_ARM)
#: Menus of methods by the menu of the collection that they are for.
METHODS_OF = {
    Id.CORPUS: (Id.LEFT_ARM, Id.RIGHT_ARM),
    Id.LEARN_PITFALL_CORPUS: (Id.LEARN_PITFALL_ARM,),
    Id.LEARN_TREE_CORPUS: (Id.LEARN_TREE_ARM,),
    Id.DECIDE_CORPUS: (Id.DECIDE_ARM, Id.DECIDE_ARMS),
    Id.FUNNEL_CORPUS: (Id.FUNNEL_ARM,),
}
_CORPUS_OF = {method: corpus for corpus, methods in METHODS_OF.items() for method in methods}


@dataclass(frozen=True)
class OwnMenus:
    """The menus of one page, by their ids; `corpus` is what those of collections fall back to."""

    lab: LabProtocol
    corpus: str
    menus: Mapping[Id, gr.Dropdown | gr.CheckboxGroup]

    @classmethod
    def of(cls, lab: LabProtocol, corpus: str, page: gr.Blocks) -> OwnMenus:
        """The menus that are on a page so far."""
        by_id = {getattr(block, "elem_id", None): block for block in page.blocks.values()}
        names = (*CORPUS_MENUS, *COMPARED_MENUS, *CONTENDER_MENUS)
        return cls(lab, corpus, {name: by_id[name] for name in names if name in by_id})

    @property
    def blocks(self) -> set[Block]:
        """All menus."""
        return set(self.menus.values())

    @property
    def parts(self) -> dict[str, Block]:
        """The menus by names for a form, which gives them to `filled` as `chosen`."""
        return {str(name): menu for name, menu in self.menus.items()}

    def filled(self, visit: Visit, chosen: Mapping[str, object], *, otherwise: str = "") -> Updates:
        """The entries that there are for this visitor.

        A menu whose choice is gone falls back, one of collections to `otherwise` if that is given; other choices stay.
        """
        corpora = [(choice.label, choice.name) for choice in self.lab.corpora()]
        corpora += [(own_label(each), each.name) for each in visit.collections]
        own = [(arm.label, arm.name) for arm in visit.arms]
        compared = [*((arm.label, arm.name) for arm in self.lab.arms()), *own]
        cut = [(arm.label, arm.name) for arm in self.lab.builder.menu.contenders() if arm.has_vectors] + own
        entries = {
            **dict.fromkeys(CORPUS_MENUS, corpora),
            **dict.fromkeys(COMPARED_MENUS, compared),
            **dict.fromkeys(CONTENDER_MENUS, cut),
        }
        fallback = dict.fromkeys(CORPUS_MENUS, otherwise or self.corpus)
        updates: Updates = {}
        for name, menu in self.menus.items():
            value = chosen.get(str(name))
            if name in _CORPUS_OF:
                updates[menu] = served_only(
                    menu, entries[name], value, self._unserved(_CORPUS_OF[name], chosen, corpora)
                )
            else:
                updates[menu] = _update(menu, entries[name], value, fallback[name])
        return updates

    def _unserved(
        self, corpus: Id, chosen: Mapping[str, object], corpora: Sequence[tuple[str, str]]
    ) -> Mapping[str, str]:
        """What the collection chosen there leaves out; nothing for one that is gone."""
        name = chosen.get(str(corpus))
        is_there = any(name == known for _, known in corpora)
        return guarded(lambda: self.lab.unserved(str(name)), lambda _: {}) if is_there else {}


def served_only(
    menu: gr.Dropdown | gr.CheckboxGroup,
    entries: Sequence[tuple[str, str]],
    chosen: object,
    unserved: Mapping[str, str],
) -> gr.Dropdown | gr.CheckboxGroup:
    """The entries that can serve a collection, all if none can; a choice that is gone falls back to the first."""
    able = [entry for entry in entries if entry[1] not in unserved] or list(entries)
    return _update(menu, able, chosen, able[0][1])


def _update(
    menu: gr.Dropdown | gr.CheckboxGroup, entries: list[tuple[str, str]], chosen: object, fallback: str
) -> gr.Dropdown | gr.CheckboxGroup:
    names = {name for _, name in entries}
    if isinstance(menu, gr.CheckboxGroup):
        ticked = chosen if isinstance(chosen, list) else []
        kept = [name for name in ticked if name in names]
        return gr.CheckboxGroup(entries) if kept == ticked else gr.CheckboxGroup(entries, value=kept or [fallback])
    is_gone = chosen is not None and chosen not in names
    return gr.Dropdown(entries, value=fallback) if is_gone else gr.Dropdown(entries)


def own_label(collection: OwnCollection) -> str:
    """What a menu calls a collection of the visitor's."""
    return f"Yours: {shorten(collection.label, 40)}"
