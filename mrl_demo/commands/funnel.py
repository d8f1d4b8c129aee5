"""The commands on bytes, funnels and lengths per query."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from mrl_demo.commands.options import (
    ARM_HELP,
    add_index_option,
    add_measuring_options,
    arm_names,
    attach_indexes,
    chosen_corpus,
    split_words,
    whole_numbers,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from mrl_demo.evaluation.judging.ranked import QueryDraw
    from mrl_demo.lab.lab import Lab

_FUNNEL_EXAMPLES = """examples:
  %(prog)s                                                 the paper's cascade: 16:400,32:200,64:100,128:50,full:10
  %(prog)s 64:200,full:10 --arm corpus-pca --corpus my-folder
  %(prog)s binary-mean@full:100,full:10 --arm base         a shortlist by one bit a number
  %(prog)s --keep 0.99                                     the cheapest cascade that keeps 99%% of exact search
  %(prog)s --proof                                         at which length the first ten are proven to be exact
"""
_GATE_EXAMPLES = """examples:
  %(prog)s --arm corpus-pca                                a length for each query, against fixed lengths
  %(prog)s --dims 32,64,128 --bytes 256 --budget-ms 0.5 --load 0.7 --corpus my-folder
"""
_BUDGET_EXAMPLES = """examples:
  %(prog)s 96                                              the best way to spend 96 bytes a vector
  %(prog)s 48 --arms base,corpus-pca,adapted --corpus my-documents.csv --json
"""


def add_funnel_commands(commands: Commands) -> None:
    """Add `funnel`, `gate` and `budget`."""
    _add_funnel(commands)
    _add_gate(commands)
    _add_budget(commands)


def _add_funnel(commands: Commands) -> None:
    says = "search in stages: what a funnel keeps, loses, proves and saves"
    parser = add_command(commands, "funnel", says, _FUNNEL_EXAMPLES)
    parser.add_argument("stages", nargs="?", default="", help="DIM:KEEP,..., the first perhaps PRECISION@DIM:KEEP")
    parser.add_argument("--keep", type=float, help="find the cheapest cascade that keeps this share of exact search")
    parser.add_argument("--proof", action="store_true", help="measure at which length the first ten are proven")
    add_index_option(parser)
    _add_shared(parser)
    parser.set_defaults(handler=_funnel)


def _add_gate(commands: Commands) -> None:
    says = "choose a length for each query, against fixed lengths, budgets and load"
    parser = add_command(commands, "gate", says, _GATE_EXAMPLES)
    parser.add_argument("--dims", type=whole_numbers, help="lengths of the ladder, below the full one")
    parser.add_argument("--target", type=float, default=0.98, help="share of full quality to keep")
    parser.add_argument("--bytes", type=int, default=256, dest="bytes_a_vector", help="memory of the static choice")
    parser.add_argument("--budget-ms", type=float, help="time of the dynamic choice (default: half the full length's)")
    parser.add_argument("--load", type=float, help="how busy the machine is, 0 to below 1 (default: it varies)")
    _add_shared(parser)
    parser.set_defaults(handler=_gate)


def _add_budget(commands: Commands) -> None:
    says = "name the best arm, length, precision and rescoring for a number of bytes a vector"
    parser = add_command(commands, "budget", says, _BUDGET_EXAMPLES)
    parser.add_argument("bytes", type=int, help="bytes a vector in memory")
    parser.add_argument("--arms", type=split_words, default="base,corpus-pca", help=f"{ARM_HELP}; commas between them")
    parser.add_argument("--metric", default="ndcg@10", help="ndcg@K, mrr@K, recall@K, map or overlap@K")
    parser.add_argument("--dims", type=whole_numbers, help="lengths to choose from (default: nine up to the full one)")
    parser.add_argument("--shortlist", type=int, default=0, help="how many documents are rescored (default: 40)")
    _add_max_tokens(parser)
    add_measuring_options(parser)
    parser.set_defaults(handler=_budget)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arm", default="corpus-pca", help=ARM_HELP)
    parser.add_argument("--metric", default="ndcg@10", help="ndcg@K, mrr@K, recall@K or map")
    _add_max_tokens(parser)
    add_measuring_options(parser)


def _add_max_tokens(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-tokens", type=int, default=0, help="cut texts at so many tokens (0: the model's limit)")


class _Report(Protocol):
    def sentence(self) -> str:
        """The result in a sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""


def _funnel(settings: Settings, options: argparse.Namespace) -> None:
    if options.keep is not None and options.proof:
        raise LabError("--keep and --proof are two questions: ask one of them.")
    if options.stages and (options.keep is not None or options.proof):
        raise LabError(f"--keep and --proof try stages of their own: leave {options.stages} out.")
    if options.index and (options.keep is not None or options.proof):
        raise LabError("--keep and --proof read the lab's own index: leave --index out.")
    lab, corpus, arm, draw = _open(settings, options, queries=300)
    attach_indexes(lab, options, corpus, [arm])
    report: _Report
    if options.keep is not None:
        report = lab.cheapest_funnel(corpus, arm, options.keep, draw, ProgressLine())
    elif options.proof:
        report = lab.funnel_proof(corpus, arm, draw, ProgressLine())
    else:
        report = lab.funnel(corpus, arm, options.stages, draw, ProgressLine())
    _print(report, options.json)


def _gate(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.gating.allocation import GateQuestion
    from mrl_demo.gating.ladder import LADDER_DIMS

    lab, corpus, arm, draw = _open(settings, options, queries=0)
    full = lab.full_dim([arm])
    dims = options.dims or tuple(dim for dim in LADDER_DIMS if dim < full)
    question = GateQuestion(dims, options.target, options.bytes_a_vector, options.budget_ms, options.load)
    _print(lab.gate(corpus, arm, question, draw, ProgressLine()), options.json)


def _budget(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.advisor.budget import byte_plan, check_budget
    from mrl_demo.lab.lab import Lab

    check_budget(options.bytes)
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options, options.split)
    plan = byte_plan(arm_names(lab, options.arms, options), options.metric, options.dims, options.shortlist)
    chosen = {name: getattr(options, name) for name in ("split", "queries", "seed", "max_tokens")}
    plan = replace(plan, **chosen)
    _print(lab.budget(corpus, options.bytes, plan, ProgressLine()), options.json)


def _open(settings: Settings, options: argparse.Namespace, queries: int) -> tuple[Lab, str, str, QueryDraw]:
    """The lab, the corpus' and the arm's name, and the draw; `queries` are drawn if nobody says how many."""
    from mrl_demo.evaluation.judging.ranked import QueryDraw
    from mrl_demo.lab.lab import Lab

    draw = QueryDraw(options.metric, options.split, options.queries or queries, options.seed, options.max_tokens)
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options, options.split)
    (arm,) = arm_names(lab, [options.arm], options)
    return lab, corpus, arm, draw


def _print(report: _Report, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape

    from mrl_demo.lab.funnel_tables import report_table

    out = Console()
    out.print(f"[bold]{escape(report.sentence())}[/]")
    out.print(report_table(report))
    for note in getattr(report, "notes", ()):
        out.print(f"[yellow]Note:[/] {escape(str(note))}")
