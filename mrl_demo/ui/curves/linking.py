"""What a link may say of the Curves tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from mrl_demo.evaluation.speed.searches import SIZES
from mrl_demo.ui.address.kinds import Kind, OneNumber, OneOf, Several, Switch
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import BYTES, LATENCY, METRIC_LABELS, SHARE, VALUE, Choice, CurvesState
from mrl_demo.ui.shared.address_bar import Parameter

#: Name in the address -> field of `Choice`. (`view` is taken: Gradio opens its own panels by it.)
NAMES = {
    "measured": "corpus",
    "metric": "metric",
    "scale": "scale",
    "methods": "arms",
    "published": "published",
    "labels": "task",
    "labels-scale": "class_scale",
    "labels-methods": "class_arms",
    "cost": "cost",
    "cost-method": "cost_arm",
    "cost-metric": "cost_metric",
    "by": "group_field",
    "by-method": "group_arm",
    "by-metric": "group_metric",
    "layers-method": "layer_arm",
    "lost-method": "lost_arm",
    "vectors": "size",
}
SECTIONS = ("quality", "classes", "cost", "groups", "layers", "lost", "speed")


@dataclass(frozen=True)
class CurvesLink:
    """Puts the tab's choices into the address: `controls` are its components by field of `Choice`."""

    results: Results
    first: CurvesState
    controls: Mapping[str, Block]
    tabs: gr.Tabs

    def parameters(self) -> list[Parameter]:
        """The section in front, then every choice."""
        kinds = self._kinds()
        section = Parameter("section", OneOf(lambda: SECTIONS), self.tabs, pushes=True)
        return [section, *(Parameter(name, kinds[field], self.controls[field]) for name, field in NAMES.items())]

    def choice(self, values: Mapping[str, Any]) -> Choice:
        """The choice of a link; what it does not say is as at first."""
        known = {field: values[name] for name, field in NAMES.items() if name in values}
        said: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in known.items()}
        return replace(self.first.choice, **said)

    def _kinds(self) -> dict[str, Kind]:
        metrics, scales = OneOf(lambda: tuple(METRIC_LABELS)), OneOf(lambda: (VALUE, SHARE))
        kinds: dict[str, Kind] = {
            "corpus": OneOf(self._corpora),
            "metric": metrics,
            "scale": scales,
            "arms": Several(self._arms),
            "published": Switch(),
            "task": OneOf(self._tasks, may_be_none=True),
            "class_scale": scales,
            "class_arms": Several(self._arms),
            "cost": OneOf(lambda: (BYTES, LATENCY)),
            "cost_arm": OneOf(self._cut_arms),
            "cost_metric": metrics,
            "group_arm": OneOf(self._cut_arms),
            "group_metric": metrics,
            "group_field": OneOf(self._group_fields, may_be_none=True),
            "layer_arm": OneOf(self._layer_arms),
            "lost_arm": OneOf(self._cut_arms),
            "size": OneNumber(SIZES),
        }

        return kinds

    def _corpora(self) -> Sequence[str]:
        return [choice.name for choice in self.results.service.lab.corpora()]

    def _states(self) -> list[CurvesState]:
        return [CurvesState(Choice(corpus)) for corpus in self._corpora()]

    def _arms(self) -> Sequence[str]:
        return list(dict.fromkeys(name for each in self._states() for _, name in self.results.arm_entries(each)))

    def _cut_arms(self) -> Sequence[str]:
        return list(dict.fromkeys(name for each in self._states() for _, name in self.results.cut_arm_entries(each)))

    def _layer_arms(self) -> Sequence[str]:
        return [name for _, name in self.results.layer_entries(self.first)]

    def _group_fields(self) -> Sequence[str]:
        return self.results.group_entries(self.first)

    def _tasks(self) -> Sequence[str]:
        return [name for _, name in self.results.task_entries(self.first)]
