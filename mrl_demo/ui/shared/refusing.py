"""Blocks that refuse in one line what no control of theirs can hold: only programs send such values."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from mrl_demo.core.errors import LabError
from mrl_demo.ui.components.text import shorten, visible
from mrl_demo.ui.shared.guard import UNEXPECTED

logger = logging.getLogger(__name__)
REFUSED = "The page's controls cannot hold what was sent: reload the page, or call what docs/api.md names."


class RefusingBlocks(gr.Blocks):
    """Gradio's Blocks, with words instead of an empty answer and a traceback for each value that is not on a menu."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        """As Gradio's; raises its `Error` in words, whatever was wrong with the values."""
        try:
            values = await super().preprocess_data(block_fn, inputs, *rest, **named)
            for block, value in zip(block_fn.inputs, values, strict=False):
                _refuse_many(block, value)
            return values
        except Exception as error:
            raise _refusal(block_fn, error) from None

    async def call_function(self, block_fn: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        """As Gradio's; what a handler did not put into words itself reaches the caller in words here."""
        try:
            return await super().call_function(block_fn, *given, **named)
        except LabError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except gr.Error as error:
            if not error.print_exception:  # Words of ours.
                raise
            raise _refusal(block_fn, error) from None
        except Exception:
            logger.exception("An unexpected error reached the page.")
            raise gr.Error(UNEXPECTED, print_exception=False) from None


def _refusal(block_fn: Any, error: Exception) -> gr.Error:  # noqa: ANN401
    """One line in the log, and what the caller reads."""
    said = shorten(visible(str(error)), 160)
    logger.warning("%s was sent what no control holds: %s", block_fn.api_name, said)
    return gr.Error(REFUSED, print_exception=False)


def _refuse_many(block: Any, value: object) -> None:  # noqa: ANN401
    """Gradio looks each item of a list up on the menu, and does not ask whether one may be chosen alone."""
    if isinstance(block, gr.Dropdown) and not block.multiselect and isinstance(value, (list, dict)):
        raise ValueError(f"{block.label} is a list")
