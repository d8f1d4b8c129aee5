from __future__ import annotations

import json
import shlex

import pytest

from mrl_demo.api.snippets import snippets_for
from mrl_demo.cli import _parser
from mrl_demo.core.config import Settings

NASTY = 'it\'s $(touch x) `id` "quoted" </code><script>'
ASKED = {
    "search": {"query": NASTY, "arm": "base", "dim": 16},
    "compare": {"query": NASTY, "arms": ["base", "tuned"], "dim": 16, "corpus": "builtin"},
    "evaluate": {"arms": ["base"], "dims": [8, 16], "precisions": ["int8"], "queries": 50},
    "recommend": {"arms": ["base"], "target": 0.9, "most_bytes": 64, "precisions": ["int8", "float32"]},
    "export": {"target": "faiss", "arm": "base", "dim": 16},
    "threshold": {"cutoff": 0.5, "arm": "base", "full_arm": "tuned"},
}


@pytest.mark.parametrize("name", ASKED)
def test_the_command_shown_is_one_that_the_command_line_takes(name: str) -> None:
    command = next(snippet.text for snippet in snippets_for(name, ASKED[name]) if snippet.label == "Command line")
    program, *words = shlex.split(command)
    options = _parser(Settings()).parse_args(words)
    assert program == "mrl"
    assert options.json
    assert getattr(options, "text", NASTY) == NASTY


@pytest.mark.parametrize("name", ASKED)
def test_what_is_shown_for_curl_and_agents_holds_the_arguments_whole(name: str) -> None:
    shown = {snippet.label: snippet.text for snippet in snippets_for(name, ASKED[name], "http://here")}
    curl = shown["curl"].replace("\\\n", " ").removeprefix("EVENT=$(").split(" | cut")[0]
    words = shlex.split(curl)
    assert json.loads(words[words.index("-d") + 1]) == ASKED[name]
    assert f"http://here/gradio_api/call/v2/{name}" in words
    assert json.loads(shown["MCP"].split("\n\nserver")[0])["params"] == {"name": name, "arguments": ASKED[name]}
    compile(shown["Python"], "snippet", "exec")
