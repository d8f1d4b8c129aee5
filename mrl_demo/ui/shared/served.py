"""Menus of methods that follow the collection: what cannot serve it is off the menu, and a line says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.blocks import Block
from markupsafe import Markup

from mrl_demo.core.config import Settings
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.components.markup import NOTHING, html, join_html
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.guard import guarded
from mrl_demo.ui.shared.own_menus import CONTENDER_MENUS, METHODS_OF, OwnMenus, served_only
from mrl_demo.ui.shared.queues import LIGHT
from mrl_demo.ui.shared.visit import Visit

#: Where a tab says which methods its collection leaves out.
LEFT_OUT_OF = {
    Id.DECIDE_CORPUS: Id.DECIDE_LEFT_OUT,
    Id.FUNNEL_CORPUS: Id.FUNNEL_LEFT_OUT,
}
#: A model of pictures to name where there is none.
PICTURE_MODEL = "sentence-transformers/clip-ViT-B-32"
_OWN_WAY = (Id.CORPUS, Id.LEARN_TREE_CORPUS)


def left_out_line(elem_id: Id) -> gr.HTML:
    """The line, empty until a collection leaves a method out."""
    return gr.HTML(NOTHING, elem_id=elem_id, js_on_load=None, apply_default_css=False)


def left_out_words(reasons: Mapping[str, str], labels: Mapping[str, str], settings: Settings) -> Markup:
    """A fold that names the methods left out and says why; nothing if none is.

    If no method can serve (pictures, and no model here that reads them), it says where such a model comes from.
    """
    named = {name: why for name, why in reasons.items() if name in labels}
    if not named:
        return NOTHING
    if labels.keys() <= named.keys():
        return html('<p class="left-out">{words}</p>', words=_nobody_words(settings))
    count = "1 method" if len(named) == 1 else f"{len(named)} methods"
    items = join_html(html("<li>{label}: {why}.</li>", label=labels[name], why=why) for name, why in named.items())
    return html(
        '<details class="left-out"><summary>{count} cannot serve this collection</summary><ul>{items}</ul></details>',
        count=count,
        items=items,
    )


def _nobody_words(settings: Settings) -> str:
    if settings.allows_own_model(PICTURE_MODEL):
        here = f"Your data > Methods loads {PICTURE_MODEL} from the Hub (or another CLIP or SigLIP, or a folder of one)"
    else:
        here = f"this page loads none; whoever starts it names one with --model {PICTURE_MODEL}"
    return f"No method here reads pictures: {here}."


@dataclass(frozen=True)
class ServedMenus:
    """The menus of methods of one tab, by the collection chosen there."""

    lab: LabProtocol
    methods: Mapping[Id, gr.Dropdown | gr.CheckboxGroup]
    line: gr.HTML | None

    @property
    def outputs(self) -> set[Block]:
        """What `follow` fills."""
        return {*self.methods.values(), *([self.line] if self.line else [])}

    def wire(self, event: Callable[..., gr.events.Dependency], corpus: Block, visit: gr.State) -> gr.events.Dependency:
        """Follow the collection after an event."""
        return event(self.follow, [corpus, visit, *self.methods.values()], list(self.outputs), **LIGHT)

    def follow(self, corpus: str, visit: Visit, *chosen: object) -> Updates:
        """Entries for another collection; a choice that it leaves out gives way. Never raises."""
        reasons = guarded(lambda: self.lab.unserved(corpus), lambda _: {})
        own = [(arm.label, arm.name) for arm in visit.arms]
        updates: Updates = {}
        for (name, menu), value in zip(self.methods.items(), chosen, strict=True):
            arms = self.lab.builder.menu.contenders() if name in CONTENDER_MENUS else self.lab.arms()
            entries = [(arm.label, arm.name) for arm in arms if arm.encoder]
            updates[menu] = served_only(menu, [*entries, *own], value, reasons)
        if self.line is not None:
            labels = {arm.name: arm.label for arm in self.lab.arms()} | {arm.name: arm.label for arm in visit.arms}
            updates[self.line] = left_out_words(reasons, labels, self.lab.settings)
        return updates


def wire_served(menus: OwnMenus, page: gr.Blocks, visit: gr.State) -> None:
    """Let the menus of methods follow those of collections, however these change, and on every visit.

    Not where a choice of the collection begins something that reads the method too (Compare, the tree): there the same
    event has to do both, or it would be sent a method that is off the menu already.
    """
    by_id = {getattr(block, "elem_id", None): block for block in page.blocks.values()}
    for corpus, names in METHODS_OF.items():
        methods = {name: menus.menus[name] for name in names if name in menus.menus}
        if corpus in _OWN_WAY or corpus not in menus.menus or not methods:
            continue
        line = by_id.get(LEFT_OUT_OF.get(corpus, ""))
        served = ServedMenus(menus.lab, methods, line if isinstance(line, gr.HTML) else None)
        served.wire(menus.menus[corpus].change, menus.menus[corpus], visit)
        if guarded(partial(menus.lab.unserved, menus.corpus), lambda _: {}):
            served.wire(page.load, menus.menus[corpus], visit)
