"""What a visitor takes along: the setting for an engine, and the report."""

from __future__ import annotations

from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.shared.forms import Form
from mrl_demo.ui.shared.links import Page


def exports_panel(page: Page, form: Form[DecideState]) -> None:
    """Lay out and wire what exports the chosen setting (`state.cut_arm`, `cut_dim`, `cut_precision`) here."""
