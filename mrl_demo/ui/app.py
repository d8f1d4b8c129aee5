"""The page put together: header, tabs, footer, and how it is served."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gradio as gr

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.compare import tab as compare
from mrl_demo.ui.components.page import footer, header
from mrl_demo.ui.curves import tab as curves
from mrl_demo.ui.shared.widgets import STATIC, static_html
from mrl_demo.ui.theme import theme
from mrl_demo.ui.train import tab as train

TITLE = "Matryoshka lab"
#: A tab is a label and a function that lays it out; add one here.
TABS: tuple[tuple[str, Callable[..., None]], ...] = (
    (compare.LABEL, compare.build),
    (curves.LABEL, curves.build),
    (train.LABEL, train.build),
)


def build_app(lab: LabProtocol, corpus: str | None = None) -> gr.Blocks:
    """Build the page over a lab, opened on `corpus` (the lab's first where None), its first results already in it."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=False) as blocks:
        static_html(header(), "page-header")
        if len(TABS) == 1:
            TABS[0][1](lab, corpus)
        else:
            with gr.Tabs():
                for label, build in TABS:
                    with gr.Tab(label):
                        build(lab, corpus)
        static_html(footer(), "page-footer")
    return blocks


def launch_options() -> dict[str, Any]:
    """Arguments for `launch` that make the page look right and stay within this server."""
    return {
        "theme": theme(),
        "css_paths": STATIC / "style.css",
        "favicon_path": STATIC / "favicon.png",
        "head": '<meta name="color-scheme" content="light dark">',
        "footer_links": [],
        "allowed_paths": [],
        "ssr_mode": False,
        "show_error": False,
        "max_file_size": "50mb",
    }


def launch(page: gr.Blocks, settings: Settings) -> str:
    """Serve the page in the background and return its address; raises `LabError` where the port was taken meanwhile."""
    try:
        _, local, public = page.launch(
            server_name=settings.host,
            server_port=settings.port,
            share=settings.share,
            root_path=settings.root_path or None,  # None: what GRADIO_ROOT_PATH says.
            prevent_thread_lock=True,
            quiet=True,
            **launch_options(),
        )
    except OSError as error:
        raise _cannot_listen(settings.host, settings.port, error) from error
    return public or local


def check_port(host: str, port: int) -> None:
    """Find out before anything heavy is loaded whether we can listen; raises `LabError` naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> LabError:
    reason = error.strerror or str(error)
    return LabError(
        f"Cannot listen on {host}, port {port} ({reason}): stop the program that uses it, or choose another with"
        " --port or --host."
    )
