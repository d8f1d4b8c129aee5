"""The commands that get a collection of one's own ready: its vectors, and questions to measure by."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mrl_demo.commands.options import (
    ARM_HELP,
    add_corpus_options,
    add_devices_options,
    add_json_option,
    arm_names,
    chosen_corpus,
    split_words,
    with_devices,
    write_output,
)
from mrl_demo.commands.shards import add_embed_shards_options, check_shards_options, write_shards
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings

_EMBED_EXAMPLES = """examples:
  %(prog)s --corpus my-documents.csv
  %(prog)s --corpus manuals.zip --passages 150 --arms base,tuned,corpus-pca
  %(prog)s --corpus my-folder --arms tuned --shards my-shards           for mrl evaluate --shards my-shards
  %(prog)s --corpus my-folder --devices cuda:0,cuda:1                    a process on each GPU
  torchrun --nproc-per-node 4 -m mrl_demo embed --corpus my-folder --arms tuned --shards my-shards
"""
_QUESTIONS_EXAMPLES = """examples:
  %(prog)s --corpus my-documents.csv --url http://127.0.0.1:11434/v1 --model llama3.2 --out questions.csv
  mrl recommend --corpus my-documents.csv --questions questions.csv     once you have read them
"""
_PAIRS_EXAMPLES = """examples:
  %(prog)s --corpus my-documents.csv --out pairs.csv
  mrl train --data pairs.csv --out runs/mine
"""


def add_own_data_commands(commands: Commands) -> None:
    """Add `embed`, `questions` and `pairs`."""
    _add_embed(commands)
    _add_questions(commands)
    _add_pairs(commands)


def _add_embed(commands: Commands) -> None:
    says = "encode a collection and keep its vectors, so that other commands and the page answer at once"
    parser = add_command(commands, "embed", says, _EMBED_EXAMPLES)
    parser.add_argument("--arms", type=split_words, default="base,tuned", help=f"{ARM_HELP}; commas between them")
    add_embed_shards_options(parser)
    add_devices_options(parser)
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_embed)


def _add_questions(commands: Commands) -> None:
    says = "let a language model write questions for your documents, to read, correct and measure by"
    parser = add_command(commands, "questions", says, _QUESTIONS_EXAMPLES)
    server = "base address of an OpenAI-compatible chat server, as in http://host:8000/v1; your documents go there"
    parser.add_argument("--url", required=True, help=server)
    parser.add_argument("--model", required=True, help="the model's name on that server")
    parser.add_argument("--api-key-env", default="", metavar="NAME", help="environment variable that holds the key")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for an answer")
    parser.add_argument("--count", type=int, default=100, help="how many documents to ask about")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw of documents")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV file to write")
    add_corpus_options(parser)
    parser.set_defaults(handler=_write_questions)


def _add_pairs(commands: Commands) -> None:
    says = "write pairs to train on out of a collection: its questions with their answers, or weak ones"
    parser = add_command(commands, "pairs", says, _PAIRS_EXAMPLES)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV file to write")
    add_corpus_options(parser)
    parser.set_defaults(handler=_write_pairs)


def _embed(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab

    check_shards_options(options)
    settings = with_devices(settings, options)
    if options.shards:
        write_shards(settings, options)
        return
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    embedded = lab.embed(corpus, arm_names(lab, options.arms, options), ProgressLine())
    if options.json:
        print(json.dumps([arm.to_dict() for arm in embedded]))
        return
    for note in lab.corpus(corpus).notes:
        print(f"Note: {note}")
    for arm in embedded:
        print(arm.sentence())


def _write_questions(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.serving.chat import ChatTarget

    lab = Lab(settings)
    target = ChatTarget(options.url, options.model, options.api_key_env, options.timeout)
    written = lab.write_questions(chosen_corpus(lab, options), target, options.count, options.seed, ProgressLine())
    write_output(options.out, written.to_csv())
    print(f"{written.sentence()} They are in {options.out}: read them, then give them with --questions {options.out}.")


def _write_pairs(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.corpora.questions.weak_pairs import training_pairs
    from mrl_demo.lab.lab import Lab

    lab = Lab(settings)
    pairs = training_pairs(lab.corpus(chosen_corpus(lab, options)))
    write_output(options.out, pairs.to_csv())
    print(f"{pairs.sentence()} They are in {options.out}.")
