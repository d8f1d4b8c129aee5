"""One training run as processes and files: started, watched and ended so that no other process is touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.errors import LabError
from mrl_demo.core.storage import atomic_path
from mrl_demo.jobs.events import LineWriter, Message
from mrl_demo.models.run_folder import MANIFEST, MODEL, MODULES

try:
    import fcntl
except ImportError:  # Windows: the page still works, and says that runs are started from the command line there.
    fcntl = None  # type: ignore[assignment]

WAITING, RUNNING, FINISHED, FAILED, CANCELLED, INTERRUPTED = (
    "waiting", "running", "finished", "failed", "cancelled", "interrupted",
)  # fmt: skip
JOB, STARTED, ENDED, CANCEL_MARK, LOCK, LOG, EVENTS, MESSAGES = (
    "job.json", "started.json", "ended.json", "cancelled", "lock", "log.txt", "events.jsonl", "messages.jsonl",
)  # fmt: skip
#: What a published run holds one of: an adapter over the packaged base, or a whole model.
_RESULTS = (MANIFEST, f"{MODEL}/{MODULES}")
#: Names of uploaded files in the run's folder, before their type.
DATA_STEM, PARALLEL_STEM = "data", "parallel"
#: The flag of training that takes up an interrupted run.
_RESUME = "--resume"
LOG_LINES = 12
#: What a process that was ended from outside leaves as its code; None: nothing, as when the machine went down.
_KILLED = frozenset({None, -signal.SIGKILL, -signal.SIGTERM})
NICENESS = 10
_TAIL_BYTES = 16_384
_GRACE_SECONDS = 5.0
_LAST_WORDS_SECONDS = 2.0


class TrainingError(LabError, RuntimeError):
    """A training run that cannot be started, found or stopped."""


def is_supported() -> bool:
    """Whether this system has the file locks that tell a living run from a dead one."""
    return fcntl is not None


def launch_process(folder: Path, module: str) -> subprocess.Popen[bytes]:
    """Start `python -m module FOLDER` in a session of its own; its processes hold the folder's lock while they live.

    The lock is taken here and inherited, so that there is no moment at which a started run looks dead.
    """
    with (folder / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = subprocess.Popen(
            [sys.executable, "-m", module, str(folder), str(lock.fileno())], cwd=CODE_ROOT,
            start_new_session=True, pass_fds=(lock.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _mark_started(folder, child.pid)
    return child


def carry_out(folder: Path, lock: int) -> None:
    """What the started process does: run the job's command, niced, its words in `log.txt`, then say how it ended."""
    os.nice(NICENESS)
    os.umask(0o077)  # What a person uploads, and what is learned from it, is nobody else's on this machine.
    if not (folder / STARTED).exists():
        _mark_started(folder, os.getpid())
    command = json.loads((folder / JOB).read_text(encoding="utf-8"))["command"]
    with (folder / LOG).open("ab") as log:
        try:
            code = subprocess.run(
                command, cwd=CODE_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock,),
                check=False, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            ).returncode  # fmt: skip
        except OSError as error:
            problem = Message("error", f"{command[0]} cannot be started ({error.strerror}).")
            LineWriter(folder / MESSAGES).message(problem)
            code = 127
    mark_ended(folder, code)


def end_group(folder: Path) -> None:
    """End the run's process group, asking first; returns when none of it lives. Only a living run's group is known.

    The lock is what proves that the number still belongs to the run: it is held by that group alone.
    """
    started = read_json(folder / STARTED)
    if started is None or not is_alive(folder):
        return
    for number, seconds in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, _LAST_WORDS_SECONDS)):
        with suppress(ProcessLookupError):
            os.killpg(int(started["pid"]), number)
        deadline = time.monotonic() + seconds
        while is_alive(folder):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return
    raise TrainingError("The run did not stop: try again, or end it from a terminal.")


def is_alive(folder: Path) -> bool:
    """Whether a process of the run lives, that is: holds its lock."""
    if not (folder / LOCK).is_file():
        return False
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def status_of(folder: Path, out: Path) -> str:
    """One of the six states, from the files and the lock alone; finished only with a published model."""
    ended = read_json(folder / ENDED)
    if ended is not None and ended.get("code") == 0 and any((out / name).is_file() for name in _RESULTS):
        return FINISHED
    if ended is None and is_alive(folder):
        return RUNNING
    if (folder / CANCEL_MARK).exists():
        return CANCELLED
    if ended is None and not (folder / STARTED).exists():
        return WAITING
    return INTERRUPTED if (ended or {}).get("code") in _KILLED else FAILED


def mark_ended(folder: Path, code: int | None) -> None:
    """Write how the run ended, where that is not written yet; its rows go, unless it was killed and may go on."""
    if not (folder / ENDED).exists():
        write_json(folder / ENDED, {"code": code, "ended": time.time()})
    if code not in _KILLED or (folder / CANCEL_MARK).exists():
        delete_rows(folder)


def put_back(folder: Path) -> None:
    """Let an interrupted run be one that waits, to go on from its last checkpoint when its turn comes."""
    about = json.loads((folder / JOB).read_text(encoding="utf-8"))
    about["command"] = [*(part for part in about["command"] if part != _RESUME), _RESUME]
    write_json(folder / JOB, about)
    for name in (ENDED, STARTED):  # In this order it is interrupted still if it is cut short here.
        (folder / name).unlink(missing_ok=True)


def is_resumed(command: Sequence[str]) -> bool:
    """Whether a job's command takes up an interrupted run."""
    return _RESUME in command


def last_sign(folder: Path) -> float:
    """When the run last wrote anything, in seconds of the epoch."""
    return max((path.stat().st_mtime for path in folder.iterdir() if path.is_file()), default=0.0)


def delete_rows(folder: Path) -> None:
    """Delete the copies of the uploaded files that a run took along."""
    for stem in (DATA_STEM, PARALLEL_STEM):
        for path in folder.glob(f"{stem}.*"):
            path.unlink(missing_ok=True)


def problem_of(messages: Sequence[Message], code: int | None) -> Message:
    """Why a run failed and what to do: training's own message if it gave one."""
    errors = [message for message in messages if message.kind == "error"]
    if errors:
        return errors[-1]
    if code in _KILLED:
        text = (
            "The run was ended from outside, often for lack of memory, or with the machine. Start it again; if it ends "
            "again, use fewer rows or close other programs."
        )
    elif code == 0:
        text = "The run ended without a model that can be compared here. The last lines of its log are below."
    else:
        text = (
            f"The run broke off (code {code}). The last lines of its log are below; start it again, and if it breaks "
            "off again, try other settings or report these lines."
        )
    return Message("error", text)


def tail(path: Path) -> tuple[str, ...]:
    """The last lines of a text file, empty if there is none."""
    with suppress(OSError), path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return tuple(handle.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:])
    return ()


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, None if it is missing or broken."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object in one step."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value), encoding="utf-8")


def _mark_started(folder: Path, pid: int) -> None:
    write_json(folder / STARTED, {"pid": pid, "started": time.time()})
