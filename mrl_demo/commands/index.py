"""The command that loads a collection's vectors into an engine: PostgreSQL, Qdrant, Milvus or a folder."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mrl_demo.commands.options import (
    ARM_HELP,
    INDEX_FORMS,
    add_corpus_options,
    add_json_option,
    arm_names,
    chosen_corpus,
    whole_numbers,
)
from mrl_demo.core.command_line import Commands, ProgressLine, add_command, add_prompt_options
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError

if TYPE_CHECKING:
    from mrl_demo.lab.indexes import IndexReport

_EXAMPLES = """examples:
  %(prog)s postgresql://lab@localhost/lab?collection=manuals --corpus manuals.zip --arm tuned --dims 64
  %(prog)s qdrant://localhost:6333/manuals --corpus manuals.zip --dims 64,384 --hnsw --precision int8
  %(prog)s file:vectors --arm base                 our own index over memory-mapped vectors
  %(prog)s URL --remove                            the collection and all that is in it
then: mrl search "a question" --index URL, or matryoshka-lab --index URL
"""


def add_index_command(commands: Commands) -> None:
    """Add `index`."""
    says = "load a collection's vectors into an engine, so that searches go there; a second run sends what is new"
    parser = add_command(commands, "index", says, _EXAMPLES)
    parser.add_argument("url", nargs="?", default="", help=f"{INDEX_FORMS}; default: MRL_INDEX")
    parser.add_argument("--arm", default="tuned", help=ARM_HELP)
    says = "lengths with an index or a field of their own (default: 64)"
    parser.add_argument("--dims", type=whole_numbers, help=says)
    parser.add_argument("--hnsw", action="store_true", help="build the engine's graph: fast, not exact, recall is told")
    parser.add_argument("--precision", default="float32", help="codes of the graph: float32, float16, int8, binary")
    parser.add_argument("--parts", type=int, default=1, help="shards (Qdrant, Milvus) or partitions (PostgreSQL)")
    parser.add_argument("--batch", type=int, default=1_000, help="vectors sent at once")
    parser.add_argument("--workers", type=int, default=4, help="batches sent side by side")
    parser.add_argument(
        "--replace", action="store_true", help="remove what another model or layout has left there first"
    )
    parser.add_argument("--remove", action="store_true", help="remove the collection instead")
    add_corpus_options(parser)
    add_json_option(parser)
    add_prompt_options(parser)
    parser.set_defaults(handler=_index)


def _index(settings: Settings, options: argparse.Namespace) -> None:
    from mrl_demo.lab.indexes import IndexPlan
    from mrl_demo.lab.lab import Lab
    from mrl_demo.search.engines.loading import LoadOptions
    from mrl_demo.search.engines.opening import open_engine

    url = options.url or (settings.index.split() or [""])[0]
    if not url:
        raise LabError(f"No engine is named: write {INDEX_FORMS}, or set MRL_INDEX.")
    engine = open_engine(url)  # Before anything is encoded for a URL that is none.
    if options.remove:
        engine.drop()
        engine.close()
        print("Removed.")
        return
    engine.close()
    load = LoadOptions(batch=options.batch, workers=options.workers)
    lab = Lab(settings)
    corpus = chosen_corpus(lab, options)
    (arm,) = arm_names(lab, [options.arm], options)
    full = lab.full_dim([arm])
    dims = options.dims or ((64,) if full > 64 else ())
    plan = IndexPlan(dims, options.hnsw, options.precision, options.parts, options.replace, load)
    plan.layout(full)  # Before anything is encoded for a layout that is none.
    report = lab.load_index(corpus, arm, url, plan, ProgressLine())
    print(json.dumps(report.to_dict()) if options.json else report_text(report))


def report_text(report: IndexReport) -> str:
    """What was loaded, its bytes, and a line for each length, for a terminal."""
    total = report.stored.total
    size = "" if total is None else f" It takes {total / 1e6:,.1f} MB there."
    lines = [f"{report.arm} over {report.corpus}. {report.load.sentence()}{size}"]
    lines += report.speed.sentences()
    return "\n".join(lines)
