"""The commands of `python -m training`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from mrl_demo.core.command_line import Commands, HelpFormatter, add_cache_option, add_command
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.process import prepare_process
from mrl_demo.corpora.options import add_column_options, column_choice
from mrl_demo.jobs.events import LineWriter, Message
from training.columns import Columns
from training.config import TrainConfig, load_config
from training.presets import preset_config, shipped_presets
from training.report import Report

_OWN = {"base", "revision", "data", "name", "loss", "negatives", "query_prompt", "document_prompt"}
_NUMBERS = {
    "steps": int, "batch_size": int, "lora_rank": int, "lora_alpha": int, "max_tokens": int, "max_rows": int,
    "broad_texts": int,
    "evaluations": int, "patience": int, "seed": int, "learning_rate": float, "distillation_weight": float,
    "adapter_scale": float,
}  # fmt: skip

_HELP = {
    "adapter_scale": "share of the trained LoRA that is kept, above 0 to 1: a weight average of base and tuned",
    "base": "minilm (the packaged files), a model's folder, or OWNER/NAME on the Hub",
    "batch_size": "rows of a step (of each process under torchrun)",
    "broad_texts": "texts of many subjects that keep the model general",
    "data": "builtin, your CSV, TSV or JSONL file, a BEIR folder, or hub:REPO[:SUBSET[:SPLIT]]",
    "distillation_weight": "how much the neighbours of the base model's full vectors count",
    "document_prompt": "what stands before every document (default: the base model's own)",
    "evaluations": "how often the run is validated",
    "learning_rate": "the highest learning rate",
    "lora_alpha": "scale of the LoRA update",
    "lora_rank": "rank of the LoRA update, 0 to train all weights",
    "loss": "contrastive loss: mnrl, cached-mnrl or none",
    "max_rows": "at most so many rows of the data, 0 for all",
    "max_tokens": "texts are cut at so many tokens",
    "name": "name of the model (default: that of the data's file)",
    "negatives": "hard negatives: mined, siblings or none",
    "patience": "validations without a gain before the run stops",
    "query_prompt": "what stands before every query (default: the base model's own)",
    "revision": "branch, tag or commit of a base on the Hub",
    "seed": "seed of everything drawn",
    "steps": "optimiser steps, 0 for one epoch",
}

_EXAMPLES = """examples:
  %(prog)s --out runs/tuned                                              the adapter that ships
  %(prog)s --data pairs.jsonl --out runs/mine                            your own pairs
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
        print("Interrupted: the same command with --resume goes on from the last checkpoint.", file=sys.stderr)
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
    _add_config(prepare)
    prepare.set_defaults(command=_prepare)
    pca = add_command(commands, "pca", "fit the PCA of the base model on the training text (the arm base-pca)")
    _add_config(pca)
    pca.add_argument("--out", type=Path, required=True, help="file to write, .safetensors")
    pca.set_defaults(command=_pca)
    adapt = add_command(commands, "adapt", "fit a rotation to a corpus and save the model with it")
    adapt.add_argument("--corpus", required=True, help='"builtin", a BEIR folder, or a CSV, JSONL or TXT file')
    add_column_options(adapt)
    adapt.add_argument("--arm", default="base", help="base, tuned, tuned-plain or a model trained here")
    adapt.add_argument("--out", type=Path, required=True, help="folder of the model to write")
    adapt.set_defaults(command=_adapt)
    card = add_command(commands, "card", "write the model card of a finished run again")
    card.add_argument("run", type=Path, help="folder of the finished run")
    card.set_defaults(command=_card)
    publish = add_command(commands, "publish", "put a finished run on the Hub (a dry run without --yes)")
    publish.add_argument("run", type=Path, help="folder of the finished run")
    publish.add_argument("--repo", required=True, help="OWNER/NAME")
    publish.add_argument("--yes", action="store_true", help="upload, not only list")
    publish.add_argument("--public", action="store_true", help="let everybody see it")
    publish.set_defaults(command=_publish)


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished run")
    parser.add_argument("--model-out", type=Path, help="also save a standard sentence-transformers folder here")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of an interrupted run")
    parser.add_argument("--force", action="store_true", help="train again though nothing has changed")
    parser.add_argument(
        "--report-to",
        default="none",
        choices=("none", "trackio", "tensorboard", "wandb"),
        help="who hears of every step",
    )
    parser.add_argument("--log-file", type=Path, help="append every step as a JSON line")
    parser.add_argument("--events", type=Path, help="append loss and validation by prefix as JSON lines")
    parser.add_argument("--messages", type=Path, help=argparse.SUPPRESS)  # For the page that started it.
    parser.add_argument("--check", action="store_true", help="check configuration and data, and train nothing")
    parser.add_argument("--quiet", action="store_true", help="print nothing but problems")
    parser.set_defaults(command=_train)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="builtin", help=f"one of {', '.join(shipped_presets())}")
    parser.add_argument("--config", type=Path, help="a saved training_config.json instead of a preset")
    parser.add_argument("--dims", help="prefix lengths, as in 64,128,384")
    parser.add_argument("--weights", help="a weight for each of --dims, as in 2,1,1")
    for name in sorted(_OWN):
        parser.add_argument(f"--{name.replace('_', '-')}", help=_help(name))
    for name, kind in _NUMBERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=_help(name))
    for role in ("query", "positive", "negative"):
        parser.add_argument(f"--{role}-column", default="", help=f"column of your data that holds the {role}")
    parser.add_argument("--score-column", default="", help="column of your data that holds scores or labels, or none")


def _help(name: str) -> str:
    """The word of help for a field of the configuration, and what it is unless a preset or an option says otherwise."""
    value = getattr(preset_config("builtin"), name)
    return _HELP[name] + (f" (builtin: {value})" if value not in ("", 0) else "")


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


def config_from(options: argparse.Namespace) -> TrainConfig:
    """The preset or saved configuration with what the command line changes; raises `ConfigError`."""
    config = load_config(options.config) if options.config else preset_config(options.preset)
    known = {field.name for field in fields(TrainConfig)}
    changes = {name: value for name, value in vars(options).items() if name in known and value is not None}
    for name, kind in (("dims", int), ("weights", float)):
        if name in changes:
            changes[name] = _numbers(str(changes[name]), kind, name)
    if changes.get("data") and not changes.get("name"):
        changes["name"] = Path(str(changes["data"])).stem or "own"
    if "dims" in changes and "weights" not in changes:
        changes["weights"] = _weights_of(config, changes["dims"])
    if changes.get("base", config.base) != config.base:  # What belongs to the preset's base, not to this one.
        changes = {"revision": "", "query_prompt": "", "document_prompt": ""} | changes
    return replace(config, **changes)


def _weights_of(config: TrainConfig, dims: Sequence[float]) -> tuple[float, ...]:
    """The configuration's weights of those dims; all the same if it has none for one of them."""
    known: dict[float, float] = dict(zip(config.dims, config.dim_weights, strict=True))
    return tuple(known[dim] for dim in dims) if config.weights and set(dims) <= set(known) else ()


def _numbers(text: str, kind: type, name: str) -> tuple[float, ...]:
    from training.errors import ConfigError

    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        example = "64,128,384" if name == "dims" else "2,1,1"
        raise ConfigError(f"{text!r} is no list of numbers: write it as in {example}.").about(name) from None


def _refuse_several(options: argparse.Namespace) -> None:
    """Only `train` knows what to do with several processes."""
    from training.errors import ConfigError

    count = os.environ.get("WORLD_SIZE", "1")
    if count != "1" and (options.command is not _train or options.check):
        what = "train --check" if options.command is _train else "this command"
        raise ConfigError(f"torchrun started {count} processes, and {what} works in one: use python -m training.")


def _columns(options: argparse.Namespace) -> Columns:
    return Columns(options.query_column, options.positive_column, options.negative_column, options.score_column)


def _train(options: argparse.Namespace) -> int:
    from training.config import RunOptions
    from training.run import check, train

    config = config_from(options)
    if options.check:
        check(config, _settings(options), _columns(options), Report(messages=options.messages))
        return 0
    is_first = os.environ.get("RANK", "0") == "0"
    run = RunOptions(
        options.out,
        options.resume,
        options.force,
        options.report_to,
        options.model_out,
        _columns(options),
        options.events,
    )
    train(config, run, _settings(options), Report(options.log_file, options.quiet or not is_first, options.messages))
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from training.run import prepare

    return prepare(config_from(options), _settings(options), _columns(options), Report())


def _pca(options: argparse.Namespace) -> int:
    from training.run import fit_training_pca

    fit_training_pca(config_from(options), _settings(options), Report()).save(options.out, key=options.out.stem)
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


def _card(options: argparse.Namespace) -> int:
    from training.result.card import rewrite_card

    print(f"Wrote {rewrite_card(options.run)}")
    return 0


def _publish(options: argparse.Namespace) -> int:
    from training.result.publish import publish

    names = publish(options.run, options.repo, dry_run=not options.yes, private=not options.public)
    verb = "Uploaded" if options.yes else "Dry run (--yes uploads); would upload"
    print(f"{verb} {len(names)} files to {options.repo}:\n" + "\n".join(f"  {name}" for name in names))
    return 0
