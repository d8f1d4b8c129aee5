from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import Progress
from mrl_demo.ui.shared import heavy
from mrl_demo.ui.shared.fairness import FairTurns
from mrl_demo.ui.shared.heavy import STOPPED, STOPPING, Caller, HeavyLine, HeavyTask, Turn, WaitStanding
from tests.ui.pages import run_apart

ME, YOU = Caller("me", "10.0.0.1"), Caller("you", "10.0.0.2")


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def follow(turn: Turn[int]) -> list[WaitStanding]:
    async def steps() -> list[WaitStanding]:
        return [standing async for standing in turn.follow()]

    return run_apart(steps())


class Slow:
    """A task that goes on until it is let go, or until progress ends it."""

    def __init__(self, key: object = None, share: float = 0.25) -> None:
        self.runs, self.share = 0, share
        self.go_on = threading.Event()
        self.ended = threading.Event()
        self.task = HeavyTask(key or self, "building it", self.run)

    def run(self, progress: Progress) -> int:
        self.runs += 1
        try:
            while True:
                progress(self.share, "a long step")
                if self.go_on.wait(0.01):
                    return 7
        finally:
            self.ended.set()


def test_who_asks_for_the_same_waits_for_the_same() -> None:
    line, slow = HeavyLine("builds"), Slow("same")
    mine, yours = line.join(ME, "build", slow.task), line.join(YOU, "build", HeavyTask("same", "", lambda _: 8))
    wait_for(lambda: mine.standing() == WaitStanding(0.25, "a long step"))
    slow.go_on.set()
    follow(mine)
    assert (mine.result, yours.result, slow.runs) == (7, 7, 1)


def test_one_task_at_a_time_and_who_waits_reads_for_what() -> None:
    line, first, second, third = HeavyLine("builds"), Slow(), Slow(), Slow()
    line.join(YOU, "build", first.task)
    mine, last = line.join(ME, "build", second.task), line.join(Caller("she"), "build", third.task)
    wait_for(lambda: mine.standing().line == "Another visitor is building it (25%); yours is next.")
    assert "2 builds before yours" in last.standing().line
    assert second.runs == 0
    first.go_on.set()
    wait_for(lambda: mine.standing().line == "a long step")
    second.go_on.set()
    third.go_on.set()
    follow(last)
    assert last.result == 7


@pytest.mark.parametrize(
    ("error", "words"),
    [(LabError("no queries: add some"), "no queries: add some"), (ZeroDivisionError("x"), "mistake")],
)
def test_a_task_that_fails_says_why(error: Exception, words: str) -> None:
    def fail(_progress: Progress) -> int:
        raise error

    turn = HeavyLine("builds").join(ME, "build", HeavyTask("it", "", fail))
    follow(turn)
    assert turn.result is None
    assert words in turn.problem
    assert not turn.was_stopped


def test_a_stopped_task_says_so_until_its_step_ends() -> None:
    line, go_on = HeavyLine("measurements"), threading.Event()

    def run(progress: Progress) -> int:
        progress(0.25, "a long step")
        go_on.wait(10)
        progress(0.5, "the next step")
        return 7

    turn = line.join(ME, "sweep", HeavyTask("it", "", run))
    wait_for(lambda: turn.standing().line == "a long step")
    assert line.find("you", "sweep") is None
    assert line.find("me", "sweep") is turn
    turn.stop()
    assert turn.standing() == WaitStanding(0.25, STOPPING)
    go_on.set()
    follow(turn)
    assert (turn.problem, turn.was_stopped, turn.result) == (STOPPED, True, None)


def test_a_task_goes_on_while_one_of_two_still_waits_for_it() -> None:
    line, slow = HeavyLine("builds"), Slow("same")
    mine, yours = line.join(ME, "build", slow.task), line.join(YOU, "build", slow.task)
    mine.stop()
    assert follow(mine) == []
    slow.go_on.set()
    follow(yours)
    assert yours.result == 7


def test_asking_for_something_else_gives_up_what_one_waited_for() -> None:
    line, first, second = HeavyLine("builds"), Slow(), Slow()
    old = line.join(ME, "build", first.task)
    wait_for(lambda: first.runs == 1)
    new = line.join(ME, "build", second.task)
    assert first.ended.wait(10)
    second.go_on.set()
    follow(new)
    assert (old.result, old.problem, new.result) == (None, "", 7)


def test_what_nobody_listens_to_ends_and_is_found_again_if_one_is_quick() -> None:
    line, slow = HeavyLine("builds", grace=0.3), Slow("same")
    line.join(Caller("gone", hears=lambda: False), "build", slow.task)
    back = line.join(Caller("after the reload"), "build", slow.task)
    assert not slow.ended.wait(0.2)
    assert slow.runs == 1
    back.heard = 0.0  # Leaves too, long ago.
    assert slow.ended.wait(10)
    left = line.join(Caller("gone", hears=lambda: False), "build", Slow().task)
    started = time.monotonic()
    follow(left)
    assert time.monotonic() - started < 5


def test_forty_of_one_caller_do_not_keep_others_out() -> None:
    line = HeavyLine("measurements", most_waiting=8, most_of_one=4)
    refused, jobs = 0, [Slow() for _ in range(40)]
    for number, job in enumerate(jobs):
        try:
            line.join(Caller(f"made up {number}", "10.0.0.1"), "sweep", job.task)
        except LabError as error:
            assert "waiting already" in str(error)
            refused += 1
        wait_for(lambda: jobs[0].runs == 1)
    assert refused == 35  # One is under way and four wait.
    mine = Slow()
    turn = line.join(YOU, "sweep", mine.task)
    for job in (*jobs, mine):
        job.go_on.set()
    follow(turn)
    assert turn.result == 7


def test_waiting_tasks_that_nobody_hears_of_make_room() -> None:
    line, first = HeavyLine("measurements", most_waiting=2, most_of_one=2, grace=0.2), Slow()
    line.join(YOU, "sweep", first.task)
    wait_for(lambda: first.runs == 1)
    for number in range(2):
        line.join(Caller(f"gone {number}", ME.address, hears=lambda: False), "sweep", Slow().task)
    with pytest.raises(LabError, match="waiting already"):
        line.join(ME, "sweep", Slow().task)
    time.sleep(0.25)
    line.join(ME, "sweep", Slow().task)
    first.go_on.set()


def test_a_visitor_who_asks_for_much_takes_turns_with_one_who_asks_for_little() -> None:
    line, first = HeavyLine("measurements"), Slow()
    done: list[str] = []
    line.join(Caller("greedy", "10.0.0.9"), "sweep", first.task)
    wait_for(lambda: first.runs == 1)

    def noting(name: str) -> HeavyTask[int]:
        return HeavyTask(name, "", lambda _: done.append(name) or 7)

    for number in range(3):
        last = line.join(Caller("greedy", "10.0.0.9"), f"kind {number}", noting(f"greedy {number}"))
    mine = line.join(ME, "sweep", noting("mine"))
    yours = line.join(YOU, "sweep", noting("yours"))
    assert "yours is next" in mine.standing().line
    assert "2 measurements before yours" in yours.standing().line
    assert "5 measurements before this. Stop the other" in last.standing().line
    first.go_on.set()
    follow(last)
    assert done == ["mine", "yours", "greedy 0", "greedy 1", "greedy 2"]


def test_sessions_made_up_at_one_address_gain_no_turns() -> None:
    line, first, done = HeavyLine("measurements"), Slow(), list[str]()
    line.join(YOU, "sweep", first.task)
    wait_for(lambda: first.runs == 1)
    for number in range(3):
        line.join(Caller(f"x{number}", "9"), "sweep", HeavyTask(number, "", lambda _, n=number: done.append(f"x{n}")))
    last = line.join(ME, "sweep", HeavyTask("mine", "", lambda _: done.append("mine")))
    first.go_on.set()
    follow(last)
    assert done[:2] == ["x0", "mine"]


def test_nobody_is_served_on_two_lines_while_others_wait() -> None:
    turns = FairTurns()
    builds, measurements = HeavyLine("builds", turns=turns), HeavyLine("measurements", turns=turns)
    sweep, before, done = Slow(), Slow(), list[str]()
    measurements.join(ME, "sweep", sweep.task)
    builds.join(YOU, "build", before.task)
    wait_for(lambda: sweep.runs == before.runs == 1)
    mine = builds.join(ME, "build", HeavyTask("mine", "", lambda _: done.append("mine")))
    builds.join(Caller("she", "10.0.0.3"), "build", HeavyTask("hers", "", lambda _: done.append("hers")))
    before.go_on.set()
    follow(mine)
    sweep.go_on.set()
    assert done == ["hers", "mine"]


def test_a_newcomer_gets_a_place_on_a_full_line() -> None:
    line, first = HeavyLine("measurements", most_waiting=2), Slow()
    for number in range(3):
        line.join(Caller("greedy", "10.0.0.9"), f"{number}", first.task if number == 0 else Slow().task)
        wait_for(lambda: first.runs == 1)
    with pytest.raises(LabError, match="waiting already"):
        line.join(Caller("greedy", "10.0.0.9"), "one more", Slow().task)
    assert "yours is next" in line.join(ME, "sweep", Slow().task).standing().line
    with pytest.raises(LabError, match="waiting already"):
        line.join(ME, "another", Slow().task)


def test_a_task_over_its_limit_ends_with_words_and_the_next_begins() -> None:
    line, slow = HeavyLine("builds", most_seconds=0.3), Slow()
    turn = line.join(ME, "build", slow.task)
    after = line.join(YOU, "build", HeavyTask("quick", "", lambda _: 7))
    follow(turn)
    assert slow.ended.is_set()
    assert turn.problem.startswith("This took longer than 0.3 s and was stopped: ask for less")
    assert not turn.was_stopped
    follow(after)
    assert after.result == 7


def test_who_follows_a_task_that_says_nothing_any_more_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heavy, "_LAST_STEP_SECONDS", 0.1)
    line, go_on = HeavyLine("builds", most_seconds=0.2), threading.Event()
    turn = line.join(ME, "build", HeavyTask("stuck", "", lambda _: go_on.wait(20)))
    follow(turn)
    assert "took longer than 0.2 s" in turn.problem
    go_on.set()
