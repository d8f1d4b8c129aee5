"""The commands that a person leaves with: a setting for an engine, a collection, a check of the server."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_json_option,
    arm_names,
    chosen_corpus,
    write_output,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from mrl_demo.lab.exporting import ExportChoice
    from mrl_demo.lab.lab import Lab

_EXPORT_EXAMPLES = """examples:
  %(prog)s --format pgvector --arm tuned --dim 64 --rescore-dim 384 --out my-pgvector
  %(prog)s --format qdrant --arm corpus-pca --corpus my-documents.csv --dim 128 --precision binary+rescore --out q
  %(prog)s --format vllm --arm tuned --dim 64 --out serve-it
  %(prog)s --corpus my-documents.csv --out my-beir            the documents themselves, in the BEIR layout
"""
_MIGRATION_EXAMPLES = """examples:
  %(prog)s --format pgvector --arm tuned --dim 64 --rescore-dim 384 --cutoff 0.5 --out migration.html
  %(prog)s --format qdrant --corpus my-folder --arm corpus-pca --dim 128 --precision int8+rescore --out migration.md
"""
_CHECK_EXAMPLES = """examples:
  %(prog)s --url http://127.0.0.1:8000/v1 --model my-model --dim 64
  %(prog)s --url https://embeddings.example/v1 --model m --dim 256 --api-key-env MY_KEY --query-prompt "query: "
"""


def add_take_home_commands(commands: Commands) -> None:
    """Add `export`, `migration` and `check-server`."""
    _add_export(commands)
    _add_migration(commands)
    _add_check_server(commands)


def _add_export(commands: Commands) -> None:
    from mrl_demo.exports.catalogue import EXPORT_TARGETS

    says = "write a setting for an engine or server (scripts, schema, rotation), or a collection in the BEIR layout"
    parser = add_command(commands, "export", says, _EXPORT_EXAMPLES)
    formats = ("beir", *(target.name for target in EXPORT_TARGETS))
    parser.add_argument("--format", default="beir", metavar="FORMAT", help=f"one of {', '.join(formats)}")
    _add_setting_options(parser)
    parser.add_argument("--with-vectors", action="store_true", help="with documents.npy and ids.txt, to load at once")
    parser.add_argument("--out", type=Path, help="folder to write (needed without --json); must not exist for engines")
    add_json_option(parser)
    add_corpus_options(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_export)


def _add_setting_options(parser: argparse.ArgumentParser) -> None:
    precision = "float32, float16, int8, int4 or binary, or with +rescore"
    second = "re-rank a shortlist by so many float32 numbers (0: do not; default: as the precision says)"
    parser.add_argument("--arm", default="tuned", help=f"{ARM_HELP}; not for beir")
    parser.add_argument("--dim", default="64", help="numbers of the vector to search by")
    parser.add_argument("--precision", default="float32", help=precision)
    parser.add_argument("--rescore-dim", help=second)
    parser.add_argument("--shortlist", type=int, help="how many are re-ranked (default: as the precision says, 40)")


def _add_migration(commands: Commands) -> None:
    says = "write one page on moving to a setting: bytes, expected loss, cut-off, steps, the way back"
    parser = add_command(commands, "migration", says, _MIGRATION_EXAMPLES)
    parser.add_argument("--format", required=True, metavar="FORMAT", help="an engine or server of `export`")
    _add_setting_options(parser)
    parser.add_argument("--reference", default="base", help="the arm that is in use at full length today")
    parser.add_argument("--cutoff", type=float, help="cosine cut-off in use at full length, to translate")
    parser.add_argument("--out", type=Path, required=True, help="file to write: .html, or else Markdown")
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_migrate)


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
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_check_server)


def _export(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    if options.out is None and (options.format == "beir" or not options.json):
        raise LabError("Nothing says where to write: give --out FOLDER, or --json for the files of an engine as JSON.")
    lab = Lab(settings)
    if options.format == "beir":
        _export_beir(lab, options)
    else:
        _export_setting(lab, options)


def _export_setting(lab: Lab, options: argparse.Namespace) -> None:
    from mrl_demo.exports.bundle import write_bundle
    from mrl_demo.exports.catalogue import find_target

    target = find_target(options.format)
    corpus = chosen_corpus(lab, options)
    (arm,) = arm_names(lab, [options.arm], options)
    bundle = lab.export(corpus, target.name, _choice(arm, options), ProgressLine(), with_vectors=options.with_vectors)
    if options.out:
        write_bundle(bundle, options.out)
    if options.json:
        print(json.dumps(bundle.to_dict(), ensure_ascii=False))
        return
    print(f"{target.label}: {', '.join([*bundle.files, *bundle.folders])} are in {options.out}. Start with README.md.")


def _choice(arm: str, options: argparse.Namespace) -> ExportChoice:
    from mrl_demo.lab.exporting import ExportChoice

    return ExportChoice(arm, options.dim, options.precision, options.rescore_dim, options.shortlist)


def _migrate(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.exports.catalogue import find_target
    from mrl_demo.lab.lab import Lab

    target = find_target(options.format)
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    reference, arm = arm_names(lab, [options.reference, options.arm], options)
    sheet = lab.migration(corpus, target.name, _choice(arm, options), reference, options.cutoff, ProgressLine())
    if options.json:
        print(json.dumps(sheet.to_dict(), ensure_ascii=False))
    is_html = options.out.suffix.lower() in {".html", ".htm"}
    write_output(options.out, sheet.to_html() if is_html else sheet.to_markdown())


def _export_beir(lab: Lab, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.own.beir import write_beir

    corpus = lab.corpus(chosen_corpus(lab, options), ProgressLine())
    notes = write_beir(corpus, options.out)
    print(f"{len(corpus):,} documents and {len(corpus.queries):,} judged queries are in {options.out}")
    for note in (*corpus.notes, *notes):
        print(f"Note: {note}")


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
    arms = arm_names(lab, [options.reference], options) if options.reference else []
    reference = lab.encoders.encoder(lab.builder.menu.find(arms[0]).encoder) if arms else None
    verdict = check_server(target, reference)
    if options.json:
        print(json.dumps(verdict.to_dict(), ensure_ascii=False))
    else:
        print_server_check(verdict)
    return 0 if verdict.is_right else 1
