from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest

from mrl_demo.core.errors import LabError
from mrl_demo.ui.shared.guard import UNEXPECTED
from mrl_demo.ui.shared.refusing import REFUSED, RefusingBlocks


def fail(kind: str) -> str:
    problems = {"ours": LabError("There is no arm 'x'."), "Gradio's": gr.Error("/etc/passwd"), "words": None}
    problem = problems[kind] or gr.Error("That list is gone.", print_exception=False)
    raise problem


def answer(menu: Any, **options: Any) -> str:
    with RefusingBlocks() as page:
        box, out = gr.Dropdown(["ours", "Gradio's", "words", "a bug"], **options), gr.Textbox()
        box.change(fail, box, out)
    (event,) = page.fns.values()
    with pytest.raises(gr.Error) as error:
        asyncio.run(page.process_api(event, [menu]))
    assert not error.value.print_exception
    return str(error.value.message)


@pytest.mark.parametrize("value", ["no such", ["ours", "words"], {"a": 1}, None.__class__, 7])
def test_what_no_control_holds_is_one_line_in_the_log(value: object, caplog: pytest.LogCaptureFixture) -> None:
    assert run_apart_answer(value) == REFUSED
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert len(record.getMessage()) < 260
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [("ours", "There is no arm 'x'."), ("words", "That list is gone."), ("Gradio's", REFUSED), ("a bug", UNEXPECTED)],
)
def test_whatever_a_handler_raises_reaches_the_caller_in_words(kind: str, words: str) -> None:
    assert run_apart_answer(kind) == words


def run_apart_answer(value: object) -> str:
    """In a thread of its own: a browser of the session keeps this one's loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(answer, value).result()
