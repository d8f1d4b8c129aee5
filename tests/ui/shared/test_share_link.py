from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.ui.app import launch


def test_without_a_network_share_says_so_and_serves_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    page: Any = gr.Blocks()
    page.mcp_server_obj = SimpleNamespace(_prepare_tool_call_args=None)
    page.app = SimpleNamespace(state_holder=gr.state_holder.StateHolder())

    def launch_without_network(**_: object) -> tuple[object, str, None]:
        print("* Could not create share link. Please check your internet connection.")
        return page.app, "http://127.0.0.1:7860/", None

    page.launch = launch_without_network
    assert launch(page, replace(Settings(), share=True)) == "http://127.0.0.1:7860/"
    said = capsys.readouterr().out
    assert said.startswith("Note: there is no public link, the page is at http://127.0.0.1:7860/ only.")
    assert "internet connection" in said
