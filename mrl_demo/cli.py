"""`python -m mrl_demo search|evaluate|export ...`: the same services as the page, on the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Comparison

if TYPE_CHECKING:
    from mrl_demo.lab.lab import Lab

_ARM_HELP = "base, tuned, ..., a model's folder, or OWNER/NAME[@REVISION] on the Hub"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, 2 with one line on standard error for a problem the user can act on."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        settings = Settings.from_environment()
        args = _parser(settings).parse_args(argv)
        from mrl_demo.lab.lab import Lab

        lab = Lab(replace(settings, cache_dir=args.cache_dir.expanduser()))
        args.run(lab, args)
    except BrokenPipeError:  # `| head` has read enough.
        sys.stderr.close()
    except LabError as error:
        print(f"mrl_demo: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mrl_demo", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--cache-dir", type=Path, default=settings.cache_dir, help="where vectors are kept")
    shared.add_argument(
        "--corpus", default="builtin", help="builtin, python, a BEIR folder, or a CSV, JSONL or TXT file"
    )
    shared.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    search = commands.add_parser("search", parents=[shared], help="search a collection with one arm at one length")
    search.add_argument("text", help="the query")
    search.add_argument("--arm", default="tuned", help=f"{_ARM_HELP} (default %(default)s)")
    search.add_argument("--dim", default="64", help="numbers of the vector to keep (default %(default)s)")
    search.add_argument("--top-k", type=int, default=settings.top_k, help="results to show (default %(default)s)")
    search.set_defaults(run=_search)
    evaluate = commands.add_parser("evaluate", parents=[shared], help="measure arms over dimensions and precisions")
    evaluate.add_argument(
        "--arms", type=_words, default=("base", "tuned"), help=f"{_ARM_HELP}, bm25; commas between them"
    )
    evaluate.add_argument("--dims", type=_whole_numbers, help="8,16,... (default: nine lengths up to the full one)")
    evaluate.add_argument("--precisions", type=_words, default=("float32",), help="float32,float16,int8,binary,...")
    evaluate.add_argument("--metrics", type=_words, default=("ndcg@10", "mrr@10", "recall@10", "overlap@10"))
    evaluate.add_argument("--split", default="test", help="which judged queries, where they have splits")
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", parents=[shared], help="write a collection in the BEIR layout")
    export.add_argument("--out", type=Path, required=True, help="folder to write")
    export.set_defaults(run=_export)
    return parser


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _whole_numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in _words(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 8,16,64") from None


def corpus_name(lab: Lab, given: str) -> str:
    """Name of a menu corpus, or of the file or folder at the path given, which is added to the lab."""
    if given in {choice.name for choice in lab.corpora()}:
        return given
    if not Path(given).exists():
        return lab.corpus(given).name  # Raises with the names there are.
    return lab.add_corpus(Path(given))


def arm_name(lab: Lab, given: str) -> str:
    """Name of an arm, or of the folder or Hub model given, which is added to the lab; endings as +adapted stay."""
    stem, plus, ending = given.rpartition("+") if "+" in given else (given, "", "")
    if {given, stem} & {arm.name for arm in lab.arms()}:
        return given
    is_model = "/" in stem or Path(stem).is_dir() or stem in lab.encoders.names()
    return lab.add_model(stem) + plus + ending if is_model else given


def _search(lab: Lab, args: argparse.Namespace) -> None:
    found = lab.compare(
        args.text,
        corpus=corpus_name(lab, args.corpus),
        arms=[arm_name(lab, args.arm)],
        dim=_number(args.dim),
        top_k=args.top_k,
    )
    print(json.dumps(as_json(found), ensure_ascii=False) if args.json else as_text(found))


def _evaluate(lab: Lab, args: argparse.Namespace) -> None:
    from mrl_demo.evaluation.report import print_report
    from mrl_demo.evaluation.sweep import run_evaluation

    found = run_evaluation(
        lab.builder,
        lab.corpus(corpus_name(lab, args.corpus), _say),
        [arm_name(lab, arm) for arm in args.arms],
        args.dims,
        args.precisions,
        args.metrics,
        _say,
        split=args.split,
    )
    if args.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        print_report(found)


def _export(lab: Lab, args: argparse.Namespace) -> None:
    from mrl_demo.corpora.beir_export import write_beir

    corpus = lab.corpus(corpus_name(lab, args.corpus), _say)
    folder = write_beir(corpus, args.out)
    print(f"{len(corpus):,} documents and {len(corpus.queries):,} judged queries are in {folder}")


def _say(share: float, line: str) -> None:
    """Progress on standard error, one line rewritten, only where a person watches."""
    if sys.stderr.isatty():
        print(f"\r{share:>4.0%}  {line[:100]:<100}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)


def _number(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return text  # check_dimension names the value and the allowed range.


def as_json(found: Comparison) -> dict[str, object]:
    """One arm's answer as plain JSON types."""
    result = found.arms[0].result
    return {
        "query": found.query,
        "corpus": found.corpus,
        "arm": result.arm,
        "dim": result.dim,
        "note": found.note,
        "encode_ms": round(result.encode_ms, 3),
        "search_ms": round(result.search_ms, 3),
        "overlap_at_10": result.overlap_at_10,
        "hits": [
            {
                "rank": hit.rank,
                "id": hit.document.id,
                "title": hit.document.title,
                "text": hit.document.text,
                "score": round(hit.score, 6),
                "full_rank": hit.full_rank,
                "is_answer": hit.is_answer,
            }
            for hit in result.hits
        ],
    }


def as_text(found: Comparison) -> str:
    """One arm's answer for a terminal."""
    result = found.arms[0].result
    lines = [f"{result.arm} at {result.dim} of {result.full_dim} numbers, {result.n_documents:,} documents"]
    lines += [found.note] if found.note else []
    for hit in result.hits:
        mark = "  <- known answer" if hit.is_answer else ""
        lines.append(f"{hit.rank:>3}  {hit.score:.3f}  {hit.document.title or hit.document.id}{mark}")
        lines.append(f"            {hit.document.text[:100]}")
    lines.append(
        f"agreement with the full vector's top 10: {result.overlap_at_10:.0%}; "
        f"encode {result.encode_ms:.1f} ms, search {result.search_ms:.2f} ms"
    )
    return "\n".join(lines)
