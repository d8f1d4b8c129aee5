"""Training runs started from the page: each a separate, niced process, one at a time, its state on disk.

A run lives in `cache_dir/jobs/<id>/`: `job.json` (what was asked), `log.txt`, `events.jsonl`, `lock` (held by the run's
processes as long as one of them lives), `ended.json` (how it ended) and perhaps `cancelled`. Nothing about a run is
kept in memory, so a reload of the page, a restart of the app or a second app on the same cache shows the same runs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.storage import unwritable
from mrl_demo.jobs.events import Progressed, Step
from mrl_demo.jobs.process import (
    CANCEL_MARK,
    ENDED,
    EVENTS,
    FAILED,
    FINISHED,
    JOB,
    LOG,
    RUNNING,
    STARTED,
    WAITING,
    TrainingError,
    carry_out,
    end_group,
    is_supported,
    json_lines,
    launch_process,
    locked,
    mark_ended,
    problem_of,
    read_json,
    status_of,
    tail,
)
from mrl_demo.jobs.request import TrainRequest
from mrl_demo.models.hub import hub_name

DATA_TYPES = (".jsonl", ".ndjson", ".csv", ".tsv")
MAX_DATA_BYTES = 50_000_000
MAX_WAITING = 5
TRAIN = (sys.executable, "-m", "training")
OFF = (
    "Training is switched off here, because it keeps the processor busy for minutes. The owner turns it on by setting "
    "MRL_TRAINING_ENABLED=1 and starting the app again."
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CHECK_SECONDS = 300


@dataclass(frozen=True)
class JobState:
    """One run as it stands; `problem` says why it failed and what to do, `ahead` how many runs are before it."""

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
    problem: str = ""
    log_tail: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether it runs or waits in line."""
        return self.status in {WAITING, RUNNING}


class TrainingJobs:
    """The line of training runs in a cache folder; no run gets a name that is `taken`.

    `command` stands in for `python -m training` in tests.
    """

    def __init__(self, settings: Settings, command: Sequence[str] = TRAIN, taken: Collection[str] = ()) -> None:
        self._settings, self._command, self._taken = settings, tuple(command), frozenset(taken)
        self._folder = settings.cache_dir / "jobs"
        self._trained = settings.cache_dir / "trained"
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def enabled(self) -> bool:
        """Whether runs may be started here."""
        return self._settings.training_enabled and is_supported()

    # Asking ----------------------------------------------------------------------------------------------------

    def check(self, request: TrainRequest) -> tuple[str, ...]:
        """What training's own dry run says of configuration and data; raises `TrainingError` with its message."""
        self._refuse(request)
        with self._scratch() as scratch:
            data = self._copied(request, scratch)
            command = [*self._command, "train", "--check", f"--out={scratch / 'out'}", *request.arguments(data)]
            try:
                done = subprocess.run(
                    self._with_cache(command), cwd=CODE_ROOT, capture_output=True, text=True, check=False,
                    timeout=_CHECK_SECONDS, stdin=subprocess.DEVNULL, errors="replace",
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise TrainingError(
                    "The check took over five minutes: try a smaller file, or start the run, which downloads and reads "
                    "for as long as it takes."
                ) from None
        lines = [line for line in done.stdout.splitlines() if line and not line.startswith("[")]
        if done.returncode:
            problem = problem_of(tuple(done.stderr.splitlines()), done.returncode)
            raise TrainingError(problem.replace(f"{scratch}/", ""))
        return tuple(lines)

    def submit(self, request: TrainRequest) -> str:
        """Put a run in line, start it where none runs, and return its id; raises `TrainingError`."""
        self._refuse(request)
        with self._locked():
            jobs = self._states()
            if sum(job.status == WAITING for job in jobs) >= MAX_WAITING:
                raise TrainingError(f"{MAX_WAITING} runs wait already: cancel one or come back later.")
            if any(job.name == request.name and job.is_active for job in jobs):
                raise TrainingError(f"A run named {request.name!r} is in line already: choose another name.")
            job_id = f"{time.time_ns():020d}"
            folder = self._folder / f".{job_id}"
            try:
                folder.mkdir(parents=True)
                data = self._copied(request, folder)
                final = self._folder / job_id
                out = self._trained / request.name
                moved = final / data.name if data else None
                command = [
                    *self._command, "train", f"--out={out}", f"--events={final / EVENTS}",
                    *request.arguments(moved),
                ]  # fmt: skip
                about = asdict(request) | {
                    "data": Path(request.data).name, "id": job_id, "created": time.time(), "out": str(out),
                    "command": self._with_cache(command),
                }  # fmt: skip
                (folder / JOB).write_text(json.dumps(about), encoding="utf-8")
                folder.rename(final)
            except OSError as error:
                raise unwritable(folder, error) from error
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            self._start_next()
        return job_id

    def cancel(self, job_id: str) -> None:
        """Take a run out of the line, or end its processes and no others; raises `TrainingError` for an unknown id."""
        self._must_be_on()
        with self._locked():
            folder = self._path(job_id)
            job = self._read(folder)
            if not job.is_active:
                return
            (folder / CANCEL_MARK).touch()
            end_group(folder)
            mark_ended(folder, None)
            shutil.rmtree(self._trained / f".{job.name}.training", ignore_errors=True)
            self._start_next()

    # Looking ---------------------------------------------------------------------------------------------------

    def jobs(self) -> tuple[JobState, ...]:
        """All runs, oldest first; a run whose turn has come is started."""
        if not self.enabled:
            return ()
        self._children = [child for child in self._children if child.poll() is None]  # Leaves no zombies.
        with self._locked():
            found = self._states()
            if any(job.status == WAITING for job in found):
                self._start_next()
                found = self._states()
        return found

    def progress(self, job_id: str) -> Progressed:
        """What a run wrote to its events; lines that are not whole are left out."""
        found, steps = Progressed(), []
        for event in json_lines(self._path(job_id) / EVENTS):
            with suppress(KeyError, ValueError, TypeError, AttributeError):
                found = found.after(event)
                if event["kind"] == "step":
                    steps.append(Step.of(event))
        return replace(found, steps=tuple(steps))

    def metrics(self, job: JobState) -> dict[str, Any] | None:
        """The measured figures of a finished run, None where there are none."""
        return read_json(job.out / "metrics.json") if job.status == FINISHED else None

    # Inside ----------------------------------------------------------------------------------------------------

    def _must_be_on(self) -> None:
        if not self.enabled:
            raise TrainingError(OFF)

    def _refuse(self, request: TrainRequest) -> None:
        """What only this side can know; everything else is for training's own checks."""
        self._must_be_on()
        if not _NAME.fullmatch(request.name):
            raise TrainingError(
                f"The name {request.name!r} does not work: use lower-case letters, digits and hyphens, at most 40."
            )
        if request.base and (CODE_ROOT / hub_name(request.base)[0]).exists():
            raise TrainingError(f"{request.base!r} is a folder here: from the page only models of the Hub are trained.")
        places = (self._trained / request.name, self._settings.assets_dir / "adapters" / request.name)
        if request.name in self._taken or any(place.exists() for place in places):
            raise TrainingError(f"There is a model named {request.name!r} already: choose another name.")

    def _copied(self, request: TrainRequest, folder: Path) -> Path | None:
        """The uploaded file under a name of ours in `folder`, None without one."""
        if not isinstance(request.data, Path):
            return None
        kind = request.data.suffix.lower()
        if kind not in DATA_TYPES:
            raise TrainingError(f"Files of type {kind or 'none'} are not read: use {', '.join(DATA_TYPES)}.")
        try:
            size = request.data.stat().st_size
            if size > MAX_DATA_BYTES:
                raise TrainingError(
                    f"The file has {size / 1e6:.0f} MB, and {MAX_DATA_BYTES / 1e6:.0f} MB are the limit."
                )
            return Path(shutil.copyfile(request.data, folder / f"data{kind}"))
        except OSError as error:
            raise TrainingError(f"The uploaded file cannot be read ({error.strerror}): upload it again.") from error

    def _with_cache(self, command: Sequence[str]) -> list[str]:
        """The command with this app's cache, which stands before the sub-command."""
        place = len(self._command)
        return [*command[:place], f"--cache-dir={self._settings.cache_dir}", *command[place:]]

    def _path(self, job_id: str) -> Path:
        folder = self._folder / job_id
        if not re.fullmatch(r"\d{20}", job_id) or not (folder / JOB).is_file():
            raise TrainingError(f"There is no run {job_id!r}: reload the page.")
        return folder

    def _states(self) -> tuple[JobState, ...]:
        folders = sorted(path.parent for path in self._folder.glob(f"[0-9]*/{JOB}"))
        found, ahead = [], 0
        for folder in folders:
            with suppress(OSError, ValueError, KeyError):
                state = self._read(folder, ahead)
                found.append(state)
                ahead += state.is_active
        return tuple(found)

    def _read(self, folder: Path, ahead: int = 0) -> JobState:
        about = json.loads((folder / JOB).read_text(encoding="utf-8"))
        ended, started = read_json(folder / ENDED) or {}, read_json(folder / STARTED) or {}
        out, log = Path(about["out"]), tail(folder / LOG)
        status = status_of(folder, out)
        problem = problem_of(log, ended.get("code")).replace(f"{folder}/", "") if status == FAILED else ""
        return JobState(
            about["id"], about["name"], status, about["preset"], about["data"], out, about["created"],
            started.get("started"), ended.get("ended"), ahead if status == WAITING else 0, problem, log,
        )  # fmt: skip

    def _start_next(self) -> None:
        """Start the oldest waiting run where none runs; the caller holds the lock of the folder."""
        states = self._states()
        waiting = [job for job in states if job.status == WAITING]
        if waiting and not any(job.status == RUNNING for job in states):
            self._children.append(launch_process(self._folder / waiting[0].id, "mrl_demo.jobs.line"))

    def _locked(self) -> AbstractContextManager[None]:
        """One change of the line at a time, over all processes that share the cache."""
        return locked(self._folder / ".lock")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        folder = self._folder / f".check-{time.time_ns()}"
        try:
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            raise unwritable(folder, error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, lock: int) -> None:
    """What a started process does; when its run has ended it starts the next one, even where no page is open."""
    carry_out(folder, lock)
    TrainingJobs(replace(Settings(), cache_dir=folder.parent.parent)).jobs()


if __name__ == "__main__":
    _run(Path(sys.argv[1]), int(sys.argv[2]))
