"""What `embed` and `evaluate` do with shards: vectors in a folder, for collections that do not fit in memory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.commands.options import arm_names, chosen_corpus, whole_numbers
from mrl_demo.core.command_line import ProgressLine
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from mrl_demo.scale.evaluate import ShardedResult

_EVALUATED_METRICS = ("ndcg@10", "mrr@10", "recall@10", "overlap@10")


def add_embed_shards_options(parser: argparse.ArgumentParser) -> None:
    """Add what makes `embed` write shards."""
    says = "write the vectors into this folder instead, shard by shard (several arms: a folder each in it); a second "
    says += "run does what is missing, and under torchrun each process does its share"
    parser.add_argument("--shards", type=Path, metavar="FOLDER", help=says)
    parser.add_argument("--dtype", default="float16", help="float16 or float32: what shards are kept in")
    parser.add_argument("--split", default="", help="which judged queries go with the shards (default: the test split)")


def add_evaluate_shards_options(parser: argparse.ArgumentParser) -> None:
    """Add what makes `evaluate` measure shards."""
    says = "measure folders of vectors that mrl embed --shards wrote, or your own files laid out like them (see "
    says += "docs/scale.md), in bounded memory; may be given several times, one arm each"
    parser.add_argument("--shards", type=Path, action="append", default=[], metavar="FOLDER", help=says)
    sizes = "with --shards: measure also as if the collection ended after so many rows, as in 10000,100000"
    parser.add_argument("--grow", type=whole_numbers, default=(), metavar="ROWS", help=sizes)


def check_shards_options(options: argparse.Namespace) -> None:
    """Raise `LabError` for options of `embed` that mean nothing without `--shards`."""
    if options.shards is None and (options.split or options.dtype != "float16"):
        raise LabError("--split and --dtype are for --shards: name the folder to write, or leave them out.")


def write_shards(settings: Settings, options: argparse.Namespace) -> None:
    """Run `embed --shards`."""
    from mrl_demo.lab.lab import Lab
    from mrl_demo.scale.embed import ShardJob, WorkShare

    lab, share = Lab(settings), WorkShare.from_environment()
    corpus = chosen_corpus(lab, options, options.split)
    job = ShardJob(options.shards.expanduser(), options.dtype, split=options.split)
    names = arm_names(lab, options.arms, options)
    embedded = lab.embed_shards(corpus, names, job, share, ProgressLine())
    if options.json:
        print(json.dumps([arm.to_dict() for arm in embedded]))
        return
    for arm in embedded:
        print(arm.sentence())


def measure_shards(settings: Settings, options: argparse.Namespace) -> None:
    """Run `evaluate --shards`; raises `LabError` for an option that shards leave no room for."""
    from mrl_demo.evaluation.sweeps.plan import SweepPlan
    from mrl_demo.evaluation.sweeps.report import print_report
    from mrl_demo.lab.lab import Lab

    for name in ("by", "split", "max_tokens", "vectors"):
        if getattr(options, name):
            said = name.replace("_", "-")
            raise LabError(f"--{said} cannot go with --shards: a folder's vectors and questions are there already.")
    plan = SweepPlan(
        arms=("shards",),
        dims=options.dims,
        precisions=options.precisions,
        metrics=options.metrics or _EVALUATED_METRICS,
        queries=options.queries,
        seed=options.seed,
    )
    result = Lab(settings).evaluate_shards(options.shards, plan, options.grow, ProgressLine())
    if options.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
        return
    print_report(result.sweep)
    print_growth(result)


def print_growth(result: ShardedResult) -> None:
    """Print what each length keeps at each size, if more sizes than one were measured."""
    if len(result.growth) < 2:
        return
    from rich.console import Console

    from mrl_demo.scale.report import growth_tables

    for table in growth_tables(result):
        Console().print(table)
