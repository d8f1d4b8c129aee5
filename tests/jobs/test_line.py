"""Runs as processes: a stand-in for `python -m training` writes events, and nothing of it is trained."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mrl_demo.arms.catalogue import reserved_names
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import ModelError
from mrl_demo.jobs.intake import MAX_DATA_BYTES, MOST_STEPS
from mrl_demo.jobs.line import MAX_WAITING, TrainingJobs
from mrl_demo.jobs.process import CANCELLED, FAILED, FINISHED, INTERRUPTED, RUNNING, WAITING, TrainingError
from mrl_demo.jobs.request import Levers, TrainRequest
from mrl_demo.jobs.state import JobState

WAIT_SECONDS = 20
FAKE = """
import json, os, pathlib, subprocess, sys, time
flags = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
def say(kind, text, field=""):
    with pathlib.Path(flags["--messages"]).open("a") as handle:
        handle.write(json.dumps({"kind": kind, "text": text, "field": field}) + "\\n")
if sys.argv[1] == "rescale":
    if flags["--share"] == "0.7":
        sys.exit(say("error", "no finished run") or 2)
    sys.exit(pathlib.Path(sys.argv[2], "share").write_text(flags["--share"]) and 0)
if "--check" in sys.argv:
    say("progress", "Reading")
    if flags.get("--dims") == "64,32":
        sys.exit(say("error", "dims is (64, 32): rising order.", "dims") or 2)
    say("note", f"data{pathlib.Path(flags['--data']).suffix}: query = 'q'")
    sys.exit(0)
out, events, mode = pathlib.Path(flags["--out"]), pathlib.Path(flags["--events"]), flags["--preset"]
def write(**event):
    with events.open("a") as handle:
        handle.write(json.dumps(event) + "\\n")
write(kind="base", ndcg={"8": 0.3, "64": 0.6})
write(kind="step", step=1, of=2, seconds_left=9, loss=1.5, task="pairs", loss_by_dim={"64": 1.0, "8": 2.0})
if mode == "hold" and "--resume" not in sys.argv:
    inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (events.parent / "inner").write_text(str(inner.pid))
    (events.parent / "pid").write_text(str(os.getpid()))
    time.sleep(60)
if mode == "crash":
    sys.exit(print("Traceback\\nValueError: a secret of the loop", file=sys.stderr) or 3)
if mode == "refuse":
    sys.exit(say("error", "data.csv has 3 usable rows: at least 20 are needed.") or 2)
write(kind="validation", step=2, of=2, seconds_left=0, ndcg={"8": 0.4, "64": 0.7})
out.mkdir(parents=True)
if mode == "whole":
    (out / "model").mkdir()
    (out / "model" / "modules.json").write_text("[]")
elif mode != "empty":
    (out / "adapter.json").write_text("{}")
(out / "metrics.json").write_text('{"test": []}')
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), cache_dir=tmp_path)


@pytest.fixture
def line(settings: Settings, tmp_path: Path) -> Iterator[TrainingJobs]:
    found = again(settings, tmp_path)
    yield found
    for job in reversed(found.jobs()):
        if job.is_active:
            found.cancel(job.id)


def again(settings: Settings, tmp_path: Path) -> TrainingJobs:
    """The same line as another start of the app sees it."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE, encoding="utf-8")
    return TrainingJobs(settings, (sys.executable, str(script)))


def state(line: TrainingJobs, job_id: str) -> JobState:
    return next(job for job in line.jobs() if job.id == job_id)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def ended(line: TrainingJobs, job_id: str) -> JobState:
    until(lambda: not state(line, job_id).is_active)
    return state(line, job_id)


def held(line: TrainingJobs, folder: Path, name: str = "holding") -> tuple[str, int]:
    """A run in the middle, and the process id of its training."""
    job_id = line.submit(TrainRequest(name, "hold"))
    pid = folder / "jobs" / job_id / "pid"
    until(lambda: pid.is_file() and pid.read_text())
    return job_id, int(pid.read_text())


def test_a_run_reports_and_finishes(line: TrainingJobs, tmp_path: Path) -> None:
    job = ended(line, line.submit(TrainRequest("mine", steps=2)))
    assert (job.status, job.problem) == (FINISHED, None)
    assert job.out == tmp_path / "trained" / "mine"
    found = line.progress(job.id)
    assert found.base is not None
    assert (found.base.ndcg, found.steps[0].loss_by_dim) == ({8: 0.3, 64: 0.6}, {8: 2.0, 64: 1.0})
    assert (found.validations[0].ndcg[64], found.total_steps, found.step) == (0.7, 2, 1)
    assert line.metrics(job) == {"test": []}


def test_a_run_on_another_base_finishes_with_a_whole_model(line: TrainingJobs) -> None:
    assert ended(line, line.submit(TrainRequest("mine", "whole"))).status == FINISHED


def test_the_next_waits_in_line_and_starts_by_itself(line: TrainingJobs, tmp_path: Path) -> None:
    first, _ = held(line, tmp_path)
    second, third = line.submit(TrainRequest("second")), line.submit(TrainRequest("third"))
    assert [job.status for job in line.jobs()] == [RUNNING, WAITING, WAITING]
    assert [job.ahead for job in line.jobs()] == [0, 1, 2]
    line.cancel(third)
    line.cancel(first)
    assert ended(line, second).status == FINISHED
    assert [job.status for job in line.jobs()] == [CANCELLED, FINISHED, CANCELLED]


def test_the_line_moves_on_with_no_app_at_all(line: TrainingJobs, tmp_path: Path) -> None:
    first = line.submit(TrainRequest("first"))
    second = line.submit(TrainRequest("second"))
    until(lambda: (tmp_path / "jobs" / second / "ended.json").is_file())  # Nobody asks `jobs()` meanwhile.
    assert [job.status for job in line.jobs()] == [FINISHED, FINISHED], first


def test_cancelling_ends_the_run_with_its_children_and_nothing_else(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, pid = held(line, tmp_path)
    inner = int((tmp_path / "jobs" / job_id / "inner").read_text())
    line.cancel(job_id)
    assert state(line, job_id).status == CANCELLED
    until(lambda: not lives(pid) and not lives(inner))
    line.cancel(job_id)  # Once more is nothing.


@pytest.mark.parametrize(
    ("mode", "words"), [("crash", "code 3"), ("refuse", "at least 20"), ("empty", "without a model")]
)
def test_a_run_that_breaks_off_is_never_finished(line: TrainingJobs, mode: str, words: str) -> None:
    job = ended(line, line.submit(TrainRequest("broken", mode)))
    assert job.status == FAILED
    assert job.problem is not None and words in job.problem.text
    assert line.metrics(job) is None
    if mode == "crash":
        assert job.log_tail[-1] == "ValueError: a secret of the loop"


def test_kill_9_of_the_training_interrupts_it(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, pid = held(line, tmp_path)
    inner = int((tmp_path / "jobs" / job_id / "inner").read_text())
    os.kill(pid, signal.SIGKILL)
    os.kill(inner, signal.SIGKILL)
    job = ended(line, job_id)
    assert (job.status, job.can_resume) == (INTERRUPTED, True)
    assert job.problem is not None and "memory" in job.problem.text and "It can be resumed" in job.problem.text


def test_kill_9_of_everything_interrupts_it_and_the_next_starts(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, pid = held(line, tmp_path)
    after = line.submit(TrainRequest("after"))
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    assert ended(line, job_id).status == INTERRUPTED
    assert ended(line, after).status == FINISHED


def test_an_interrupted_run_goes_on_with_its_rows(line: TrainingJobs, settings: Settings, tmp_path: Path) -> None:
    job_id, rows = interrupted(line, tmp_path)
    assert state(line, job_id).can_resume and rows.is_file()
    other = again(settings, tmp_path)  # The app was started again meanwhile.
    other.resume(job_id)
    job = ended(line, job_id)
    assert (job.status, job.was_resumed, job.problem) == (FINISHED, True, None)
    assert not rows.exists()
    assert [step.step for step in line.progress(job_id).steps] == [1]  # Said twice, counted once.
    with pytest.raises(TrainingError, match="Only an interrupted run can be"):
        line.resume(job_id)


def test_an_interrupted_run_can_be_discarded(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, rows = interrupted(line, tmp_path)
    checkpoints = tmp_path / "trained" / ".holding.training"
    checkpoints.mkdir(parents=True)
    line.cancel(job_id)
    assert state(line, job_id).status == CANCELLED
    assert not rows.exists() and not checkpoints.exists()
    with pytest.raises(TrainingError, match="cannot be resumed"):
        line.resume(job_id)


def test_an_interrupted_run_keeps_its_rows_for_a_day(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, rows = interrupted(line, tmp_path)
    for path in (tmp_path / "jobs" / job_id).iterdir():
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    line.jobs()
    assert not rows.exists()
    job = state(line, job_id)
    assert job.problem is not None and not job.can_resume and "start it again with your file" in job.problem.text
    with pytest.raises(TrainingError, match="Its rows were deleted a day later"):
        line.resume(job_id)


def test_an_interrupted_run_gives_way_to_a_later_one_of_its_name(line: TrainingJobs, tmp_path: Path) -> None:
    job_id, _ = interrupted(line, tmp_path)
    later, _ = held(line, tmp_path)
    checkpoints = tmp_path / "trained" / ".holding.training"
    checkpoints.mkdir(parents=True)
    with pytest.raises(TrainingError, match="in line already"):
        line.resume(job_id)
    line.cancel(job_id)
    assert checkpoints.is_dir()
    line.cancel(later)
    taken, _ = interrupted(line, tmp_path)
    ended(line, line.submit(TrainRequest("holding")))
    with pytest.raises(TrainingError, match="already: choose another name"):
        line.resume(taken)


def interrupted(line: TrainingJobs, folder: Path) -> tuple[str, Path]:
    """A run from an uploaded file that the machine took down in the middle, and its copy of the file."""
    upload = folder / "mine.csv"
    upload.write_text("q,p\na,b\n", encoding="utf-8")
    job_id = line.submit(TrainRequest("holding", "hold", data=upload))
    pid = folder / "jobs" / job_id / "pid"
    until(lambda: pid.is_file() and pid.read_text())
    os.killpg(os.getpgid(int(pid.read_text())), signal.SIGKILL)
    assert ended(line, job_id).status == INTERRUPTED
    return job_id, folder / "jobs" / job_id / "data.csv"


def test_a_restart_of_the_app_shows_the_same_runs(line: TrainingJobs, settings: Settings, tmp_path: Path) -> None:
    job_id, pid = held(line, tmp_path)
    other = again(settings, tmp_path)
    assert other.jobs() == line.jobs()
    assert other.progress(job_id) == line.progress(job_id)
    other.cancel(job_id)
    assert state(line, job_id).status == CANCELLED
    until(lambda: not lives(pid))


def test_half_written_and_malformed_events_are_left_out(line: TrainingJobs, tmp_path: Path) -> None:
    job = ended(line, line.submit(TrainRequest("mine")))
    with (tmp_path / "jobs" / job.id / "events.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('[1]\n{"kind": "step"}\n{"kind": "step", "step": 2, "of')
    assert len(line.progress(job.id).steps) == 1


def test_uploads_are_copied_under_a_name_of_ours(line: TrainingJobs, tmp_path: Path) -> None:
    upload = tmp_path / "--out=..;rm -rf.CSV"
    upload.write_text("q,p\n", encoding="utf-8")
    assert line.check(TrainRequest("mine", data=upload)).notes == ("--out=..;rm -rf.CSV: query = 'q'",)
    job = ended(line, line.submit(TrainRequest("mine", data=upload)))
    command = json.loads((tmp_path / "jobs" / job.id / "job.json").read_text())["command"]
    assert f"--data={tmp_path / 'jobs' / job.id / 'data.csv'}" in command
    assert not any(";rm" in part for part in command)


def test_parallel_texts_go_along_and_go_at_the_end_and_a_teacher_is_of_the_hub(
    line: TrainingJobs, tmp_path: Path
) -> None:
    upload = tmp_path / "translations.csv"
    upload.write_text("q,p\n", encoding="utf-8")
    request = TrainRequest("mine", parallel=upload, levers=Levers(teacher="owner/large"))
    folder = tmp_path / "jobs" / ended(line, line.submit(request)).id
    command = json.loads((folder / "job.json").read_text())["command"]
    assert {f"--parallel={folder / 'parallel.csv'}", "--teacher=owner/large"} <= set(command)
    assert not list(folder.glob("parallel.*"))
    with pytest.raises(TrainingError, match="only models of the Hub"):
        line.submit(TrainRequest("other", levers=Levers(teacher="assets/adapters")))


def test_broad_pairs_are_those_of_the_owner(line: TrainingJobs, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--pairs DIR or MRL_BROAD_PAIRS"):
        line.submit(TrainRequest("mine", is_broad=True))
    (tmp_path / "broad").mkdir()
    owned = again(replace(settings, broad_pairs=str(tmp_path / "broad")), tmp_path)
    job = ended(owned, owned.submit(TrainRequest("mine", is_broad=True)))
    command = json.loads((tmp_path / "jobs" / job.id / "job.json").read_text())["command"]
    assert f"--pairs={tmp_path / 'broad'}" in command


@pytest.mark.parametrize("name", ["", "../up", "A", "tuned", "-x", "a" * 41, "a b", "x\n"])
def test_names_that_are_no_folder_names_are_refused(line: TrainingJobs, name: str) -> None:
    with pytest.raises(TrainingError, match="name"):
        line.submit(TrainRequest(name))
    assert line.jobs() == ()


@pytest.mark.parametrize(
    ("base", "error"),
    [
        ("/etc/models", ModelError),
        ("../x/y", ModelError),
        ("a/b@;x", ModelError),
        ("a/b@../../c", ModelError),
        ("assets/adapters", TrainingError),
    ],
)
def test_a_base_that_is_no_hub_model_is_refused(line: TrainingJobs, base: str, error: type[Exception]) -> None:
    for act in (line.submit, line.check):
        with pytest.raises(error, match=re.escape(repr(base))):
            act(TrainRequest("mine", base=base))
    assert line.jobs() == ()


def test_a_taken_name_is_refused(line: TrainingJobs, tmp_path: Path) -> None:
    (tmp_path / "trained" / "mine").mkdir(parents=True)
    with pytest.raises(TrainingError, match="already"):
        line.submit(TrainRequest("mine"))
    held(line, tmp_path)
    with pytest.raises(TrainingError, match="in line already"):
        line.submit(TrainRequest("holding"))


def test_names_of_the_page_s_own_methods_are_refused(settings: Settings) -> None:
    line = TrainingJobs(settings, taken=reserved_names())
    for name in ("base", "adapted", "minilm", "tuned"):
        with pytest.raises(TrainingError, match=f"There is a model named '{name}' already"):
            line.submit(TrainRequest(name))


def test_a_finished_run_is_rescaled_and_a_running_one_is_not(line: TrainingJobs, tmp_path: Path) -> None:
    job_id = line.submit(TrainRequest("mine"))
    finished = ended(line, job_id)
    line.rescale(job_id, 0.25)
    assert (finished.out / "share").read_text() == "0.25"
    with pytest.raises(TrainingError, match="no finished run"):
        line.rescale(job_id, 0.7)
    holding, _ = held(line, tmp_path)
    with pytest.raises(TrainingError, match="has not finished"):
        line.rescale(holding, 0.5)


def test_the_line_has_an_end(line: TrainingJobs, tmp_path: Path) -> None:
    held(line, tmp_path)
    for i in range(MAX_WAITING):
        line.submit(TrainRequest(f"run-{i}"))
    with pytest.raises(TrainingError, match="wait already"):
        line.submit(TrainRequest("one-more"))


def test_the_wrong_kind_or_size_of_file_is_refused(line: TrainingJobs, tmp_path: Path) -> None:
    program, big = tmp_path / "x.py", tmp_path / "big.csv"
    program.write_text("1", encoding="utf-8")
    with big.open("wb") as handle:
        handle.truncate(MAX_DATA_BYTES + 1)
    for upload, words in ((program, ".py"), (big, "limit"), (tmp_path / "gone.csv", "cannot be read")):
        with pytest.raises(TrainingError, match=words):
            line.submit(TrainRequest("mine", data=upload))
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [".lock"]


def test_the_check_says_what_training_says(line: TrainingJobs) -> None:
    with pytest.raises(TrainingError, match=r"^dims is \(64, 32\): rising order\.$"):
        line.check(TrainRequest("mine", dims=(64, 32)))


@pytest.mark.parametrize("job_id", ["", "..", "../../etc", "1" * 20])
def test_unknown_runs_are_named(line: TrainingJobs, job_id: str) -> None:
    with pytest.raises(TrainingError, match="no run"):
        line.cancel(job_id)


def test_a_run_belongs_to_the_visit_that_started_it_and_its_rows_to_nobody(settings: Settings, tmp_path: Path) -> None:
    line = again(replace(settings, training_enabled=True, host="0.0.0.0"), tmp_path)
    rows = tmp_path / "mine.csv"
    rows.write_text("q,p\na,b\n", encoding="utf-8")
    job_id = line.submit(TrainRequest("mine", "hold", data=rows), "visit")
    folder = tmp_path / "jobs" / job_id
    until(lambda: (folder / "pid").is_file())
    assert (tmp_path / "jobs").stat().st_mode & 0o077 == 0
    assert (folder / "events.jsonl").stat().st_mode & 0o077 == 0
    assert (folder / "data.csv").is_file()
    assert "visit" not in (folder / "job.json").read_text(encoding="utf-8")
    for session in ("another", ""):
        assert not line.may_change(job_id, session)
        with pytest.raises(TrainingError, match="Only the visit that started this run"):
            line.cancel(job_id, session)
        with pytest.raises(TrainingError, match="Only the visit that started this run"):
            line.rescale(job_id, 0.5, session)
        with pytest.raises(TrainingError, match="Only the visit that started this run"):
            line.resume(job_id, session)
    line.cancel(job_id, "visit")
    assert state(line, job_id).status == CANCELLED
    assert not (folder / "data.csv").exists()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"steps": MOST_STEPS + 1}, "steps", "a page trains at most 20,000"),
        ({"steps": int(1e308)}, "steps", "steps is so many"),
        ({"weights": "1" * 200_000}, "weights", "at most 500 characters"),
        ({"query_column": "q\0"}, "query_column", "none of them NUL"),
    ],
)
def test_more_than_a_page_gives_is_refused(line: TrainingJobs, change: dict[str, Any], field: str, words: str) -> None:
    for act in (line.check, line.submit):
        with pytest.raises(TrainingError, match=words) as refused:
            act(TrainRequest("mine", **change))
        assert refused.value.field == field


def test_where_training_is_off_nothing_starts(settings: Settings, tmp_path: Path) -> None:
    line = again(replace(settings, training_enabled=False), tmp_path)
    for act in (line.check, line.submit):
        with pytest.raises(TrainingError, match="MRL_TRAINING_ENABLED=1"):
            act(TrainRequest("mine"))
    with pytest.raises(TrainingError, match="MRL_TRAINING_ENABLED=1"):
        line.cancel("1" * 20)
    assert line.jobs() == ()
    assert not (tmp_path / "jobs").exists()


def lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"
