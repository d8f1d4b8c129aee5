"""Training runs started from the page: each a separate, niced process, one at a time, its state on disk.

A run lives in `cache_dir/jobs/<id>/`: `job.json` (what was asked), `log.txt`, `events.jsonl`, `messages.jsonl`, `lock`
(held by the run's processes as long as one of them lives), `ended.json` (how it ended) and perhaps `cancelled`. Nothing
about a run is kept in memory, so a reload of the page, a restart of the app or a second app on the same cache shows the
same runs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mrl_demo.core.config import CODE_ROOT, Settings
from mrl_demo.core.locks import locked_file
from mrl_demo.core.storage import atomic_folder, sha256_text, unwritable
from mrl_demo.jobs.events import DataCheck, RunProgress, read_events, read_messages
from mrl_demo.jobs.intake import Intake
from mrl_demo.jobs.process import (
    CANCEL_MARK,
    EVENTS,
    FINISHED,
    INTERRUPTED,
    JOB,
    MESSAGES,
    RUNNING,
    WAITING,
    TrainingError,
    carry_out,
    delete_rows,
    end_group,
    last_sign,
    launch_process,
    mark_ended,
    problem_of,
    put_back,
    read_json,
)
from mrl_demo.jobs.request import TrainRequest
from mrl_demo.jobs.state import JobState, as_given, given_names, read_job, read_jobs
from mrl_demo.models.run_folder import METRICS_FILE

MAX_WAITING = 5
TRAIN = (sys.executable, "-m", "training")
_CHECK_SECONDS = 300
_NOT_INTERRUPTED = "Only an interrupted run can be."
#: So long an interrupted run keeps the rows that it was given, to go on with them.
_ROWS_KEPT_SECONDS = 24 * 3600


class TrainingJobs:
    """The line of training runs in a cache folder; no run gets a name that is `taken`.

    `command` stands in for `python -m training` in tests.
    """

    def __init__(self, settings: Settings, command: Sequence[str] = TRAIN, taken: Collection[str] = ()) -> None:
        self._settings, self._command = settings, tuple(command)
        self._folder = settings.cache_dir / "jobs"
        self._trained = settings.cache_dir / "trained"
        self._intake = Intake(settings, self._trained, frozenset(taken))
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def enabled(self) -> bool:
        """Whether runs may be started here."""
        return self._intake.is_open

    @property
    def broad_pairs(self) -> str:
        """The owner's folder of broad pairs, "" without one."""
        return self._settings.broad_pairs

    def check(self, request: TrainRequest) -> DataCheck:
        """What training's own dry run says of configuration, data and wait; raises `TrainingError` with its message."""
        self._intake.check(request)
        with self._scratch() as scratch:
            uploads, heard = self._intake.copy_uploads(request, scratch), scratch / MESSAGES
            places = ["--check", f"--out={scratch / 'out'}", f"--messages={heard}", f"--events={scratch / EVENTS}"]
            code = self._run_check(self._train(request, *places, *self._arguments(request, *uploads)))
            messages = list(read_messages(heard))
            names = given_names(Path(request.data).name, request.parallel.name if request.parallel else "")
            if code:
                problem = as_given(problem_of(messages, code), scratch, names)
                raise TrainingError(problem.text).about(problem.field)
            notes = tuple(as_given(message, scratch, names).text for message in messages if message.kind == "note")
            return DataCheck.of(notes, read_events(scratch / EVENTS))

    def submit(self, request: TrainRequest, session: str = "") -> str:
        """Put a run of a visit in line, start it if none runs, and return its id; raises `TrainingError`."""
        self._intake.check(request)
        self._make_private()
        with self._locked():
            self._refuse_unless_room(request.name)
            job_id = f"{time.time_ns():020d}"
            with atomic_folder(self._folder / job_id) as folder:
                about = self._describe(request, job_id, self._intake.copy_uploads(request, folder))
                about["session"] = _seal_session(session)
                (folder / JOB).write_text(json.dumps(about), encoding="utf-8")
            self._start_next()
        return job_id

    def resume(self, job_id: str, session: str = "") -> None:
        """Put an interrupted run in line again, to be resumed from its last checkpoint.

        Raises `TrainingError` for a run that cannot be, for that of another visit, and if its name is taken by now.
        """
        self._intake.refuse_if_closed()
        with self._locked():
            folder = self._path(job_id)
            self._refuse_strangers(job_id, session)
            job = read_job(folder)
            if not job.can_resume:
                why = job.problem.text if job.problem and job.status == INTERRUPTED else _NOT_INTERRUPTED
                raise TrainingError(f"The run {job.name!r} cannot be resumed. {why}")
            self._intake.refuse_taken(job.name)
            self._refuse_unless_room(job.name)
            put_back(folder)
            self._start_next()

    def may_change(self, job_id: str, session: str) -> bool:
        """Whether a visit may cancel, resume or rescale a run: its own, and any on a page that others cannot reach."""
        about = read_json(self._path(job_id) / JOB) or {}
        return not self._settings.is_public or about.get("session") == _seal_session(session)

    def cancel(self, job_id: str, session: str = "") -> None:
        """Take a run out of the line, or end its processes and no others; an interrupted one leaves nothing behind.

        Raises `TrainingError` for an unknown id, and for the run of another visit.
        """
        self._intake.refuse_if_closed()
        with self._locked():
            folder = self._path(job_id)
            self._refuse_strangers(job_id, session)
            job = read_job(folder)
            if not job.is_active and job.status != INTERRUPTED:
                return
            (folder / CANCEL_MARK).touch()
            end_group(folder)
            mark_ended(folder, None)
            if not self._is_in_line(job.name):  # A later run of the same name may be at work there.
                shutil.rmtree(self._trained / f".{job.name}.training", ignore_errors=True)
            self._start_next()

    def jobs(self) -> tuple[JobState, ...]:
        """All runs, oldest first; a run whose turn has come is started."""
        if not self.enabled:
            return ()
        self._children = [child for child in self._children if child.poll() is None]  # Leaves no zombies.
        with self._locked():
            states = read_jobs(self._folder)
            if any(job.status == WAITING for job in states):
                self._start_next()
                states = read_jobs(self._folder)
        for job in states:
            if not job.is_active and not self._keeps_rows(job):  # Ended from outside, it could not delete them itself.
                delete_rows(self._folder / job.id)
        return states

    def progress(self, job_id: str) -> RunProgress:
        """What a run wrote to its events; lines that are not whole are left out."""
        return RunProgress.of(read_events(self._path(job_id) / EVENTS))

    def metrics(self, job: JobState) -> dict[str, Any] | None:
        """The measured figures of a finished run, None if there are none."""
        return read_json(job.out / METRICS_FILE) if job.status == FINISHED else None

    def rescale(self, job_id: str, share: float, session: str = "") -> None:
        """Keep another share of what a finished run trained; raises `TrainingError` with what training says."""
        self._intake.refuse_if_closed()
        self._refuse_strangers(job_id, session)
        job = read_job(self._path(job_id))
        if job.status != FINISHED:
            raise TrainingError(f"The run {job.name!r} has not finished: only a finished one can be rescaled.")
        with self._scratch() as scratch:
            heard = scratch / MESSAGES
            command = [*self._command, "rescale", str(job.out), f"--share={share:g}", f"--messages={heard}"]
            if code := self._run_check(command):
                raise TrainingError(problem_of(list(read_messages(heard)), code).text)

    def _describe(self, request: TrainRequest, job_id: str, uploads: tuple[Path | None, Path | None]) -> dict[str, Any]:
        """What `job.json` holds; the uploaded file is named as it will lie when the run's folder is in its place."""
        final, out = self._folder / job_id, self._trained / request.name
        data, parallel = (final / upload.name if upload else None for upload in uploads)
        places = [f"--out={out}", f"--events={final / EVENTS}", f"--messages={final / MESSAGES}"]
        return asdict(request) | {
            "data": Path(request.data).name,
            "parallel": request.parallel.name if request.parallel else "",
            "id": job_id,
            "created": time.time(),
            "out": str(out),
            "preset": "layers too" if request.layers else request.preset,
            "command": self._train(request, *places, *self._arguments(request, data, parallel)),
        }

    def _run_check(self, command: Sequence[str]) -> int:
        try:
            return subprocess.run(
                command, cwd=CODE_ROOT, capture_output=True, check=False, timeout=_CHECK_SECONDS,
                stdin=subprocess.DEVNULL,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            raise TrainingError(
                "The check took over five minutes: try a smaller file, or start the run, which downloads and reads "
                "for as long as it takes."
            ) from None

    def _arguments(self, request: TrainRequest, data: Path | None, parallel: Path | None) -> list[str]:
        return request.arguments(data, self._settings.broad_pairs, parallel)

    def _train(self, request: TrainRequest, *arguments: str) -> list[str]:
        """The command that trains with this app's cache."""
        return [*self._command, request.command, f"--cache-dir={self._settings.cache_dir}", *arguments]

    def _refuse_unless_room(self, name: str) -> None:
        """Raise `TrainingError` if the line is full or has a run of that name."""
        if sum(job.status == WAITING for job in read_jobs(self._folder)) >= MAX_WAITING:
            raise TrainingError(f"{MAX_WAITING} runs wait already: cancel one or come back later.")
        if self._is_in_line(name):
            raise TrainingError(f"A run named {name!r} is in line already: choose another name.").about("name")

    def _is_in_line(self, name: str) -> bool:
        return any(job.name == name and job.is_active for job in read_jobs(self._folder))

    def _keeps_rows(self, job: JobState) -> bool:
        """Whether an interrupted run may still want the rows that it was given."""
        is_fresh = time.time() - last_sign(self._folder / job.id) < _ROWS_KEPT_SECONDS
        return job.status == INTERRUPTED and is_fresh

    def _refuse_strangers(self, job_id: str, session: str) -> None:
        if not self.may_change(job_id, session):
            raise TrainingError("Only the visit that started this run can change or cancel it.")

    def _make_private(self) -> None:
        """Let nobody else on this machine into the folder of runs, which holds what people upload."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._folder.chmod(0o700)
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def _path(self, job_id: str) -> Path:
        folder = self._folder / job_id
        if not re.fullmatch(r"\d{20}", job_id) or not (folder / JOB).is_file():
            raise TrainingError(f"There is no run {job_id!r}: reload the page.")
        return folder

    def _start_next(self) -> None:
        """Start the oldest waiting run if none runs; the caller holds the lock of the folder."""
        states = read_jobs(self._folder)
        waiting = [job for job in states if job.status == WAITING]
        if waiting and not any(job.status == RUNNING for job in states):
            self._children.append(launch_process(self._folder / waiting[0].id, "mrl_demo.jobs.line"))

    def _locked(self) -> AbstractContextManager[None]:
        """One change of the line at a time, over all processes that share the cache."""
        return locked_file(self._folder / ".lock")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        folder = self._folder / f".check-{time.time_ns()}"
        self._make_private()
        try:
            folder.mkdir(parents=True)
            yield folder
        except OSError as error:
            raise unwritable(folder, error) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _seal_session(session: str) -> str:
    """What the folder of a run says of the visit that started it: nothing that anybody could use."""
    return sha256_text(session)


def _run(folder: Path, lock: int) -> None:
    """What a started process does; when its run has ended it starts the next one, even if no page is open."""
    carry_out(folder, lock)
    TrainingJobs(replace(Settings(), cache_dir=folder.parent.parent)).jobs()


if __name__ == "__main__":
    _run(Path(sys.argv[1]), int(sys.argv[2]))
