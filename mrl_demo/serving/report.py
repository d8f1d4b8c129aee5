"""A server's verdict for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from mrl_demo.serving.check import RIGHT, WRONG, ServerVerdict

_SIGNS = {RIGHT: "[green]right[/]      ", WRONG: "[red]wrong[/]      "}


def print_server_check(verdict: ServerVerdict, console: Console | None = None) -> None:
    """Print the verdict, then every finding with its fix; `console` is the terminal by default."""
    out = console or Console()
    out.print(f"[bold]{escape(verdict.sentence())}[/]")
    for finding in verdict.findings:
        sign = _SIGNS.get(finding.state, "not checked")
        out.print(f"  {sign}  {finding.name:<14} {escape(finding.text)} {escape(finding.fix)}".rstrip())
