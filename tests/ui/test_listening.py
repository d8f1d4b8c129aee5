from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import gradio as gr
import httpx
import pytest
from gradio import networking

from mrl_demo.core.errors import LabError
from mrl_demo.ui.listening import patient_with_gradio


def empty_page() -> gr.Blocks:
    with gr.Blocks() as blocks:
        return blocks


def answering(replies: Iterator[bool | Exception]) -> Callable[[str], bool]:
    """What Gradio asks with, on a machine that is too busy at first."""

    def ask(_url: str) -> bool:
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return ask


def test_a_page_that_answers_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ask_once = answering(iter([False, httpx.ReadError("busy"), False, True]))
    monkeypatch.setattr(networking, "url_ok", ask_once)
    with closing(empty_page()) as blocks, patient_with_gradio(pause=0):
        _, address, _ = blocks.launch(quiet=True, prevent_thread_lock=True, ssr_mode=False)
    assert address.startswith("http://127.0.0.1")
    assert networking.url_ok is ask_once


def test_a_page_that_never_answers_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networking, "url_ok", lambda _url: False)
    never = pytest.raises(LabError, match="has not answered at http")
    with closing(empty_page()) as blocks, never as told, patient_with_gradio(0.02, 0):
        blocks.launch(quiet=True, prevent_thread_lock=True, ssr_mode=False)
    assert "NO_PROXY" in str(told.value)
