"""Serve the page: `matryoshka-lab`, `mrl serve` and `python app.py` end here."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo import __version__
from mrl_demo.core.command_line import (
    HelpFormatter,
    ProgressLine,
    add_cache_option,
    add_prompt_options,
    approve_spending,
)
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.process import prepare_process
from mrl_demo.corpora.own.hub import is_hub_name
from mrl_demo.corpora.own.options import add_column_options, column_choice
from mrl_demo.ui.listening import check_port
from mrl_demo.ui.shared.password import check_password

if TYPE_CHECKING:
    from mrl_demo.lab.lab import Lab
    from mrl_demo.ui.compare.state import Question

EXAMPLES = """examples:
  %(prog)s                                     the collection that ships, at http://127.0.0.1:7860
  %(prog)s --corpus my-documents.csv           your own documents
  %(prog)s --model OWNER/NAME --port 8000      opened on another model, beside base
  %(prog)s --root-path /lab                    behind a proxy that serves it under /lab
"""


#: Fields of `Settings` that have a flag here, and what they bound.
_LIMITS = {
    "upload_documents": "documents of a visitor's collection",
    "upload_mb": "megabytes of its files",
    "upload_disk_mb": "megabytes of all visitors' files on the disk: the oldest make room",
    "upload_chars": "characters of a document: longer ones are cut",
    "upload_vectors_mb": "megabytes of vectors",
    "upload_minutes": "minutes after its last use that a collection is kept",
    "uploads_kept": "collections of all visitors at once",
    "embed_seconds": "seconds of an embedding, which can go on afterwards",
    "own_models_kept": "models of all visitors at once",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until interrupted; the exit status, 2 with one line for a problem the user can act on."""
    prepare_process()
    try:
        settings = Settings.from_environment()
        parser = argparse.ArgumentParser(
            description="How short can embeddings be? Measured and shown live.",
            epilog=EXAMPLES,
            formatter_class=HelpFormatter,
        )
        parser.add_argument("--version", action="version", version=f"Matryoshka lab {__version__}")
        add_cache_option(parser, settings.cache_dir)
        add_serve_options(parser, settings)
        serve(settings, parser.parse_args(argv))
    except LabError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 2
    return 0


def add_serve_options(parser: argparse.ArgumentParser, settings: Settings) -> None:
    """The flags of the page, with the environment's settings as their defaults."""
    parser.add_argument("--host", default=settings.host, help="address to listen on")
    parser.add_argument("--port", type=int, default=settings.port, help="port to listen on")
    parser.add_argument(
        "--root-path",
        default=settings.root_path,
        metavar="PATH",
        help="path under which a proxy shows the page, such as /lab",
    )
    parser.add_argument("--share", action="store_true", default=settings.share, help="make a public link too")
    parser.add_argument(
        "--password",
        default=settings.password,
        metavar="USER:PASSWORD",
        help=argparse.SUPPRESS if settings.password else "ask for it before everything (better: set MRL_PASSWORD)",
    )
    parser.add_argument(
        "--corpus", help="your own documents: a file, folder or zip archive, or hub:OWNER/NAME[:CONFIG[:SPLIT]]"
    )
    add_column_options(parser)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help="a model's folder, OWNER/NAME[@REVISION] on the Hub, openai:MODEL, gemini:, vertex:, cohere:, voyage: or "
        "http://HOST/v1#MODEL; may be given several times",
    )
    add_prompt_options(parser)
    parser.add_argument(
        "--vectors",
        action="append",
        default=[],
        metavar="NAME=DOCUMENTS[,QUERIES[,IDS[,QUERY-IDS]]]",
        help="vectors that any model made of those documents, as one more method; may be given several times",
    )
    parser.add_argument(
        "--index",
        action="append",
        default=settings.index.split(),
        metavar="URL",
        help="search by an engine that `mrl index` has loaded (visitors see its name, not the URL; better MRL_INDEX: "
        "others can read flags); may be given several times",
    )
    parser.add_argument(
        "--pairs",
        default=settings.broad_pairs,
        metavar="DIR",
        help="folder of broad pairs, a file a source, that the Train tab may learn from too",
    )
    limits = parser.add_argument_group("what visitors may bring")
    for name, says in _LIMITS.items():
        flag, now = f"--{name.replace('_', '-')}", getattr(settings, name)
        limits.add_argument(flag, type=int, default=now, metavar="N", help=says)
    limits.add_argument(
        "--own-models",
        default=settings.own_models,
        metavar="ID,ID",
        help="models of the Hub that visitors of a public page may load (on a page for this machine alone: any)",
    )


def serve(settings: Settings, options: argparse.Namespace) -> None:
    """Build the page with the flags of `add_serve_options` and serve it until interrupted; raises `LabError`."""
    if not 1 <= options.port <= 65_535:
        raise LabError(f"Port {options.port} does not exist: choose one from 1 to 65535.")
    limits: dict[str, Any] = {name: _at_least_one(name, getattr(options, name)) for name in _LIMITS}
    settings = replace(
        settings,
        host=options.host,
        port=options.port,
        root_path=options.root_path,
        share=options.share,
        password=check_password(options.password),
        broad_pairs=options.pairs,
        cache_dir=options.cache_dir.expanduser(),
        own_models=options.own_models,
        **limits,
    )
    if settings.broad_pairs and not Path(settings.broad_pairs).is_dir():
        raise LabError(f"--pairs {settings.broad_pairs}: no such folder; name one with a file of pairs a source.")
    check_port(settings.host, settings.port)
    # Loads Gradio, which takes seconds: after all that can be wrong with the flags.
    from mrl_demo.arms.given import GivenFiles
    from mrl_demo.corpora.shipped.builtin import NAME as BUILTIN
    from mrl_demo.lab.lab import Lab
    from mrl_demo.ui.app import build_app, launch
    from mrl_demo.ui.compare.tab import first_question, warm_up
    from mrl_demo.ui.share.desk import CardDesk

    lab = Lab(settings)
    lab.encoders.approve_spending = partial(approve_spending, options.yes)
    models = _add_models(lab, options)
    corpus = _add_documents(lab, options) if options.corpus else None
    for given in options.vectors:
        lab.add_vectors(GivenFiles.parse(given), corpus or BUILTIN)
    for url in options.index:
        print(f"Searches go to {lab.add_index(url, falls_back=True)} wherever it holds the documents.", flush=True)
    for note in lab.corpus(corpus).notes if corpus else ():
        print(f"Note: {note}", flush=True)
    arm = _prepare_first(lab, first_question(lab, corpus or BUILTIN, models[0])) if models else None
    page = build_app(lab, corpus, arm)
    print(f"Matryoshka lab is at {launch(page, settings, CardDesk(lab, corpus, arm))}", flush=True)
    threading.Thread(target=warm_up, args=(lab, corpus, arm), name="warm-up", daemon=True).start()
    threading.Thread(target=say_index_problems, args=(lab,), name="indexes", daemon=True).start()
    wait_until_ended(partial(page.close, verbose=False))


def say_index_problems(lab: Lab) -> None:
    """Print a line for each engine that cannot be used now: the page starts, and goes on, without it."""
    for problem in lab.index_problems():
        print(f"Note: {problem} The page searches its own index until it can.", flush=True)


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise LabError(f"--{name.replace('_', '-')} {value} is not possible: use 1 or more.")
    return value


def wait_until_ended(close: Callable[[], object]) -> None:
    """Wait for SIGINT or SIGTERM, then `close`: answers under way are finished, new requests refused."""
    ended = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ended.set())
    while not ended.wait(1):
        pass
    close()


def _add_documents(lab: Lab, options: argparse.Namespace) -> str:
    """Put the person's documents on the menu; their name there."""
    columns = column_choice(options)
    if is_hub_name(options.corpus):
        return lab.add_hub_corpus(options.corpus, columns, progress=ProgressLine())
    return lab.add_corpus(Path(options.corpus), columns)


def _prepare_first(lab: Lab, question: Question) -> str | None:
    """The owner's model that the page opens with, once it has read the collection; None and a note if it cannot."""
    arm = question.arms[1]
    try:
        if not lab.is_ready(question.corpus, question.arms):
            lab.prepare(question.corpus, question.arms, ProgressLine())
    except LabError as error:
        print(f"Note: the page opens without {arm}. {error}", flush=True)
        return None
    return arm


def _add_models(lab: Lab, options: argparse.Namespace) -> list[str]:
    """Put the models named on the menu; their names there.

    One that the Hub or an API does not give is left out with a message. What can be mended here (no such folder, a
    refused file, prompts for none) stops the page.
    """
    from mrl_demo.core.errors import ServiceError
    from mrl_demo.models.specs import ModelOptions

    prompts = ModelOptions(options.query_prompt, options.document_prompt)
    names: list[str] = []
    for given in options.model:
        try:
            names += lab.add_arms([given], prompts)
        except ServiceError as error:
            print(f"Note: {given} is left out, the page starts without it. {error}", flush=True)
    return names
