"""Files of risky formats, parsed in a process of their own that may take only so much memory and time."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

from mrl_demo.core.errors import CorpusError
from mrl_demo.corpora.reading.rows import Row, Table
from mrl_demo.corpora.reading.tally import Tally

#: What no sound document needs: a file that takes more is refused, and the page goes on.
MOST_PARSING_MEMORY = 2 * 2**30
MOST_PARSING_SECONDS = 60
_CHILD = "mrl_demo.corpora.reading.child"
_ROOT = Path(__file__).parents[3]
#: All that a parser gets of our environment: no keys, no tokens.
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT")


class _Child:
    """A process that parses one file after another."""

    def __init__(self) -> None:
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        python_path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-W", "ignore", "-m", _CHILD, str(MOST_PARSING_MEMORY), str(MOST_PARSING_SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": python_path, "OPENBLAS_NUM_THREADS": "1"},
            encoding="ascii",
        )

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def ask(self, path: Path, kind: str, encoding: str) -> Iterator[dict[str, Any]]:
        """What the process says of a file, up to the last message or its own end."""
        questions, answers = cast(TextIO, self.process.stdin), cast(TextIO, self.process.stdout)
        with suppress(BrokenPipeError):
            questions.write(json.dumps({"path": str(path.absolute()), "kind": kind, "encoding": encoding}) + "\n")
            questions.flush()
        for line in answers:
            if not line.endswith("\n"):  # It was ended in the middle of a message.
                return
            yield json.loads(line)

    def end(self) -> None:
        """Kill it, and close what leads to it."""
        self.process.kill()
        with suppress(BrokenPipeError):
            self.process.communicate()

    def reason(self) -> str:
        """Why it ended before it was done."""
        code = self.process.wait()
        if sys.platform != "win32" and code == -signal.SIGXCPU:
            return f"it takes over {MOST_PARSING_SECONDS} s of processor time"
        return f"its parser broke off with code {code}"


class _Children:
    """Processes at rest, at most one: the next file of a folder need not wait for a start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._is_ended_at_exit = False

    def take(self) -> _Child:
        """One at rest that still lives, or a new one."""
        with self._lock:
            if not self._is_ended_at_exit:
                atexit.register(self.end)
                self._is_ended_at_exit = True
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    return child
                child.end()
        return _Child()

    def give_back(self, child: _Child) -> None:
        """Keep one for the next file."""
        with self._lock:
            if not self._idle:
                self._idle.append(child)
                return
        child.end()

    def end(self) -> None:
        """End all at rest."""
        with self._lock:
            while self._idle:
                self._idle.pop().end()


_children = _Children()


def confined_rows(table: Table, kind: str, wanted: Callable[[str], bool], tally: Tally) -> Iterator[Row]:
    """The rows of a sheet or a written document, with the columns for which `wanted` is true.

    Raises `CorpusError` for what the parser refuses, and for a file that takes over 2 GiB of memory or 60 s of
    processor time to parse.
    """
    child = _children.take()
    is_sound = False
    try:
        for message in child.ask(table.path, kind, table.format.encoding):
            for name in message.get("columns", ()):
                table.see(name, always=wanted(name))
            is_sound = "refused" in message or "done" in message
            if "line" in message:
                yield Row(message["line"], {name: cell for name, cell in message["cells"].items() if wanted(name)})
            elif "refused" in message:
                raise CorpusError(message["refused"].replace(str(table.path.absolute()), str(table.path)))
            elif "done" in message:
                tally.add_dict(message["tally"])
                return
        raise CorpusError(f"{table.path} cannot be read: {child.reason()}. Save it anew, or in parts.")
    finally:
        if is_sound:
            _children.give_back(child)
        else:
            child.end()
