"""Pages with one tab, and what a handler's updates say by element id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr

from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.shared.forms import Updates
from mrl_demo.ui.shared.heavy import HeavyLine
from mrl_demo.ui.shared.links import Page
from mrl_demo.ui.shared.visit import visit_state

Result = TypeVar("Result")


def one_tab(lab: LabProtocol, build: Callable[[Page], Any]) -> tuple[gr.Blocks, Any]:
    """A page whose only tab is what `build` lays out, and what that gave."""
    with gr.Blocks() as blocks:
        visit = visit_state(lab)
        with gr.Tabs() as tabs:
            built = build(Page(lab, "builtin", blocks, tabs, HeavyLine("builds"), HeavyLine("measurements"), visit))
    return blocks, built


def by_id(updates: Updates) -> dict[str, Any]:
    """Updates by the element's id; components without one by their kind."""
    return {str(block.elem_id or block.get_block_name()): value for block, value in updates.items()}


def steps_of(updates: AsyncIterator[Updates]) -> list[Updates]:
    """All that a handler yields over time."""

    async def collect() -> list[Updates]:
        return [step async for step in updates]

    return run_apart(collect())


def run_apart(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine gives, run in a thread of its own: a browser of the session keeps this one's loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def talk_mcp(
    url: str, calls: Sequence[tuple[str, dict[str, Any]]], headers: Mapping[str, str] | None = None
) -> tuple[list[Any], list[Any]]:
    """The tools that an MCP client is told of, and the answers to its calls."""
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> tuple[list[Any], list[Any]]:
        async with (
            httpx.AsyncClient(headers=headers, timeout=30) as client,
            streamable_http_client(f"{url}gradio_api/mcp/", http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, [await session.call_tool(name, given) for name, given in calls]

    return run_apart(talk())
