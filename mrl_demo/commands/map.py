"""The command that draws the map of a collection."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_json_option,
    arm_names,
    chosen_corpus,
    split_words,
    write_output,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

_EXAMPLES = """examples:
  %(prog)s                                                 groups that break first and last, base and tuned
  %(prog)s --corpus my-documents.csv --arms base,adapted --out map.html
  %(prog)s --query "why is the sky blue" --out map.json
"""


def add_map_command(commands: Commands) -> None:
    """Add `map`."""
    says = "draw a collection in two dimensions, coloured by the neighbours that shorter vectors keep"
    parser = add_command(commands, "map", says, _EXAMPLES)
    parser.add_argument("--arms", type=split_words, default="base,tuned", help=f"{ARM_HELP}; one or two")
    parser.add_argument("--query", default="", help="join the ten results of this question")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the map there: .html (a page) or .json")
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_map)


def _map(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    kind = options.out.suffix.lower() if options.out else ""
    if kind not in {"", ".html", ".htm", ".json"} or (options.out and not kind):
        raise LabError(f"A map is written as .html or .json, and {options.out.name!r} is neither.")
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    view = lab.map(corpus, arm_names(lab, options.arms, options), options.query, ProgressLine())
    if options.out:
        from mrl_demo.maps.page import map_page

        text = json.dumps(view.to_dict(), ensure_ascii=False) if kind == ".json" else map_page(view)
        write_output(options.out, text)
    if options.json:
        print(json.dumps(view.to_dict(), ensure_ascii=False))
        return
    from rich.console import Console

    from mrl_demo.maps.report import map_report

    Console().print(map_report(view))
    if options.out:
        print(f"The map is in {options.out}")
