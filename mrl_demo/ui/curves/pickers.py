"""Controls that several sections have, each section its own: which measure, which scale, which methods."""

from __future__ import annotations

import gradio as gr
from markupsafe import Markup

from mrl_demo.arms.arm import ArmGroup
from mrl_demo.arms.catalogue import shipped_arms
from mrl_demo.ui.components.markup import html, join_html
from mrl_demo.ui.curves.results import MenuEntries
from mrl_demo.ui.curves.state import METRIC_LABELS, SHARE, VALUE
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.widgets import menu

#: What stands over each group of methods.
GROUP_HEADS = {
    ArmGroup.MODEL: "Models, cut as they are",
    ArmGroup.FITTED: "Fitted to these documents",
    ArmGroup.CONTROL: "Controls: what else could explain a gain",
    ArmGroup.OTHER: "Other models, and yours",
}
_FOLD = "methods-fold"


def metric_menu(value: str, elem_id: Id) -> gr.Dropdown:
    """Which measure a section shows."""
    return menu("Measure", [(label, name) for name, label in METRIC_LABELS.items()], value, elem_id, min_width=200)


def scale_choice(value: str, elem_id: Id) -> gr.Radio:
    """Whether a section shows figures as they are or as shares of each method's own at full length."""
    return gr.Radio(
        [("Value", VALUE), ("Share kept", SHARE)], value=value, label="Show", min_width=170, elem_id=elem_id
    )


def method_choice(entries: MenuEntries, chosen: tuple[str, ...], fold_id: Id, elem_id: Id) -> gr.CheckboxGroup:
    """Which methods a section draws: the few that tell the story at first, the rest in a fold, group by group."""
    with gr.Accordion("More methods", open=False, elem_id=fold_id, elem_classes=_FOLD):
        return gr.CheckboxGroup(entries, value=list(chosen), label="Methods shown", elem_id=elem_id)


def group_style() -> Markup:
    """The style element that starts every group of methods on a new row, under its head.

    Gradio draws one list of boxes without a place for heads. Boxes of shipped methods are known by their names; what is
    left belongs to the others.
    """
    rules, known = list[Markup](), list[Markup]()
    for group, head in GROUP_HEADS.items():
        names = [html('[name="{name}"]', name=arm.name) for arm in shipped_arms() if arm.group is group]
        known += names
        member = html("label:has(input:is({names}))", names=join_html(names, ","))
        if group is ArmGroup.OTHER:
            others = join_html((name for name in known if name not in names), ",")
            member = html("label:not(:has(input:is({names})))", names=others)
        first = html(".{fold} {member}:not(.{fold} {member} ~ label)", fold=_FOLD, member=member)
        rule = html(
            "{first}{{grid-column-start:1;margin-top:26px}}{first}::before{{content:'{head}' / ''}}",
            first=first,
            head=head,
        )
        rules.append(rule)
    return html("<style>{rules}</style>", rules=join_html(rules))
