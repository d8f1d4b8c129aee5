"""What a visitor takes along: the report."""

from __future__ import annotations

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.reports.page import DecisionReport
from mrl_demo.ui.components.markup import html
from mrl_demo.ui.decide.cost import costs_of
from mrl_demo.ui.decide.state import DecideState
from mrl_demo.ui.ids import Id
from mrl_demo.ui.shared.forms import Form
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.saving import SaveButton, SavedText
from mrl_demo.ui.shared.widgets import static_html

_REPORT_WORDS = html(
    '<h2>Report</h2><p class="lead">One HTML page that needs no network: curves, recommendation, what breaks, the'
    " cut-off if you translated one, and the costs, every figure with its query count and interval. There is one once a"
    " setting was recommended.</p>"
)


def lay_out_report(page: Page, form: Form[DecideState]) -> None:
    """Lay out and wire the button that saves the report here."""
    static_html(_REPORT_WORDS, Id.DECIDE_REPORT_WORDS)
    button = SaveButton("Save the report (HTML, 5 MB)", Id.DECIDE_REPORT, "First let a setting be recommended.")
    button.wire(form, lambda state: report_file(page.lab, state))


def report_file(lab: LabProtocol, state: DecideState) -> SavedText | None:
    """What was measured as one page; None if nothing was recommended yet."""
    advised = state.decided.advised
    if advised is None:
        return None
    report = DecisionReport(advised, state.decided.threshold, costs_of(lab, state), state.decided.ceiling)
    return SavedText("how-short.html", "text/html", report.to_html())
