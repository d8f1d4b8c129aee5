"""The command line, `mrl` or `python -m mrl_demo`: one front door to search, evaluation, training and the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo import __version__
from mrl_demo.commands.options import ARM_HELP as _ARM_HELP
from mrl_demo.commands.options import add_corpus_options as _add_corpus
from mrl_demo.commands.options import add_draw_options as _add_draw
from mrl_demo.commands.options import add_json_option as _add_json
from mrl_demo.commands.options import arm_names as _add_arms
from mrl_demo.commands.options import corpus_name
from mrl_demo.commands.options import split_words as _words
from mrl_demo.commands.options import whole_numbers as _whole_numbers
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
from mrl_demo.corpora.options import column_choice

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
  %(prog)s "why is the sky blue" --arm my-e5 --query-prompt "query: " --document-prompt "passage: "
"""
_EVALUATE_EXAMPLES = """examples:
  %(prog)s                                                 base and tuned over nine lengths
  %(prog)s --arms base,adapted,bm25 --corpus my-folder --precisions float32,int8
  %(prog)s --arms tuned --dims 64 --metrics ndcg@10 --json
  %(prog)s --arms base,tuned --metrics accuracy            as good a classifier with fewer numbers?
"""
_METRICS = ("ndcg@10", "mrr@10", "recall@10", "overlap@10")
_EXPORT_EXAMPLES = """examples:
  %(prog)s --format pgvector --arm tuned --dim 64 --rescore-dim 384 --out my-pgvector
  %(prog)s --format qdrant --arm corpus-pca --corpus my-documents.csv --dim 128 --precision binary+rescore --out q
  %(prog)s --format vllm --arm tuned --dim 64 --out serve-it
  %(prog)s --corpus my-documents.csv --out my-beir            the documents themselves, in the BEIR layout
"""
_CHECK_EXAMPLES = """examples:
  %(prog)s --url http://127.0.0.1:8000/v1 --model my-model --dim 64
  %(prog)s --url https://embeddings.example/v1 --model m --dim 256 --api-key-env MY_KEY --query-prompt "query: "
"""


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
    from mrl_demo.commands.share import add_share_commands
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
    add_decision_commands(commands)
    add_share_commands(commands)
    _add_export(commands)
    _add_check_server(commands)
    page = add_command(commands, "serve", "start the page and print its address", EXAMPLES)
    add_serve_options(page, settings)
    page.set_defaults(handler=serve)
    add_training_commands(commands)
    parser.set_defaults(handler=_run_training)  # Commands of ours name another function.
    return parser


def _add_search(commands: Commands, settings: Settings) -> None:
    says = "search a collection with an arm cut to one length"
    parser = add_command(commands, "search", says, _SEARCH_EXAMPLES)
    parser.add_argument("text", help="the query")
    parser.add_argument("--arm", type=_words, default="tuned", help=f"{_ARM_HELP}; several with commas between them")
    parser.add_argument("--dim", default="64", help="numbers of the vector to keep")
    parser.add_argument("--top-k", type=int, default=settings.top_k, help="results to show")
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
        "(accuracy, macro-f1, also knn-accuracy, accuracy@topic) and scored pairs (spearman); default: "
        f"{','.join(_METRICS)}, and for a collection without queries its labels or scored pairs",
    )
    _add_draw(parser)
    parser.add_argument("--max-tokens", type=int, default=0, help="cut texts at so many tokens (0: the model's limit)")
    _add_corpus(parser)
    _add_json(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_evaluate)


def _add_export(commands: Commands) -> None:
    from mrl_demo.exports.catalogue import EXPORT_TARGETS

    says = "write a setting for an engine or server (scripts, schema, rotation), or a collection in the BEIR layout"
    parser = add_command(commands, "export", says, _EXPORT_EXAMPLES)
    formats = ("beir", *(target.name for target in EXPORT_TARGETS))
    parser.add_argument("--format", default="beir", metavar="FORMAT", help=f"one of {', '.join(formats)}")
    parser.add_argument("--arm", default="tuned", help=f"{_ARM_HELP}; not for beir")
    parser.add_argument("--dim", default="64", help="numbers of the vector to search by")
    parser.add_argument(
        "--precision", default="float32", help="float32, float16, int8, int4 or binary, or with +rescore"
    )
    parser.add_argument(
        "--rescore-dim",
        help="re-rank a shortlist by so many float32 numbers (0: do not; default: as the precision says)",
    )
    parser.add_argument("--shortlist", type=int, default=40, help="how many are re-ranked")
    parser.add_argument("--vectors", action="store_true", help="with documents.npy and ids.txt, to load at once")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; must not exist for engines")
    _add_corpus(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_export)


def _add_check_server(commands: Commands) -> None:
    says = "does an embedding server cut, re-normalise and prompt as it should"
    parser = add_command(commands, "check-server", says, _CHECK_EXAMPLES)
    parser.add_argument(
        "--url", required=True, help="base address of an OpenAI-compatible server, as in http://host:8000/v1"
    )
    parser.add_argument("--model", required=True, help="the model's name on that server")
    parser.add_argument("--dim", type=int, required=True, help="the length to ask it for")
    parser.add_argument("--api-key-env", default="", metavar="NAME", help="environment variable that holds the key")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer")
    parser.add_argument("--reference", metavar="ARM", help="the same model here, to see whether its prompt is applied")
    _add_json(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_check_server)


def _search(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    corpus = corpus_name(lab, options.corpus, column_choice(options))
    arms = _add_arms(lab, options.arm, options)
    check_dimension(options.dim, lab.full_dim(arms))  # Before a large corpus is encoded for nothing.
    lab.prepare(corpus, arms, ProgressLine())
    comparison = lab.compare(options.text, corpus=corpus, arms=arms, dim=options.dim, top_k=options.top_k)
    print(json.dumps(comparison.to_dict(), ensure_ascii=False) if options.json else comparison_text(comparison))


def _evaluate(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.evaluation.plan import SweepPlan, metrics_for
    from mrl_demo.evaluation.report import print_report
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    corpus = corpus_name(lab, options.corpus, column_choice(options), options.split)
    progress = ProgressLine()
    loaded = lab.corpus(corpus, progress)
    plan = SweepPlan(
        arms=tuple(_add_arms(lab, options.arms, options)),
        dims=options.dims,
        precisions=options.precisions,
        metrics=options.metrics or (_METRICS if loaded.queries else metrics_for(loaded)),
        split=options.split,
        queries=options.queries,
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    result = lab.evaluate(corpus, plan, progress)
    if options.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False))
    else:
        print_report(result)


def _export(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    if options.format == "beir":
        _export_beir(lab, options)
    else:
        _export_setting(lab, options)


def _export_setting(lab: Lab, options: argparse.Namespace) -> None:
    from mrl_demo.exports.bundle import write_bundle
    from mrl_demo.exports.catalogue import find_target
    from mrl_demo.lab.exporting import ExportChoice

    target = find_target(options.format)
    corpus = corpus_name(lab, options.corpus, column_choice(options))
    (arm,) = _add_arms(lab, [options.arm], options)
    choice = ExportChoice(arm, options.dim, options.precision, options.rescore_dim, options.shortlist)
    bundle = lab.export(corpus, target.name, choice, ProgressLine(), with_vectors=options.vectors)
    write_bundle(bundle, options.out)
    print(f"{target.label}: {', '.join([*bundle.files, *bundle.folders])} are in {options.out}. Start with README.md.")


def _check_server(settings: Settings, options: argparse.Namespace) -> int:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.serving.check import check_server
    from mrl_demo.serving.client import ServerTarget
    from mrl_demo.serving.report import print_server_check

    target = ServerTarget(
        options.url,
        options.model,
        options.dim,
        query_prompt=options.query_prompt or "",
        key_variable=options.api_key_env,
        timeout_s=options.timeout,
    )
    lab = Lab(settings)
    arms = _add_arms(lab, [options.reference], options) if options.reference else []
    reference = lab.encoders.encoder(lab.builder.menu.find(arms[0]).encoder) if arms else None
    verdict = check_server(target, reference)
    if options.json:
        print(json.dumps(verdict.to_dict(), ensure_ascii=False))
    else:
        print_server_check(verdict)
    return 0 if verdict.is_right else 1


def _export_beir(lab: Lab, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.beir import write_beir

    corpus = lab.corpus(corpus_name(lab, options.corpus, column_choice(options)), ProgressLine())
    notes = write_beir(corpus, options.out)
    print(f"{len(corpus):,} documents and {len(corpus.queries):,} judged queries are in {options.out}")
    for note in (*corpus.notes, *notes):
        print(f"Note: {note}")


def _run_training(_settings: Settings, options: argparse.Namespace) -> int:
    from training.cli import run_command

    return run_command(options)


def comparison_text(comparison: Comparison) -> str:
    """The answers of every arm for a terminal, one below the other."""
    notes = [f"Note: {note}" for note in (comparison.note, *comparison.corpus_notes) if str(note)]
    return "\n".join([*notes, *(arm_text(arm) for arm in comparison.arms)])


def arm_text(arm: ComparedArm) -> str:
    """One arm's answer for a terminal."""
    result = arm.result
    lines = [f"{result.arm} at {result.dim} of {result.full_dim} numbers, {result.n_documents:,} documents"]
    for hit in result.hits:
        mark = ("  (tied)" if hit.is_tied else "") + ("  <- known answer" if hit.is_answer else "")
        lines.append(f"{hit.rank:>3}  {hit.score:.3f}  {hit.document.title or hit.document.id}{mark}")
        lines.append(f"            {hit.document.text[:100]}")
    lines.append(
        f"agreement with the full vector's top 10: {result.overlap_at_10:.0%}; "
        f"encode {result.encode_ms:.1f} ms, search {result.search_ms:.2f} ms"
    )
    return "\n".join(lines)
