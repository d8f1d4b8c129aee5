"""Options that several commands share, and what they mean to a lab."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.core.command_line import ProgressLine, add_prompt_options, approve_spending
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.storage import atomic_path
from mrl_demo.corpora.own.hub import is_hub_name
from mrl_demo.corpora.own.options import ColumnChoice, add_column_options, column_choice
from mrl_demo.corpora.own.passages import PassageChoice
from mrl_demo.corpora.reading.text_format import AS_FOUND

if TYPE_CHECKING:
    from mrl_demo.lab.lab import Lab

ARM_HELP = (
    "base, tuned, ..., a model's folder, OWNER/NAME[@REVISION] on the Hub, openai:MODEL, gemini:, vertex:, cohere:, "
    "voyage: or http://HOST/v1#MODEL; each with +pca, +adapted or +random too"
)


INDEX_FORMS = (
    "postgresql://USER:PASSWORD@HOST/DATABASE?collection=NAME, qdrant://HOST:6333/NAME, milvus://HOST:19530/NAME, "
    "milvus:///FILE.db, qdrant:///FOLDER or file:FOLDER"
)


def add_index_option(parser: argparse.ArgumentParser) -> None:
    """Add `--index`."""
    parser.add_argument(
        "--index",
        action="append",
        default=[],
        metavar="URL",
        help=f"search by an engine that `mrl index` has loaded: {INDEX_FORMS}; default: MRL_INDEX",
    )


def add_where_option(parser: argparse.ArgumentParser) -> None:
    """Add `--where`."""
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="only documents whose id, topic, domain or language this is; may be given several times",
    )


def attach_indexes(lab: Lab, options: argparse.Namespace, corpus: str, arms: Sequence[str]) -> bool:
    """Add the engines that `--index` or the environment names; whether there are any.

    Raises `EngineError` if those that `--index` names hold none of the arms over the corpus.
    """
    has_engine = add_indexes(lab, options)
    if options.index:
        lab.require_index(corpus, arms)
    return has_engine


def add_indexes(lab: Lab, options: argparse.Namespace) -> bool:
    """The same whatever they hold; raises `EngineError` if one cannot be used now."""
    urls = options.index or lab.settings.index.split()
    for url in urls:
        lab.add_index(url)
    lab.check_indexes()
    return bool(urls)


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Add `--corpus` and the flags that name its columns."""
    parser.add_argument(
        "--corpus",
        default="builtin",
        help="builtin, multilingual, python, your file, folder or zip archive (see mrl inspect), or a data set of the "
        "Hub as hub:OWNER/NAME[:CONFIG[:SPLIT]][@REVISION]",
    )
    add_column_options(parser)
    add_vectors_option(parser)


def add_vectors_option(parser: argparse.ArgumentParser) -> None:
    """Add `--vectors`."""
    parser.add_argument(
        "--vectors",
        action="append",
        default=[],
        metavar="NAME=DOCUMENTS[,QUERIES[,IDS[,QUERY-IDS]]]",
        help="vectors that any model made of the documents (and queries), as one more arm called NAME: .npy, .npz, "
        ".parquet, .jsonl, .faiss, or an export of Qdrant or pgvector; may be given several times",
    )


def add_draw_options(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the judged queries: `--split`, `--queries`, `--seed`."""
    parser.add_argument("--split", default="", help="which judged queries (default: the test split, or the only one)")
    parser.add_argument("--queries", type=int, default=0, help="draw so many of the judged queries (0: all)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw and of the intervals")


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command that measures an arm on a collection takes: queries, collection, `--json`, prompts."""
    add_draw_options(parser)
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)


def add_devices_options(parser: argparse.ArgumentParser) -> None:
    """Add `--devices` and `--processes`: where many documents are encoded at once."""
    says = "encode on several devices, a process each: cuda:0,cuda:1 or 2*cpu (also MRL_DEVICES)"
    parser.add_argument("--devices", default="", help=says)
    parser.add_argument("--processes", type=int, metavar="N", help="so many processes, each on a GPU if there are any")


def with_devices(settings: Settings, options: argparse.Namespace) -> Settings:
    """The settings with the devices that were named; raises `LabError` for what is none."""
    from mrl_demo.core.hardware import devices_for, parse_devices

    if options.devices and options.processes is not None:
        raise LabError("--devices says how many processes there are already: leave --processes out.")
    named = options.devices or (devices_for(options.processes) if options.processes is not None else settings.devices)
    parse_devices(named)
    return replace(settings, devices=named)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def split_words(text: str) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them; argparse says what is none."""
    try:
        return tuple(int(word) for word in split_words(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 8,16,64") from None


def document_count(text: str) -> int:
    """A whole number, also as 250k, 10M or 1B; argparse says what is none.

    >>> document_count("10M"), document_count("1,000")
    (10000000, 1000)
    """
    match = re.fullmatch(r"(\d{1,15})([kMB]?)", text.replace(",", "").replace("_", ""))
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of documents such as 250k, 10M or 1000000")
    return int(match[1]) * {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}[match[2]]


def corpus_name(lab: Lab, given: str, columns: ColumnChoice | None = None, split: str = "") -> str:
    """Name of a menu corpus, or of the file or folder at the path given, which is added to the lab.

    Raises `CorpusError` if it is neither, or cannot be read, or `columns` are named for a corpus of the menu.
    """
    names = [choice.name for choice in lab.corpora()]
    if given in names:
        if columns and columns.chosen():
            raise CorpusError(f"{given} has columns of its own: leave --{next(iter(columns.chosen()))}-column out.")
        if columns and columns.passages != PassageChoice():
            raise CorpusError(f"{given} has passages of its own: leave --passages and --paragraphs out.")
        if columns and columns.format != AS_FOUND:
            raise CorpusError(f"{given} is read as it ships: leave --encoding and --delimiter out.")
        if columns and columns.questions:
            raise CorpusError(f"{given} has questions of its own: leave --questions out.")
        return given
    if is_hub_name(given):
        return lab.add_hub_corpus(given, columns, split, ProgressLine())
    if not Path(given).exists():
        raise CorpusError(
            f"There is no such file or folder as {given!r}, and no corpus of that name: choose one of "
            f"{', '.join(names)}, or give the path of your documents or hub:OWNER/NAME."
        )
    return lab.add_corpus(Path(given), columns, split)


def chosen_corpus(lab: Lab, options: argparse.Namespace, split: str = "") -> str:
    """Name of the collection that `--corpus` says, with the vectors that `--vectors` gives for it on the menu."""
    name = corpus_name(lab, options.corpus, column_choice(options), split)
    add_given_vectors(lab, options.vectors, name)
    return name


def add_given_vectors(lab: Lab, vectors: Sequence[str], corpus: str) -> None:
    """Put vectors of a corpus on the menu, each said as `--vectors` says it; raises `ModelError`."""
    from mrl_demo.arms.given import GivenFiles

    for given in vectors:
        lab.add_vectors(GivenFiles.parse(given), corpus)


def arm_names(lab: Lab, given: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Put the arms that were given on the menu and return their names; raises `ModelError`."""
    from mrl_demo.models.specs import ModelOptions

    lab.encoders.approve_spending = partial(approve_spending, options.yes)
    return lab.add_arms(given, ModelOptions(options.query_prompt, options.document_prompt))


def read_input(path: Path) -> str:
    """The text of a file that an option names; raises `LabError` that says why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{path} cannot be read ({error}): give a text file.") from error


def write_output(path: Path, text: str) -> None:
    """Write a file whole or not at all; raises `CacheError` naming the folder if it cannot be written."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
