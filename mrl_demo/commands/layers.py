"""The command that measures an arm over layers and lengths."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mrl_demo.commands.options import (
    ARM_HELP,
    add_measuring_options,
    arm_names,
    chosen_corpus,
    split_words,
    whole_numbers,
    write_output,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

_EXAMPLES = """examples:
  %(prog)s                                                   tuned-2d at every layer and length
  %(prog)s --arms base,tuned-2d --layers 3,6 --dims 16,64
  %(prog)s --arms ./my-model --corpus my-documents.csv --out layers.csv
"""


def add_layers_command(commands: Commands) -> None:
    """Add `layers`."""
    says = "measure what fewer layers keep at every length, and how long each number of layers takes"
    parser = add_command(commands, "layers", says, _EXAMPLES)
    parser.add_argument("--arms", type=split_words, default="tuned-2d", help=f"{ARM_HELP}; over BERT-like models")
    parser.add_argument("--layers", type=whole_numbers, default=(), help="numbers of layers (default: up to six)")
    parser.add_argument("--dims", type=whole_numbers, default=(), help="lengths (default: 8 to the full one)")
    parser.add_argument("--metric", default="ndcg@10", help="what to measure, as in ndcg@10 or overlap@10")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there: .csv or .json")
    add_measuring_options(parser)
    parser.set_defaults(handler=_layers)


def _layers(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.layers.grid import LayerQuestion

    kind = options.out.suffix.lower() if options.out else ""
    if options.out and kind not in {".csv", ".json"}:
        raise LabError(f"The figures are written as .csv or .json, and {options.out.name!r} is neither.")
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options, options.split)
    question = LayerQuestion(
        dims=options.dims,
        layers=options.layers,
        queries=options.queries,
        split=options.split,
        metric=options.metric,
        seed=options.seed,
    )
    names = arm_names(lab, options.arms, options)
    grids = [lab.layers(corpus, name, question, ProgressLine()) for name in names]
    raw = json.dumps([grid.to_dict() for grid in grids], ensure_ascii=False)
    if options.out:
        heads = [grid.to_csv() for grid in grids]
        table = heads[0] + "".join(text.split("\n", 1)[1] for text in heads[1:])
        write_output(options.out, raw if kind == ".json" else table)
    if options.json:
        print(raw)
        return
    from rich.console import Console

    from mrl_demo.layers.report import layers_report

    for grid in grids:
        Console().print(layers_report(grid))
    if options.out:
        print(f"The figures are in {options.out}")
