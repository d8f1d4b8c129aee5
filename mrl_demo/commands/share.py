"""The command that makes a picture of one comparison, to show it elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_where_option,
    arm_names,
    chosen_corpus,
    split_words,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.vectors import check_dimension
from mrl_demo.corpora.labels.filters import parse_where

_EXAMPLES = """examples:
  %(prog)s --query "why is the sky blue" --dim 64 --out card.png
  %(prog)s --query "refund after 30 days" --corpus my-documents.csv --arms base,adapted --dim 32 --out card.png
"""


def add_share_commands(commands: Commands) -> None:
    """Add `share-card`."""
    parser = add_command(commands, "share-card", "draw one comparison as a picture of 1200 x 630 pixels", _EXAMPLES)
    parser.add_argument("--query", required=True, help="the question")
    parser.add_argument("--arms", type=split_words, default="base,tuned", help=f"one or two: {ARM_HELP}")
    parser.add_argument("--dim", default="64", help="numbers of the vector to keep")
    add_where_option(parser)
    parser.add_argument("--address", default="", help="address of your page, printed at the foot")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    add_corpus_options(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_share_card)


def _share_card(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    if not 1 <= len(options.arms) <= 2:
        raise LabError(f"A card shows one arm or two, not {len(options.arms)}: name them as in --arms base,tuned.")
    if not options.out.parent.is_dir():
        raise LabError(f"There is no folder {options.out.parent} to write {options.out.name} into: make it first.")
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    arms = arm_names(lab, options.arms, options)
    check_dimension(options.dim, lab.full_dim(arms))  # Before a large corpus is encoded for nothing.
    lab.prepare(corpus, arms, ProgressLine())
    asked = {"corpus": corpus, "arms": arms, "dim": options.dim, "where": parse_where(options.where)}
    card = lab.share_card(options.query, **asked, address=options.address)
    with atomic_path(options.out) as path:
        path.write_bytes(card)
    print(f"The card is in {options.out}")
