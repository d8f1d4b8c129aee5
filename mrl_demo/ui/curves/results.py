"""Where the tab's figures come from: what the visitor measured, else what ships with the code."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from itertools import chain

from mrl_demo.arms.arm import ArmGroup
from mrl_demo.arms.catalogue import group_of, leading_arms
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.corpora.shipped import builtin
from mrl_demo.evaluation.speed.searches import SpeedResult
from mrl_demo.evaluation.sweeps.worst import BrokenQueries
from mrl_demo.lab.curves import CurvesService
from mrl_demo.layers.grid import LayerGrid, shipped_layers
from mrl_demo.ui.curves.data import Figures
from mrl_demo.ui.curves.state import METRIC_LABELS, Choice, CurvesState, metric_label
from mrl_demo.ui.curves.view import contender

logger = logging.getLogger(__name__)
#: Entries of a menu of arms: label and name.
MenuEntries = list[tuple[str, str]]
#: Ends the label of a method that can be measured on the collection, and is not yet.
UNMEASURED_MARK = " (not measured here)"


@dataclass(frozen=True)
class Results:
    """Figures for a state of the tab; a damaged file of results is logged and counts as none."""

    service: CurvesService

    def first_state(self, corpus: str) -> CurvesState:
        """The methods that tell the story, and the best contender if one is asked for."""
        bare = CurvesState(Choice(corpus))
        figures = self.figures(bare)
        names = self.measured(bare) or tuple(name for _, name in self.arm_entries(bare))
        best = (contender(figures) if figures else None) or names[0]
        first = leading_arms(names)
        choice = Choice(
            corpus,
            arms=first,
            class_arms=first,
            cost_arm=best,
            group_arm=best,
            lost_arm=best,
            task=self.task(bare),
            group_field=self.group_field(bare),
        )
        return CurvesState(choice)

    def figures(self, state: CurvesState) -> Figures | None:
        """What was measured on the chosen collection."""
        corpus = state.choice.corpus
        try:
            curves = state.seen.sweeps.get(corpus) or self.service.shipped(corpus)
        except CorpusError:
            logger.exception("The shipped curves of %s cannot be read", corpus)
            return None
        return Figures.of(curves) if curves else None

    def measured(self, state: CurvesState) -> tuple[str, ...]:
        """Names of the arms that were measured on the chosen collection."""
        figures = self.figures(state)
        return tuple(arm.name for arm in figures.arms) if figures else ()

    def arm_entries(self, state: CurvesState) -> MenuEntries:
        """Group by group the arms that were measured, then those that can be, which their labels say.

        All of them in either case: an event may still carry the arms ticked for another collection, and Gradio refuses
        a value that is no choice any more.
        """
        figures = self.figures(state)
        possible = {arm.name: arm.label for arm in self.service.contenders()}
        possible |= {arm.name: arm.label for arm in state.own_here}
        if figures is None:
            return _by_group([(label, name) for name, label in possible.items()])
        measured = {arm.name: arm.label for arm in figures.arms}
        more = [(f"{label}{UNMEASURED_MARK}", name) for name, label in possible.items() if name not in measured]
        return _by_group([(label, name) for name, label in measured.items()] + more)

    def to_measure(self, state: CurvesState) -> tuple[str, ...]:
        """The arms that a measurement of the chosen collection covers: those ticked, and the visitor's own for it.

        Raises `LabError` if there is none.
        """
        choice, own = state.choice, tuple(arm.name for arm in state.own_here)
        possible = {*self.service.arms(), *own}
        ticked = tuple(name for name in (*choice.arms, *choice.class_arms) if name in possible)
        if not ticked and not own:
            raise LabError("No method is ticked: open “More methods” below and tick those to measure.")
        return tuple(dict.fromkeys((*ticked, *own)))

    def cut_arm_entries(self, state: CurvesState) -> MenuEntries:
        """The same without arms that have no length to cut."""
        figures = self.figures(state)
        if figures is None:
            cut = [(arm.label, arm.name) for arm in self.service.contenders() if arm.has_vectors]
            return cut + _own_entries(state)
        return [(arm.label, arm.name) for arm in figures.arms if arm.full_dim]

    def task_entries(self, state: CurvesState) -> MenuEntries:
        """The labels and scored pairs measured on the chosen collection, then those of the others.

        All of them for the reason that `arm_entries` gives.
        """
        others = [replace(state.choice, corpus=each.name) for each in self.service.lab.corpora()]
        states = (state, *(replace(state, choice=choice) for choice in others))
        measured = [figures.class_metrics for each in states if (figures := self.figures(each))]
        return [(metric_label(metric), metric) for metric in dict.fromkeys(chain.from_iterable(measured))]

    def metric(self, state: CurvesState, wanted: str) -> str:
        """The wanted measure if this collection has it, else its first of rankings; without judgements agreement."""
        figures = self.figures(state)
        if figures is None or figures.count(wanted):
            return wanted
        return next((metric for metric in METRIC_LABELS if figures.count(metric)), wanted)

    def task(self, state: CurvesState) -> str:
        """The chosen metric of classes if this collection has it, else its first, "" if it has none."""
        figures = self.figures(state)
        names = figures.class_metrics if figures else ()
        return state.choice.task if state.choice.task in names else next(iter(names), "")

    def group_entries(self, state: CurvesState) -> list[str]:
        """The columns that group the queries of the chosen collection, then those of the others."""
        others = [replace(state.choice, corpus=each.name) for each in self.service.lab.corpora()]
        states = (state, *(replace(state, choice=choice) for choice in others))
        measured = [figures.group_fields for each in states if (figures := self.figures(each))]
        return list(dict.fromkeys(chain.from_iterable(measured)))

    def group_field(self, state: CurvesState) -> str:
        """The chosen column if this collection has it, else its first, "" if it has none."""
        figures = self.figures(state)
        names = figures.group_fields if figures else ()
        return state.choice.group_field if state.choice.group_field in names else next(iter(names), "")

    def lost(self, state: CurvesState) -> BrokenQueries | None:
        """The queries of the chosen arm that break."""
        figures = self.figures(state)
        return figures.curves.lost.get(state.choice.lost_arm) if figures else None

    def layer_entries(self, state: CurvesState) -> MenuEntries:
        """Methods whose model may have layers to leave out: measuring says of one that it has none."""
        arms = [(arm.label, arm.name) for arm in self.service.contenders() if arm.has_prefixes]
        return arms + [(arm.label, arm.name) for arm in state.own_here]

    def layers(self, state: CurvesState) -> LayerGrid | None:
        """The chosen method by layers: measured for this visitor, else what ships with the code."""
        choice = state.choice
        if grid := state.seen.layers.get((choice.corpus, choice.layer_arm)):
            return grid
        if choice.corpus != builtin.NAME:
            return None
        try:
            shipped = shipped_layers(self.service.lab.settings.assets_dir)
        except CorpusError:
            logger.exception("The shipped figures by layer cannot be read")
            return None
        return next((grid for grid in shipped if grid.arm == choice.layer_arm), None)

    def has_changed(self, state: CurvesState, grid: LayerGrid) -> bool:
        """Whether the collection is another one than when shipped figures were measured."""
        if (state.choice.corpus, state.choice.layer_arm) in state.seen.layers:
            return False
        return bool(grid.fingerprint) and grid.fingerprint != self.service.lab.corpus(state.choice.corpus).fingerprint

    def speed(self, state: CurvesState) -> SpeedResult | None:
        """Times over the chosen number of vectors."""
        shipped = self.shipped_speed()
        size = state.choice.size
        return state.seen.speeds.get(size) or (shipped if shipped and shipped.n == size else None)

    def shipped_speed(self) -> SpeedResult | None:
        """The times that ship, of whatever number of vectors."""
        try:
            return self.service.shipped_speed()
        except LabError:
            logger.exception("The shipped times cannot be read")
            return None


def _own_entries(state: CurvesState) -> MenuEntries:
    return [(arm.label, arm.name) for arm in state.own_here]


def _by_group(entries: MenuEntries) -> MenuEntries:
    order = list(ArmGroup)
    return sorted(entries, key=lambda entry: order.index(group_of(entry[1])))
