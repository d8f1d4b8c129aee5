"""The command that grows the tree of a collection by ever longer prefixes."""

from __future__ import annotations

import argparse
import json

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_json_option,
    arm_names,
    chosen_corpus,
    split_words,
    whole_numbers,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

_EXAMPLES = """examples:
  %(prog)s --arms base,hierarchical                          what 8, 16 and 32 numbers know of domains and topics
  %(prog)s --query "why is the sky blue" --arms hierarchical
  %(prog)s --corpus my-documents.csv --arms base+hierarchical --dims 4,8,16,32 --json
"""


def add_tree_command(commands: Commands) -> None:
    """Add `tree`."""
    says = "grow a tree of a collection whose floors are ever longer prefixes, and follow a question down it"
    parser = add_command(commands, "tree", says, _EXAMPLES)
    parser.add_argument("--arms", type=split_words, default="base,hierarchical", help=ARM_HELP)
    parser.add_argument("--dims", type=whole_numbers, default="8,16,32", help="lengths of the floors, shortest first")
    parser.add_argument("--query", default="", help="follow this question down the tree")
    parser.add_argument("--depth", type=int, default=1, help="floors of the tree that are printed")
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_tree)


def _tree(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    if options.depth < 1:
        raise LabError(f"--depth {options.depth} prints no floor: give 1 or more.")
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    names = arm_names(lab, options.arms, options)
    trees = [lab.tree(corpus, name, options.query, options.dims, ProgressLine()) for name in names]
    if options.json:
        print(json.dumps([tree.to_dict() for tree in trees], ensure_ascii=False))
        return
    from rich.console import Console

    from mrl_demo.trees.report import tree_report

    Console().print(tree_report(trees, options.depth))
