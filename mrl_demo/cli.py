"""The command line, `mrl` or `python -m mrl_demo`: one front door to search, evaluation, training and the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo import __version__
from mrl_demo.commands.options import ARM_HELP as _ARM_HELP
from mrl_demo.commands.options import add_corpus_options as _add_corpus
from mrl_demo.commands.options import add_draw_options as _add_draw
from mrl_demo.commands.options import add_index_option, add_where_option, attach_indexes, chosen_corpus
from mrl_demo.commands.options import add_json_option as _add_json
from mrl_demo.commands.options import arm_names as _add_arms
from mrl_demo.commands.options import split_words as _words
from mrl_demo.commands.options import whole_numbers as _whole_numbers
from mrl_demo.commands.shards import add_evaluate_shards_options, measure_shards
from mrl_demo.core.command_line import (
    Commands,
    HelpFormatter,
    ProgressLine,
    add_cache_option,
    add_command,
    add_prompt_options,
)
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.process import prepare_process
from mrl_demo.core.types import ComparedArm, Comparison
from mrl_demo.core.vectors import check_dimension
from mrl_demo.core.wording import ordinal

if TYPE_CHECKING:
    from mrl_demo.lab.lab import Lab

_EXAMPLES = """examples:
  %(prog)s search "why is the sky blue" --arm tuned --dim 64
  %(prog)s evaluate --arms base,tuned,corpus-pca --dims 64,384
  %(prog)s evaluate --corpus my-documents.csv --arms base,adapted
  %(prog)s train --data pairs.jsonl --out runs/mine
  %(prog)s serve --corpus my-documents.csv

`%(prog)s COMMAND --help` lists the options of a command; the environment sets defaults too (MRL_CACHE_DIR, MRL_PORT).
"""
_SEARCH_EXAMPLES = """examples:
  %(prog)s "why is the sky blue" --arm tuned --dim 64
  %(prog)s "why is the sky blue" --arm base,tuned --dim 16 --top-k 3
  %(prog)s "refund after 30 days" --corpus my-documents.csv --arm base --dim 128 --json
  %(prog)s "a red bus" --corpus pictures.zip --arm sentence-transformers/clip-ViT-B-32 --dim 128
  %(prog)s --picture bus.jpg --corpus pictures.zip --arm sentence-transformers/clip-ViT-B-32 --dim 128
  %(prog)s "why is the sky blue" --arm my-e5 --query-prompt "query: " --document-prompt "passage: "
"""
_EVALUATE_EXAMPLES = """examples:
  %(prog)s                                                 base and tuned over nine lengths
  %(prog)s --arms base,adapted,bm25 --corpus my-folder --precisions float32,int8
  %(prog)s --arms tuned --dims 64 --metrics ndcg@10 --json
  %(prog)s --corpus multilingual --arms base,use-multilingual --by language
  %(prog)s --corpus my-documents.csv --by language         by a column "language" of your documents or questions
  %(prog)s --arms base,tuned --metrics accuracy            as good a classifier with fewer numbers?
  %(prog)s --shards my-shards --precisions float32,int8,binary --grow 10000,100000
"""
_METRICS = ("ndcg@10", "mrr@10", "recall@10", "overlap@10")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 2 with one line on standard error for a problem the user can act on."""
    prepare_process()
    try:
        settings = Settings.from_environment()
        options = _parser(settings).parse_args(argv)
        return int(options.handler(replace(settings, cache_dir=options.cache_dir.expanduser()), options) or 0)
    except BrokenPipeError:  # `| head` has read enough.
        sys.stderr.close()
    except LabError as error:
        print(f"mrl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser(settings: Settings) -> argparse.ArgumentParser:
    from mrl_demo.commands.decide import add_decision_commands
    from mrl_demo.commands.funnel import add_funnel_commands
    from mrl_demo.commands.index import add_index_command
    from mrl_demo.commands.inspect import add_inspect_command
    from mrl_demo.commands.layers import add_layers_command
    from mrl_demo.commands.lessons import add_lesson_commands
    from mrl_demo.commands.map import add_map_command
    from mrl_demo.commands.own_data import add_own_data_commands
    from mrl_demo.commands.share import add_share_commands
    from mrl_demo.commands.space import add_space_command
    from mrl_demo.commands.take_home import add_take_home_commands
    from mrl_demo.commands.tree import add_tree_command
    from mrl_demo.ui.serve import EXAMPLES, add_serve_options, serve
    from training.cli import add_training_commands

    parser = argparse.ArgumentParser(
        prog="mrl",
        description="How short can embeddings be? Search, measure, train, and serve the page that shows it.",
        epilog=_EXAMPLES,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_cache_option(parser, settings.cache_dir)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_search(commands, settings)
    _add_evaluate(commands)
    _add_controls(commands)
    add_inspect_command(commands)
    add_own_data_commands(commands)
    add_index_command(commands)
    add_decision_commands(commands)
    add_funnel_commands(commands)
    add_map_command(commands)
    add_tree_command(commands)
    add_layers_command(commands)
    add_share_commands(commands)
    add_take_home_commands(commands)
    add_space_command(commands)
    add_lesson_commands(commands)
    page = add_command(commands, "serve", "start the page and print its address", EXAMPLES)
    add_serve_options(page, settings)
    page.set_defaults(handler=serve)
    add_training_commands(commands)
    parser.set_defaults(handler=_run_training)  # Commands of ours name another function.
    return parser


def _add_search(commands: Commands, settings: Settings) -> None:
    says = "search a collection with an arm cut to one length"
    parser = add_command(commands, "search", says, _SEARCH_EXAMPLES)
    parser.add_argument("text", nargs="?", default="", help="the query; like:ID searches for what resembles a document")
    says = "search with a picture instead of words (a model of texts and pictures)"
    parser.add_argument("--picture", type=Path, metavar="FILE", help=says)
    parser.add_argument("--arm", type=_words, default="tuned", help=f"{_ARM_HELP}; several with commas between them")
    parser.add_argument("--dim", default="64", help="numbers of the vector to keep")
    parser.add_argument("--top-k", type=int, default=settings.top_k, help="results to show")
    add_index_option(parser)
    add_where_option(parser)
    parser.add_argument("--stages", default="", help="with --index: a funnel in the engine, as in 64:100,full:10")
    _add_corpus(parser)
    _add_json(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_search)


def _add_evaluate(commands: Commands) -> None:
    says = "measure arms over dimensions and precisions"
    parser = add_command(commands, "evaluate", says, _EVALUATE_EXAMPLES)
    parser.add_argument("--arms", type=_words, default="base,tuned", help=f"{_ARM_HELP}, bm25; commas between them")
    parser.add_argument(
        "--dims", type=_whole_numbers, help="lengths such as 8,16,64 (default: nine lengths up to the full one)"
    )
    parser.add_argument("--precisions", type=_words, default="float32", help="float32,float16,int8,binary,...")
    parser.add_argument(
        "--metrics",
        type=_words,
        help="what to measure, with commas: rankings (ndcg@K, mrr@K, recall@K, map, overlap@K, rbo@K), labels "
        "(accuracy, macro-f1, also knn-accuracy, 5-shot-accuracy, accuracy@topic), scored pairs (spearman); default: "
        f"{','.join(_METRICS)}; for a collection without queries too, by titles or first sentences that stand in for "
        "them, with its labels or scored pairs",
    )
    _add_draw(parser)
    parser.add_argument(
        "--by", default="", metavar="COLUMN", help="figures for each value of a column of the queries, as in language"
    )
    parser.add_argument("--max-tokens", type=int, default=0, help="cut texts at so many tokens (0: the model's limit)")
    add_evaluate_shards_options(parser)
    _add_corpus(parser)
    _add_json(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_evaluate)


def _search(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.labels.filters import parse_where
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    arms = _add_arms(lab, options.arm, options)
    check_dimension(options.dim, lab.full_dim(arms))  # Before a large corpus is encoded for nothing.
    has_engine = attach_indexes(lab, options, corpus, arms)
    if options.stages and not has_engine:
        raise LabError("--stages are for an engine: name it with --index (`mrl index` loads one).")
    where = parse_where(options.where)
    if options.stages:
        _search_index(lab, corpus, arms, options, where)
        return
    lab.prepare(corpus, arms, ProgressLine())
    query = lab.keep_picture(options.picture) if options.picture else options.text
    comparison = lab.compare(query, corpus=corpus, arms=arms, dim=options.dim, top_k=options.top_k, where=where)
    print(json.dumps(comparison.to_dict(), ensure_ascii=False) if options.json else comparison_text(comparison))


def _search_index(
    lab: Lab, corpus: str, arms: list[str], options: argparse.Namespace, where: Mapping[str, str]
) -> None:
    """What an engine alone answers in stages."""
    if len(arms) != 1:
        raise LabError(f"--stages search with one arm, not {', '.join(arms)}.")
    asked = {"corpus": corpus, "arm": arms[0], "dim": options.dim, "top_k": options.top_k}
    answer = lab.search_index(options.text, **asked, where=where, stages=options.stages)
    if options.json:
        print(json.dumps(answer.to_dict(), ensure_ascii=False))
        return
    print(f"{answer.engine}: {answer.ms:.1f} ms")
    for rank, hit in enumerate(answer.hits, 1):
        print(f"{rank:>3}  {hit.score:.3f}  {hit.document.title or hit.document.id}")


def _add_controls(commands: Commands) -> None:
    says = "what MatryoshkaLoss itself buys: recipes that were measured beside their controls"
    parser = add_command(commands, "controls", says)
    _add_json(parser)
    parser.set_defaults(handler=_show_controls)


def _show_controls(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.evaluation.sweeps.controls import controls_text, read_controls

    groups = read_controls(settings.assets_dir)
    raw = [{"about": group.about, "sentence": group.sentence(), "sweep": group.sweep.to_dict()} for group in groups]
    print(json.dumps(raw, ensure_ascii=False) if options.json else controls_text(groups))


def _evaluate(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.questions.stand_ins import with_stand_ins
    from mrl_demo.evaluation.sweeps.plan import SweepPlan, metrics_for
    from mrl_demo.evaluation.sweeps.query_groups import check_group_field, print_groups, rows_by_group
    from mrl_demo.evaluation.sweeps.report import print_report
    from mrl_demo.lab.lab import Lab

    if options.shards:
        measure_shards(settings, options)
        return
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options, options.split)
    progress = ProgressLine()
    loaded = lab.corpus(corpus, progress)
    asked = with_stand_ins(loaded)
    if options.by:
        check_group_field(asked.queries, options.by)
    plan = SweepPlan(
        arms=tuple(_add_arms(lab, options.arms, options)),
        dims=options.dims,
        precisions=options.precisions,
        metrics=options.metrics or (_METRICS if loaded.queries else metrics_for(asked, _METRICS)),
        split=options.split,
        queries=options.queries,
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    result = lab.evaluate(corpus, plan, progress)
    groups = rows_by_group(result, asked.queries, options.by) if options.by else ()
    if options.json:
        by_group = {"groups": [row.to_dict() for row in groups]} if groups else {}
        print(json.dumps(result.to_dict() | by_group, ensure_ascii=False))
    else:
        print_report(result)
        print_groups(groups)


def _run_training(_settings: Settings, options: argparse.Namespace) -> int:
    from training.cli import run_command

    return run_command(options)


def comparison_text(comparison: Comparison) -> str:
    """The verdict and the answers of every arm for a terminal, one below the other."""
    notes = [f"Note: {note}" for note in (comparison.note, *comparison.corpus_notes) if str(note)]
    from mrl_demo.lab.verdict_words import part_words, verdict_sentences

    verdict = verdict_sentences(comparison.verdict) if comparison.verdict else []
    part = part_words(comparison)
    return "\n".join([*([part] if part else []), *notes, *verdict, *(arm_text(arm) for arm in comparison.arms)])


def arm_text(arm: ComparedArm) -> str:
    """One arm's answer for a terminal."""
    result = arm.result
    lines = [f"{result.arm} at {result.dim} of {result.full_dim} numbers, {result.n_documents:,} documents"]
    for hit in result.hits:
        moved = "" if hit.move == 0 else f"  (was {ordinal(hit.full_rank)})"
        mark = moved + ("  (tied)" if hit.is_tied else "") + ("  <- known answer" if hit.is_answer else "")
        lines.append(f"{hit.rank:>3}  {hit.score:.3f}  {hit.document.title or hit.document.id}{mark}")
        lines.append(f"            {hit.document.text[:100]}")
    for standing in result.missing:
        was = f"was {ordinal(standing.full_rank)}, now {ordinal(standing.rank)}"
        lines.append(f"     missing: {standing.title} ({was})" + ("  <- known answer" if standing.is_answer else ""))
    lines.append(
        f"agreement with the full vector's top 10: {result.overlap_at_10:.0%}; "
        f"encode {result.encode_ms or 0:.1f} ms, search {result.search_ms:.2f} ms"
        + (f" ({result.engine})" if result.engine else "")
    )
    return "\n".join(lines)
