"""The commands of `python -m training`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.core.command_line import Commands, HelpFormatter, add_cache_option, add_command
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.process import prepare_process
from mrl_demo.corpora.own.options import add_column_options, column_choice
from mrl_demo.jobs.events import LineWriter, Message
from training.columns import GUESSES
from training.config_options import add_config_options, columns_from, config_from
from training.errors import ConfigError
from training.report import Report

if TYPE_CHECKING:
    from training.context import RunContext

_EXAMPLES = """examples:
  %(prog)s --out runs/tuned                                              the adapter that ships
  %(prog)s --data pairs.jsonl --out runs/mine                            your own pairs
  %(prog)s --preset guided --pairs DIR --out runs/broad                  broad pairs, a file a source
  %(prog)s --preset builtin --steps 50 --check --out runs/mine           check only

What is left out is as --preset (or --config) has it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of `python -m training`; the exit code as `run_command` has it."""
    prepare_process()
    try:
        parser = _parser()
    except LabError as error:  # A setting of the environment that cannot be.
        print(f"error: {error}", file=sys.stderr)
        return 2
    return run_command(parser.parse_args(arguments))


def run_command(options: argparse.Namespace) -> int:
    """Run a parsed command; 0 if it worked, 2 and a message if the user can mend it, 130 if interrupted."""
    try:
        _refuse_several(options)
        return int(options.command(options) or 0)
    except LabError as error:
        if os.environ.get("RANK", "0") == "0":  # Under torchrun every process finds it: one says it.
            tell_problem(error, getattr(options, "messages", None))
        return 2
    except KeyboardInterrupt:
        goes_on = ": the same command with --resume goes on from the last checkpoint" if "resume" in options else ""
        print(f"Interrupted{goes_on}.", file=sys.stderr)
        return 130


def tell_problem(error: LabError, messages: Path | None) -> None:
    """Print a problem with the flag that mends it, and write it to the file of messages if a page reads one."""
    flag = f"--{error.field.replace('_', '-')}: " if error.field else ""
    print(f"error: {flag}{error}", file=sys.stderr)
    if messages is not None:
        LineWriter(messages).message(Message("error", str(error), error.field))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train Matryoshka models, measure and publish them.",
        formatter_class=HelpFormatter,
    )
    add_cache_option(parser, Settings.from_environment().cache_dir)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_training_commands(commands)
    _add_evaluate(add_command(commands, "evaluate", "measure adapters against base and the control"))
    return parser


def add_training_commands(commands: Commands) -> None:
    """Add all commands but `evaluate`, for a command line that has one of its own; `run_command` runs them."""
    _add_train(add_command(commands, "train", "train, measure before and after, and publish into --out", _EXAMPLES))
    prepare = add_command(commands, "prepare", "read and check the data and encode it with the base model")
    add_config_options(prepare)
    prepare.set_defaults(command=_prepare)
    pca = add_command(commands, "pca", "fit the PCA of the base model on the training text (the arm base-pca)")
    add_config_options(pca)
    pca.add_argument("--out", type=Path, required=True, help="file to write, .safetensors")
    pca.set_defaults(command=_pca)
    adapt = add_command(commands, "adapt", "fit a rotation to a corpus and save the model with it")
    adapt.add_argument("--corpus", required=True, help='"builtin", your file, folder or archive, or hub:OWNER/NAME')
    add_column_options(adapt)
    adapt.add_argument("--arm", default="base", help="base, tuned, tuned-plain or a model trained here")
    adapt.add_argument("--out", type=Path, required=True, help="folder of the model to write")
    adapt.set_defaults(command=_adapt)
    _add_elastic(add_command(commands, "elastic", "teach every layer of the base to be an exit (2D Matryoshka)"))
    card = add_command(commands, "card", "write the model card of a finished run again")
    card.add_argument("run", type=Path, help="folder of the finished run")
    card.set_defaults(command=_card)
    rescale = add_command(commands, "rescale", "keep another share of what a finished run trained, without training")
    rescale.add_argument("run", type=Path, help="folder of the finished run")
    rescale.add_argument(
        "--share", type=float, required=True, help="0: nothing of the training (a generalist) to 1: all (a specialist)"
    )
    rescale.add_argument("--messages", type=Path, help=argparse.SUPPRESS)  # For the page that started it.
    rescale.set_defaults(command=_rescale)
    publish = add_command(commands, "publish", "put a finished run on the Hub (a dry run without --yes)")
    publish.add_argument("run", type=Path, help="folder of the finished run")
    publish.add_argument("--repo", required=True, help="OWNER/NAME")
    publish.add_argument("--yes", action="store_true", help="upload, not only list")
    publish.add_argument("--public", action="store_true", help="let everybody see it")
    publish.set_defaults(command=_publish)


def _add_train(parser: argparse.ArgumentParser) -> None:
    add_config_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished run")
    parser.add_argument("--model-out", type=Path, help="also save a sentence-transformers folder here (default: no)")
    _add_resume(parser)
    parser.add_argument("--force", action="store_true", help="train again though nothing has changed")
    parser.add_argument(
        "--report-to",
        default="none",
        choices=("none", "trackio", "tensorboard", "wandb"),
        help="who hears of every step",
    )
    parser.add_argument(
        "--events", type=Path, help="append every step's loss and every validation as JSON lines (default: nowhere)"
    )
    parser.add_argument("--messages", type=Path, help=argparse.SUPPRESS)  # For the page that started it.
    parser.add_argument("--check", action="store_true", help="check configuration and data, and train nothing")
    parser.add_argument("--quiet", action="store_true", help="print nothing but problems")
    parser.set_defaults(command=_train)


def _add_elastic(parser: argparse.ArgumentParser) -> None:
    from training.elastic.settings import ElasticSettings

    usual = ElasticSettings()
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished run")
    parser.add_argument("--name", default="", help="name of the model (default: that of the folder)")
    parser.add_argument("--base", default="minilm", help="minilm, a model's folder, or OWNER/NAME on the Hub")
    parser.add_argument("--revision", default="", help="branch, tag or commit of a base on the Hub")
    parser.add_argument("--data", default="builtin", help="builtin, or your file of pairs as `train` reads it")
    for role in GUESSES:
        says = f"column that holds the {role} (default: by its name)"
        parser.add_argument(f"--{role}-column", metavar="NAME", default="", help=says)
    parser.add_argument("--pairs", type=Path, help="folder of pairs beside the data, one file a source")
    parser.add_argument("--leave-out", default="", help="sources of --pairs that are not read, comma-separated")
    parser.add_argument("--count", type=int, default=4_400, help="pairs to learn from at most")
    parser.add_argument("--dims", type=_lengths, default=usual.prefixes, help="lengths that every layer is taught")
    parser.add_argument("--steps", type=int, default=usual.steps, help="steps of a LoRA with the heads; 0: heads alone")
    parser.add_argument("--minutes", type=float, default=0, help="end these steps after so long (0: no limit)")
    parser.add_argument("--batch-size", type=int, default=usual.batch_size, help="pairs of a step")
    parser.add_argument("--max-tokens", type=int, default=usual.max_tokens, help="texts are cut at so many tokens")
    parser.add_argument("--lora-rank", type=int, default=usual.lora_rank, help="rank of the LoRA on every linear layer")
    parser.add_argument("--head-steps", type=int, default=usual.head_steps, help="steps of the heads alone, at first")
    parser.add_argument("--learning-rate", type=float, default=usual.learning_rate, help="highest rate of the LoRA")
    says = "share of the LoRA's steps that read the first half of the layers only"
    parser.add_argument("--shallow-share", type=float, default=usual.shallow_share, help=says)
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the draw, the order and the start")
    parser.add_argument("--check", action="store_true", help="check base and pairs, and train nothing")
    _add_resume(parser)
    parser.add_argument("--force", action="store_true", help="train again though nothing has changed")
    parser.add_argument("--events", type=Path, help="append the loss of every step as JSON lines (default: nowhere)")
    parser.add_argument("--messages", type=Path, help=argparse.SUPPRESS)  # For the page that started it.
    parser.set_defaults(command=_elastic)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of an interrupted run")


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of lengths such as 16,64,384") from None


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("adapters", nargs="*", type=Path, help="adapter folders (those in assets/adapters without any)")
    parser.add_argument("--outside", nargs="*", type=Path, default=[], help="BEIR folders never trained on")
    parser.add_argument("--queries", type=int, default=2000, help="judged queries to draw of each collection (0: all)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw and of the intervals")
    parser.add_argument("--max-tokens", type=int, default=128, help="documents are cut at so many tokens")
    parser.add_argument(
        "--adapted", action="store_true", help="also each model with a rotation fitted to the documents"
    )
    parser.add_argument("--write", action="store_true", help="store the figures in each adapter's folder and card")
    parser.set_defaults(command=_evaluate)


def _settings(options: argparse.Namespace) -> Settings:
    return replace(Settings.from_environment(), cache_dir=options.cache_dir.expanduser())


def _refuse_several(options: argparse.Namespace) -> None:
    """Only `train` knows what to do with several processes."""
    count = os.environ.get("WORLD_SIZE", "1")
    if count != "1" and (options.command is not _train or options.check):
        what = "train --check" if options.command is _train else "this command"
        raise ConfigError(f"torchrun started {count} processes, and {what} works in one: use python -m training.")


def _context(options: argparse.Namespace, **report: Any) -> RunContext:  # noqa: ANN401 - the report's own options
    from training.context import RunContext

    return RunContext(_settings(options), Report(**report))


def _train(options: argparse.Namespace) -> int:
    from training.context import RunOptions
    from training.run import check, train

    config = config_from(options)
    if options.check:
        check(config, columns_from(options), _context(options, messages=options.messages), options.events)
        return 0
    is_first = os.environ.get("RANK", "0") == "0"
    run = RunOptions(
        out=options.out,
        resume=options.resume,
        force=options.force,
        report_to=options.report_to,
        model_out=options.model_out,
        columns=columns_from(options),
        events=options.events,
    )
    train(config, run, _context(options, quiet=options.quiet or not is_first, messages=options.messages))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from training.run import prepare

    prepare(config_from(options), columns_from(options), _context(options))
    return 0


def _pca(options: argparse.Namespace) -> int:
    from training.run import fit_training_pca

    rotation = fit_training_pca(config_from(options), columns_from(options), _context(options))
    rotation.save(options.out, key=options.out.stem)
    print(f"Wrote {options.out}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from mrl_demo.lab.lab import Lab
    from training.evaluation import evaluate_adapters

    settings = _settings(options)
    folders = options.adapters or sorted(
        path.parent for path in (settings.assets_dir / "adapters").glob("*/adapter.json")
    )
    evaluate_adapters(Lab(settings), folders, options.outside, Report(), queries=options.queries,
                      max_tokens=options.max_tokens, with_adapted=options.adapted, write=options.write,
                      seed=options.seed)  # fmt: skip
    return 0


def _adapt(options: argparse.Namespace) -> int:
    from training.adapting import adapt

    settings, columns = _settings(options), column_choice(options)
    adapted = adapt(options.corpus, options.arm, options.out, settings, Report().progress, columns)
    for note in adapted.notes:
        print(f"Note: {note}")
    rotation = adapted.rotation
    print(
        f"Wrote {options.out}: fitted on {rotation.documents:,} documents in {rotation.seconds:.0f} s; held-out loss "
        f"{rotation.held_out_before:.4f} with PCA, {rotation.held_out_after:.4f} now. {rotation.note}"
    )
    return 0


def _elastic(options: argparse.Namespace) -> int:
    from training.config import TrainConfig
    from training.context import RunOptions
    from training.elastic.run import ElasticQuestion, check_elastic, train_elastic
    from training.elastic.settings import ElasticSettings

    wanted = ElasticSettings(
        steps=options.steps,
        head_steps=options.head_steps,
        batch_size=options.batch_size,
        max_tokens=options.max_tokens,
        lora_rank=options.lora_rank,
        learning_rate=options.learning_rate,
        prefixes=options.dims,
        shallow_share=options.shallow_share,
        minutes=options.minutes,
        seed=options.seed,
    )
    config = TrainConfig(options.name or options.out.name).changed(
        base=options.base,
        revision=options.revision,
        data=options.data,
        negatives="none",
        broad_texts=0,
        max_tokens=wanted.max_tokens,
        dims=wanted.prefixes,
        weights=(),
        loss="none",
        lora_rank=wanted.lora_rank,
        lora_alpha=2 * wanted.lora_rank,
        steps=wanted.steps,
        batch_size=wanted.batch_size,
        learning_rate=wanted.learning_rate,
        evaluations=0,
        seed=wanted.seed,
    )
    question = ElasticQuestion(config, wanted, options.count, options.pairs, options.leave_out)
    run = RunOptions(
        out=options.out,
        resume=options.resume,
        force=options.force,
        columns=columns_from(options),
        events=options.events,
    )
    context = _context(options, messages=options.messages)
    if options.check:
        check_elastic(question, run, context)
    else:
        train_elastic(question, run, context)
    return 0


def _card(options: argparse.Namespace) -> int:
    from training.result.card import rewrite_card

    print(f"Wrote {rewrite_card(options.run)}")
    return 0


def _rescale(options: argparse.Namespace) -> int:
    from training.rescale import rescale
    from training.result.shares import share_table

    curve = rescale(options.run, options.share)
    if curve.rows:
        print(share_table(curve.rows, tuple(curve.rows[0].own), curve.kept))
    print(
        f"{options.run} now keeps {curve.kept:g} of its training. Its test figures are those of {curve.tested:g}: "
        "`training evaluate` measures it as it is."
    )
    return 0


def _publish(options: argparse.Namespace) -> int:
    from training.result.publish import publish

    names = publish(options.run, options.repo, dry_run=not options.yes, private=not options.public)
    verb = "Uploaded" if options.yes else "Dry run (--yes uploads); would upload"
    print(f"{verb} {len(names)} files to {options.repo}:\n" + "\n".join(f"  {name}" for name in names))
    return 0
