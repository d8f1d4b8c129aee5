"""One training run as it stands, read from its folder: status, times, problem, last words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mrl_demo.jobs.events import Message, read_messages
from mrl_demo.jobs.process import (
    DATA_STEM,
    ENDED,
    FAILED,
    JOB,
    LOG,
    MESSAGES,
    PARALLEL_STEM,
    RUNNING,
    STARTED,
    WAITING,
    problem_of,
    read_json,
    status_of,
    tail,
)


@dataclass(frozen=True)
class JobState:
    """One run as it stands; `problem` says why it failed and what to do.

    `doing` is what it says it is at, `done` the share of that, `seconds_left` how long it still takes in all; both are
    None if it does not say. `ahead` is how many runs are before it.
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
        problem=as_given(problem_of(messages, ended.get("code")), folder, names) if status == FAILED else None,
        doing=as_given(messages[-1], folder, names).text if messages else "",
        done=messages[-1].share if messages and messages[-1].kind == "progress" else None,
        seconds_left=messages[-1].seconds_left if messages else None,
        log_tail=tail(folder / LOG),
    )


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
