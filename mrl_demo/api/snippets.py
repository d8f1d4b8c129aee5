"""The code that makes a call from outside: Python, curl, command line, MCP."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Stands for the page's address, which only a browser knows.
HERE = "http://127.0.0.1:7860"
#: What the command line calls an argument, if not by its own name.
_FLAGS = {"most_bytes": "bytes", "target": "format"}
_POSITIONAL = {"query", "cutoff"}


@dataclass(frozen=True)
class CodeSnippet:
    """One way to make a call.

    >>> for snippet in snippets_for("search", {"query": "how do bees talk", "arm": "base"}):
    ...     print(snippet.label)
    Python
    curl
    Command line
    MCP
    """

    label: str
    text: str


def snippets_for(call: str, arguments: Mapping[str, Any], address: str = HERE) -> tuple[CodeSnippet, ...]:
    """A call of `mrl_demo.api.calls` in every way there is; they give the same JSON."""
    return (
        CodeSnippet("Python", _python(call, arguments, address)),
        CodeSnippet("curl", _curl(call, arguments, address)),
        CodeSnippet("Command line", _command(call, arguments)),
        CodeSnippet("MCP", _mcp(call, arguments, address)),
    )


def _python(call: str, arguments: Mapping[str, Any], address: str) -> str:
    given = "".join(f"    {name}={value!r},\n" for name, value in arguments.items())
    return (
        "from gradio_client import Client  # pip install gradio_client\n\n"
        f'answer = Client("{address}").predict(\n{given}    api_name="/{call}",\n)\n'
    )


def _curl(call: str, arguments: Mapping[str, Any], address: str) -> str:
    body = shlex.quote(json.dumps(arguments, ensure_ascii=False))
    return (
        f"EVENT=$(curl -s {address}/gradio_api/call/v2/{call} -H 'content-type: application/json' \\\n"
        f"  -d {body} | cut -d'\"' -f4)\n"
        f'curl -sN {address}/gradio_api/call/{call}/"$EVENT"\n'
    )


def _command(call: str, arguments: Mapping[str, Any]) -> str:
    """`mrl search` compares too: its `--arm` takes several."""
    words = ["mrl", "search" if call in {"search", "compare"} else call]
    for name, value in arguments.items():
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        if name in _POSITIONAL:
            words.append(shlex.quote(text))
        else:
            words.append(f"--{_flag(call, name)} {shlex.quote(text)}")
    return " ".join([*words, "--json"]) + "\n"


def _flag(call: str, name: str) -> str:
    if call == "compare" and name == "arms":
        return "arm"
    if name == "target" and call != "export":
        return name
    return _FLAGS.get(name, name).replace("_", "-")


def _mcp(call: str, arguments: Mapping[str, Any], address: str) -> str:
    request = {"method": "tools/call", "params": {"name": call, "arguments": dict(arguments)}}
    return f"{json.dumps(request, ensure_ascii=False, indent=2)}\n\nserver: {address}/gradio_api/mcp/\n"
