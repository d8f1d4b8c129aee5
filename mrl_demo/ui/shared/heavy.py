"""Heavy work in turn: one at a time at low priority, shared by all who ask for the same, ended if nobody waits.

Visitors take turns (`FairTurns`), and no task goes on for longer than its line allows.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mrl_demo.core.errors import Cancelled, LabError
from mrl_demo.core.process import lower_thread_priority
from mrl_demo.core.types import Progress
from mrl_demo.ui.components.text import about_time, exact_time
from mrl_demo.ui.shared.fairness import Claimant, FairTurns
from mrl_demo.ui.shared.guard import guarded

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.2
#: How long work goes on, or keeps its place, with nobody waiting: enough to find it again after a reload.
GRACE_SECONDS = 10.0
#: A guess from the first moments of a work would be wild.
_SECONDS_BEFORE_A_GUESS = 3.0
#: Who has nothing waiting gets a place even if the line is full of others' tasks, until it is so many times as long.
_ROOM_FOR_NEWCOMERS = 4
#: How much later than its limit a task may say something, before those who follow it are told that it is over.
_LAST_STEP_SECONDS = 15.0
STOPPING = "Stopping after the step under way."
STOPPED = "Stopped. What was shown before is still here."


@dataclass(frozen=True)
class Caller:
    """Who asks: a visitor's session, the address it comes from, and whether its browser is still there to hear."""

    session: str = ""
    address: str = ""
    hears: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class HeavyTask(Generic[_Result]):
    """What is to be done: `run(progress)`; tasks of one `key` are the same, and `doing` tells others what it is.

    >>> HeavyTask(("python", "base"), "building the Python reference", lambda progress: 7).doing
    'building the Python reference'
    """

    key: Hashable
    doing: str
    run: Callable[[Progress], _Result]


@dataclass(frozen=True)
class WaitStanding:
    """How far a visitor's task is: share in 0..1 (0 while it waits) and a line for whoever waits."""

    share: float
    line: str


@dataclass(eq=False)
class _Work:
    """A task on the line and the turns of those who wait for it."""

    task: HeavyTask[Any]
    grace: float
    most_seconds: float
    turns: set[Turn[Any]] = field(default_factory=set)
    share: float = 0.0
    line: str = "Starting"
    started: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)
    result: Any = None
    problem: str = ""
    was_stopped: bool = False

    def is_awaited(self) -> bool:
        """Whether a visitor has been heard of lately."""
        now = time.monotonic()
        return any(now - turn.heard < self.grace for turn in list(self.turns))

    def claimants(self) -> set[Claimant]:
        """Sessions and addresses that wait for it."""
        return {Claimant(turn.caller.session, turn.caller.address) for turn in list(self.turns)}

    def is_overdue(self, by: float = 0.0) -> bool:
        """Whether it is under way for more than its limit and `by` seconds."""
        return self.started > 0 and time.monotonic() - self.started > self.most_seconds + by

    @property
    def too_long(self) -> str:
        """What is said once it has taken too long."""
        return (
            f"This took longer than {exact_time(self.most_seconds)} and was stopped: ask for less (fewer queries, "
            "lengths or documents), or use the command line, which has no limit."
        )

    def run(self) -> None:
        """Do the work, and keep its result or problem."""
        self.started = time.monotonic()
        self.result = guarded(lambda: self.task.run(self._progress), self._fail)
        self.ended.set()

    def drop(self) -> None:
        """End it undone, as nobody waits."""
        self._fail(Cancelled("nobody waits for it"))
        self.ended.set()

    def _fail(self, error: LabError) -> None:
        self.was_stopped = isinstance(error, Cancelled) and not isinstance(error, _OutOfTime)
        self.problem = STOPPED if self.was_stopped else str(error)

    def _progress(self, share: float, line: str) -> None:
        if not self.is_awaited():
            raise Cancelled("nobody waits for it")
        if self.is_overdue():
            raise _OutOfTime(self.too_long)
        self.share, self.line = min(1.0, max(0.0, share)), line

    @property
    def left(self) -> str:
        """About how long it still takes, "" if that cannot be told yet."""
        took = time.monotonic() - self.started
        if took < _SECONDS_BEFORE_A_GUESS or self.share < 0.01:
            return ""
        return about_time(took * (1 - self.share) / self.share)


class _OutOfTime(Cancelled):
    """A stop like any other to the work; only those who wait are told another reason."""


class Turn(Generic[_Result]):
    """One visitor's place on a line; after `follow` ended, `result` is what the task gave, or `problem` says why not.

    Both are empty for who left: another task of the same visitor took the place of this one.
    """

    def __init__(self, line: HeavyLine, work: _Work, caller: Caller) -> None:
        self._line, self._work, self.caller = line, work, caller
        self.heard = time.monotonic()
        self.has_left = False
        self._is_stopping = False

    async def follow(self) -> AsyncIterator[WaitStanding]:
        """How it stands, whenever that changed, until the task ended; who stops asking is taken to have left."""
        said: WaitStanding | None = None
        while not self.has_ended:
            if self.caller.hears():
                self.heard = time.monotonic()
            elif not self._work.is_awaited():
                break
            if self._work.is_overdue(_LAST_STEP_SECONDS):
                break
            if (now := self.standing()) != said:
                said = now
                yield now
            await asyncio.sleep(_POLL_SECONDS)

    def standing(self) -> WaitStanding:
        """How it stands now."""
        share = self._work.share
        if self._is_stopping:
            return WaitStanding(share, STOPPING)
        if not self._work.started:
            return WaitStanding(0.0, self._line.describe_wait(self._work))
        left = "" if self._work.line.endswith(" left") else self._work.left  # Said once.
        return WaitStanding(share, f"{self._work.line} ({left} left)" if left else self._work.line)

    def stop(self) -> None:
        """Give the place up; whoever follows it reads so until the task's step under way has ended.

        The task goes on if somebody else waits for it, and then this turn ends at once.
        """
        self._is_stopping = True
        self._work.turns.discard(self)
        if self._work.turns:
            self.leave()
        elif not self._work.started:
            self._line.remove(self._work)

    def leave(self) -> None:
        """Give the place up without a word."""
        self.has_left = True
        self._work.turns.discard(self)
        if not self._work.turns:
            self._line.remove(self._work)

    def leave_unless_ended(self) -> None:
        """Give the place up if there is still something to wait for."""
        if not self.has_ended:
            self.leave()

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to follow any more."""
        return self.has_left or self._work.ended.is_set()

    @property
    def result(self) -> _Result | None:
        """What the task gave, None if it failed or goes on."""
        return None if self.has_left else self._work.result

    @property
    def problem(self) -> str:
        """Why there is no result, "" if there is one or if it goes on."""
        if self.has_left:
            return ""
        is_stuck = not self._work.ended.is_set() and self._work.is_overdue()
        return self._work.too_long if is_stuck else self._work.problem

    @property
    def was_stopped(self) -> bool:
        """Whether it was stopped and did not fail."""
        return self._work.was_stopped


class HeavyLine:
    """One task at a time, for `most_seconds` at most, on a thread that gives way to searches; visitors take turns.

    `most_waiting` tasks wait at most, `most_of_one` from one address; who has none waiting is taken on even then, up to
    four times as many. A visitor has one place for each kind of task: asking anew gives up the old one. Lines that
    share `turns` let nobody have work under way on both while others wait.

    >>> line = HeavyLine("builds")
    >>> turn = line.join(Caller("me"), "build", HeavyTask("seven", "counting", lambda progress: 7))
    >>> async def wait() -> list[WaitStanding]:
    ...     return [standing async for standing in turn.follow()]
    >>> _ = asyncio.run(wait())
    >>> turn.result
    7
    """

    def __init__(
        self,
        what: str,
        *,
        most_waiting: int = 8,
        most_of_one: int = 4,
        most_seconds: float = math.inf,
        grace: float = GRACE_SECONDS,
        turns: FairTurns | None = None,
    ) -> None:
        self._what, self._most_waiting, self._most_of_one = what, most_waiting, most_of_one
        self._most_seconds, self._grace = most_seconds, grace
        self._fair = turns or FairTurns()
        self._lock = threading.Lock()
        self._works: list[_Work] = []  # The first is under way.
        self._turns: dict[tuple[str, str], Turn[Any]] = {}
        self._is_serving = False

    def join(self, caller: Caller, kind: str, task: HeavyTask[_Result]) -> Turn[_Result]:
        """Take a place on the line, beside those who wait for the same; raises `LabError` if too many tasks wait."""
        with self._lock:
            self._prune()
            work = self._find_or_append(caller, task)
            turn = Turn[_Result](self, work, caller)
            work.turns.add(turn)
            before = self._turns.pop((caller.session, kind), None)
            self._turns[caller.session, kind] = turn
            self._serve()
        if before:
            before.leave()
        return turn

    @property
    def length(self) -> int:
        """How many tasks wait or are under way."""
        with self._lock:
            return len(self._works)

    def find(self, session: str, kind: str) -> Turn[Any] | None:
        """The visitor's place, None if it has none."""
        with self._lock:
            return self._turns.get((session, kind))

    def remove(self, work: _Work) -> None:
        """Take a task that has not begun off the line."""
        with self._lock:
            if work in self._works and not work.started:
                self._works.remove(work)
                work.drop()

    def describe_wait(self, work: _Work) -> str:
        """What stands before a waiting task: "Another visitor is building ... (27%, about 2 min); yours is next."."""
        with self._lock:
            works = self._in_turn()
        first = works[0] if works else work
        if first is work or work not in works:
            return "Starting"
        ahead = works.index(work)
        how_far = ", ".join(filter(None, (f"{first.share:.0%}", first.left)))
        yours = "yours is next" if ahead == 1 else f"{ahead} {self._what} before yours"
        mine = {who.session for who in work.claimants()}
        if any(who.session in mine for who in first.claimants()):
            next_one = "this is next" if ahead == 1 else f"{ahead} {self._what} before this"
            return f"You are still {first.task.doing} ({how_far}); {next_one}. Stop the other to go on here."
        return f"Another visitor is {first.task.doing} ({how_far}); {yours}."

    def _find_or_append(self, caller: Caller, task: HeavyTask[Any]) -> _Work:
        for work in self._works:
            if work.task.key == task.key and (work.is_awaited() or not work.started):
                return work
        self._check_room(caller)
        work = _Work(task, self._grace, self._most_seconds)
        self._works.append(work)
        return work

    def _check_room(self, caller: Caller) -> None:
        waiting = [work for work in self._works if not work.started]
        own = sum(any(who.address == caller.address for who in work.claimants()) for work in waiting)
        most = self._most_waiting if own else _ROOM_FOR_NEWCOMERS * self._most_waiting
        if len(waiting) >= most or own >= self._most_of_one:
            raise LabError(
                f"{len(waiting)} {self._what} are waiting already: this one was not taken. Please try again later."
            )

    def _prune(self) -> None:
        """Forget waiting tasks that nobody listens to any more."""
        for work in [work for work in self._works if not work.started and not work.is_awaited()]:
            self._works.remove(work)
            work.drop()
        for owner, turn in list(self._turns.items()):
            if turn.has_ended:
                del self._turns[owner]

    def _serve(self) -> None:
        if not self._is_serving:
            self._is_serving = True
            threading.Thread(target=self._work_off, name=f"line of {self._what}", daemon=True).start()

    def _work_off(self) -> None:
        lower_thread_priority()
        while True:
            with self._lock:
                self._prune()
                if not self._works:
                    self._is_serving = False
                    return
                work = self._in_turn()[0]
                self._works.remove(work)
                self._works.insert(0, work)
                work.started = time.monotonic()
                served = work.claimants()
                self._fair.begin(served)
            work.run()
            with self._lock:
                self._works.remove(work)
                self._fair.end(served)

    def _in_turn(self) -> list[_Work]:
        """The tasks in the order of their turns, one that is under way first; the caller holds the lock."""
        under_way = [work for work in self._works if work.started]
        waiting = [work for work in self._works if not work.started]
        turns = self._fair.order([work.claimants() for work in waiting])
        return [*under_way, *(waiting[place] for place in turns)]
