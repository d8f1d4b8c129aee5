"""One training run as it stands, read from its folder: status, times, problem, last words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mrl_demo.jobs.events import Message, read_messages
from mrl_demo.jobs.process import (
    DATA_STEM,
    ENDED,
    FAILED,
    INTERRUPTED,
    JOB,
    LOG,
    MESSAGES,
    PARALLEL_STEM,
    RUNNING,
    STARTED,
    WAITING,
    is_resumed,
    problem_of,
    read_json,
    status_of,
    tail,
)

_INTERRUPTION = "The run was ended from outside, often for lack of memory, or with the machine."
_RESUMABLE = "It can be resumed from its last checkpoint; if it ends again, use fewer rows or close other programs."
_ROWS_GONE = "Its rows were deleted a day later, so it cannot be resumed: start it again with your file."


@dataclass(frozen=True)
class JobState:
    """One run as it stands; `problem` says why it failed or was interrupted and what to do.

    `doing` is what it says it is at, `done` the share of that, `seconds_left` how long it still takes in all; both are
    None if it does not say. `ahead` is how many runs are before it. `can_resume`: it was interrupted and has all that
    it needs to go on; `was_resumed`: it did, and its times are those since then.
    """

    id: str
    name: str
    status: str
    preset: str
    data: str
    out: Path
    created: float
    started: float | None = None
    ended: float | None = None
    ahead: int = 0
    problem: Message | None = None
    doing: str = ""
    done: float | None = None
    seconds_left: float | None = None
    log_tail: tuple[str, ...] = ()
    can_resume: bool = False
    was_resumed: bool = False

    @property
    def is_active(self) -> bool:
        """Whether it runs or waits in line."""
        return self.status in {WAITING, RUNNING}


def read_jobs(folder: Path) -> tuple[JobState, ...]:
    """All runs of a line's folder, oldest first; a folder that is no whole run is passed over."""
    states: list[JobState] = []
    ahead = 0
    for path in sorted(folder.glob(f"[0-9]*/{JOB}")):
        with suppress(OSError, ValueError, KeyError):
            state = read_job(path.parent, ahead)
            states.append(state)
            ahead += state.is_active
    return tuple(states)


def read_job(folder: Path, ahead: int = 0) -> JobState:
    """The run of that folder; raises what a missing or broken `job.json` raises."""
    about = json.loads((folder / JOB).read_text(encoding="utf-8"))
    ended, started = read_json(folder / ENDED) or {}, read_json(folder / STARTED) or {}
    out = Path(about["out"])
    status = status_of(folder, out)
    messages = [message for message in read_messages(folder / MESSAGES) if message.text.strip()]
    names = given_names(about["data"], about.get("parallel", ""))
    can_resume = status == INTERRUPTED and all(path.is_file() for path in _uploads(about["command"], folder))
    problem = None
    if status == FAILED:
        problem = as_given(problem_of(messages, ended.get("code")), folder, names)
    elif status == INTERRUPTED:
        problem = Message("error", f"{_INTERRUPTION} {_RESUMABLE if can_resume else _ROWS_GONE}")
    return JobState(
        id=about["id"],
        name=about["name"],
        status=status,
        preset=about["preset"],
        data=about["data"],
        out=out,
        created=about["created"],
        started=started.get("started"),
        ended=ended.get("ended"),
        ahead=ahead if status == WAITING else 0,
        problem=problem,
        doing=as_given(messages[-1], folder, names).text if messages else "",
        done=messages[-1].share if messages and messages[-1].kind == "progress" else None,
        seconds_left=messages[-1].seconds_left if messages else None,
        log_tail=tail(folder / LOG),
        can_resume=can_resume,
        was_resumed=is_resumed(about["command"]),
    )


def _uploads(command: Sequence[str], folder: Path) -> list[Path]:
    """The copies of uploaded files that a run's command names."""
    values = (Path(part.partition("=")[2]) for part in command if part.startswith(("--data=", "--parallel=")))
    return [path for path in values if path.parent == folder]


def given_names(data: str, parallel: str) -> dict[str, str]:
    """What uploads are called by who gave them, by the names of their copies in a run's folder.

    >>> given_names("My pairs.CSV", "")
    {'data.csv': 'My pairs.CSV'}
    """
    stems = {DATA_STEM: data, PARALLEL_STEM: parallel}
    return {f"{stem}{kind}": name for stem, name in stems.items() if (kind := Path(name).suffix.lower())}


def as_given(message: Message, folder: Path, names: Mapping[str, str]) -> Message:
    """The message with the names that a person gave to uploads, in the place of those of their copies in `folder`."""
    text = message.text.replace(f"{folder}/", "")
    if names:
        copies = "|".join(map(re.escape, names))
        text = re.sub(rf"\b(?:{copies})\b", lambda copy: names[copy[0]], text)
    return replace(message, text=text)
