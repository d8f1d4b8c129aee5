"""The process in which files of risky formats are parsed: bounded memory and processor time, no files written.

A file's path and type come as a line of JSON on the standard input; its columns, rows and notes go back as lines of
JSON, the last one saying that it is done or why it is refused. It ends with its standard input.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.pictures import PICTURE_TYPES, picture_rows
from mrl_demo.corpora.reading.rows import Row, Table
from mrl_demo.corpora.reading.sheets import sheet_rows
from mrl_demo.corpora.reading.tally import Tally
from mrl_demo.corpora.reading.text_format import TextFormat
from mrl_demo.corpora.reading.writings import writing_rows


def serve_parsing(memory_bytes: int, seconds: int) -> None:
    """Answer what is asked on the standard input until it ends."""
    _limit_memory(memory_bytes)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        _limit_time(seconds)
        for message in _answers(Path(asked["path"]), asked["kind"], TextFormat(asked["encoding"])):
            sys.stdout.write(f"{json.dumps(message)}\n")
        sys.stdout.flush()


def _answers(path: Path, kind: str, text: TextFormat) -> Iterator[dict[str, Any]]:
    table, tally = Table(path, iter(()), format=text), Tally()
    try:
        for number, row in enumerate(_rows(table, kind, tally)):
            if not number:
                yield {"columns": list(table.columns)}
            yield {"line": row.line, "cells": dict(row.cells)}
        yield {"columns": list(table.columns), "tally": tally.to_dict(), "done": True}
    except CorpusError as error:
        yield {"refused": str(error)}


def _rows(table: Table, kind: str, tally: Tally) -> Iterator[Row]:
    if kind in PICTURE_TYPES:
        return picture_rows(table)
    return sheet_rows(table, lambda _: True, tally) if kind == ".xlsx" else writing_rows(table, kind, tally)


def _limit_memory(memory_bytes: int) -> None:
    """Bound what this process may allocate, and let it write no file; a system without such limits goes without."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time(seconds: int) -> None:
    """Let the system end this process after so many more seconds of processor time."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))


if __name__ == "__main__":
    serve_parsing(int(sys.argv[1]), int(sys.argv[2]))
