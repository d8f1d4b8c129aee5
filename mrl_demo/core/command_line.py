"""What all our command lines share: how help reads, and the one option that every command takes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TypeAlias

#: What `add_subparsers` returns.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Says the default of every option that has one, and keeps the line breaks of examples.

    >>> parser = argparse.ArgumentParser(prog="mrl", formatter_class=HelpFormatter, add_help=False)
    >>> _ = parser.add_argument("--dim", default=64, help="numbers to keep")
    >>> print(parser.format_help())
    usage: mrl [--dim DIM]
    <BLANKLINE>
    options:
      --dim DIM  numbers to keep (default: 64)
    <BLANKLINE>
    """

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default not in (None, False, argparse.SUPPRESS, [], "") and action.dest != "index"
        return super()._get_help_string(action) if has_default else action.help


class ProgressLine:
    """Progress on standard error: one line rewritten for a person who watches, else a line every `every` seconds.

    It is a `Progress`: call it with the share done and what is being done. The time left is told once a twentieth is
    done.

    >>> ProgressLine()(0.5, "half of it")  # Says nothing yet: under ten seconds, and nobody watches.
    """

    def __init__(self, every: float = 10.0) -> None:
        self._every, self._started = every, time.monotonic()
        self._said = self._started

    def __call__(self, share: float, line: str) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        left = "" if line.endswith(" left") else self._time_left(share, now)
        text = f"{share:>4.0%}  {line[:100]}{left}"
        if sys.stderr.isatty():
            print(f"\r{text:<120}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)
        elif now - self._said >= self._every:
            self._said = now
            print(text, file=sys.stderr, flush=True)

    def _time_left(self, share: float, now: float) -> str:
        if not 0.05 <= share < 1:
            return ""
        seconds = (now - self._started) * (1 - share) / share
        return f"; about {seconds / 60:.0f} min left" if seconds >= 90 else f"; about {seconds:.0f} s left"


def add_cache_option(parser: argparse.ArgumentParser, cache_dir: Path) -> None:
    """Add `--cache-dir` to the parser of a whole command line."""
    parser.add_argument("--cache-dir", type=Path, default=cache_dir, help=_CACHE_HELP)


def add_prompt_options(parser: argparse.ArgumentParser) -> None:
    """Add the prompts of models that have none configured, to a command that takes such models."""
    for what, example in (("query", "query: "), ("document", "passage: ")):
        says = f"what stands before every {what} for a model's folder or a Hub model (as in {example!r})"
        parser.add_argument(f"--{what}-prompt", metavar="TEXT", help=f"{says}; default: as the model says")
    parser.add_argument("--yes", action="store_true", help="send texts to a priced API without asking about the cost")


def approve_spending(said_yes: bool, estimate: object) -> bool:
    """Whether texts may be sent for their price: with `--yes`, or if the person at the terminal says so."""
    if said_yes:
        print(f"Sending {estimate}.", file=sys.stderr, flush=True)
        return True
    if not sys.stdin.isatty():
        return False
    print(f"This sends {estimate}. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def add_command(commands: Commands, name: str, says: str, examples: str = "") -> argparse.ArgumentParser:
    """Add a command that takes `--cache-dir` too: given after the command's name or before it, the option is the same.

    `says` is its line in the list of commands, `examples` stand below its options.
    """
    parser = commands.add_parser(
        name, help=says, description=f"{says[0].upper()}{says[1:]}.", epilog=examples, formatter_class=HelpFormatter
    )
    # No default of its own: argparse would write it over what stood before the command.
    says = f"{_CACHE_HELP}; default: as before the command"
    parser.add_argument("--cache-dir", type=Path, default=argparse.SUPPRESS, help=says)
    return parser


_CACHE_HELP = "where vectors and models are kept (also MRL_CACHE_DIR)"
