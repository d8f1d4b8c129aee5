"""Figures that a visitor has measured in a section of Curves: how they are made, and where they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import gradio as gr

from mrl_demo.core.types import Progress
from mrl_demo.ui.curves.results import Results
from mrl_demo.ui.curves.state import CurvesState, Seen
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.work import LongWork

_Figures = TypeVar("_Figures")


@dataclass(frozen=True)
class Measurement(ABC, Generic[_Figures]):
    """One kind of figures: `work` shows how the measuring goes, `seen` keeps what came of it for this visitor."""

    results: Results
    work: LongWork
    seen: gr.State

    @abstractmethod
    def measure(self, state: CurvesState, progress: Progress) -> _Figures:
        """The figures that the tab's choices ask for; raises `LabError` as the lab does."""

    @abstractmethod
    def with_figures(self, state: CurvesState, figures: _Figures) -> Seen:
        """What the visitor has seen, with the new figures."""

    async def run(self, state: CurvesState, request: gr.Request) -> AsyncIterator[Updates]:
        """Measure with progress, and keep the figures."""

        def _keep(figures: _Figures) -> Updates:
            return {self.seen: self.with_figures(state, figures)}

        async for updates in self.work.follow(partial(self.measure, state), _keep, request):
            yield updates
