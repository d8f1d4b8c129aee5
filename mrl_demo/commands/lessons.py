"""The commands that teach: the usual mistakes made on purpose."""

from __future__ import annotations

import argparse
import json

from mrl_demo.commands.options import ARM_HELP, add_corpus_options, add_json_option, arm_names, chosen_corpus
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings

_PITFALL_EXAMPLES = """examples:
  %(prog)s --arm base --dim 64
  %(prog)s --corpus my-folder --arm corpus-pca --dim 128 --json
"""


def add_lesson_commands(commands: Commands) -> None:
    """Add `pitfalls`."""
    _add_pitfalls(commands)


def _add_pitfalls(commands: Commands) -> None:
    says = "make the usual mistakes of cutting vectors on purpose, and measure what each costs"
    parser = add_command(commands, "pitfalls", says, _PITFALL_EXAMPLES)
    parser.add_argument("--arm", default="tuned", help=ARM_HELP)
    parser.add_argument("--dim", default="64", help="numbers of the vector to keep")
    parser.add_argument("--queries", type=int, default=200, help="draw so many of the queries (0: all)")
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_pitfalls)


def _pitfalls(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.lessons.report import print_pitfalls

    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    (arm,) = arm_names(lab, [options.arm], options)
    report = lab.pitfalls(corpus, arm, options.dim, options.queries, ProgressLine())
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        print_pitfalls(report)
