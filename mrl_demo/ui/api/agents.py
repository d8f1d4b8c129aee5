"""The named calls as tools of an MCP server: Gradio's, with JSON for an answer and behind a password too."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mrl_demo.ui.api.names import refuse_wrong_names

if TYPE_CHECKING:
    from gradio import Blocks
    from mcp.types import TextContent


def serve_agents(page: Blocks, password: str = "") -> None:
    """Let a launched page answer agents in JSON instead of Python's own notation, and wrong names in our words.

    Gradio's server puts an agent's call to the page itself, with the agent's headers. A `password` (USER:PASSWORD) has
    to be in them, and in the first look at the page, which is the server's own.
    """
    server = page.mcp_server_obj
    server.postprocess_output_data = _as_json
    prepare = server._prepare_tool_call_args

    def prepare_checked(name: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - Gradio has no types
        """Refuse unknown arguments before Gradio drops them."""
        refuse_wrong_names(name, arguments)
        return prepare(name, arguments)

    server._prepare_tool_call_args = prepare_checked
    if password:
        basic = base64.b64encode(password.encode()).decode()
        headers = {"x-gradio-user": "mcp", "authorization": f"Basic {basic}"}
        server._get_or_create_client = lambda: server._client_instance or _client_of(server, headers)


def _as_json(outputs: Sequence[Any], _root_url: str) -> list[TextContent]:
    from mcp.types import TextContent

    return [TextContent(type="text", text=json.dumps(output, ensure_ascii=False)) for output in outputs]


def _client_of(server: Any, headers: dict[str, str]) -> Any:  # noqa: ANN401 - Gradio has no types
    """The client with which the server asks its own page, kept for the next call."""
    from gradio_client import Client

    server._client_instance = Client(
        server.local_url, headers=headers, download_files=False, verbose=False, analytics_enabled=False
    )
    return server._client_instance
