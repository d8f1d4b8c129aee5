"""A sheet for a class: the same seeded questions for all by link, guesses counted as they come, answers as CSV."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import LabError
from mrl_demo.core.spreadsheets import harmless_cell
from mrl_demo.lessons.guess import GuessRound

SHEET_QUESTIONS = 6
_CODE = re.compile(r"[a-z0-9-]{1,24}")
_SHEETS_KEPT = 200
#: Guesses that one sheet takes for one question: a class, or a large lecture.
_MOST_GUESSES = 1_000
_KEPT_SECONDS = 6 * 3_600


@dataclass(frozen=True)
class SheetCode:
    """The name of a sheet as it stands in the link: small letters, digits and hyphens; its seed follows from it.

    >>> SheetCode("monday-10b").seed == SheetCode("monday-10b").seed
    True
    >>> SheetCode("monday-10b").seed == SheetCode("monday-10c").seed
    False
    >>> SheetCode("Monday!")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.LabError: 'Monday!' is no name for a sheet: use 1 to 24 small letters, digits and hyphens.
    """

    name: str

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(str(self.name)):
            says = f"{str(self.name)[:40]!r} is no name for a sheet: use 1 to 24 small letters, digits and hyphens."
            raise LabError(says)

    @property
    def seed(self) -> int:
        """The seed of the sheet's questions."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "big") >> 1


@dataclass
class _Sheet:
    guesses: list[Counter[int]] = field(default_factory=lambda: [Counter() for _ in range(SHEET_QUESTIONS)])
    touched: float = 0.0


class ClassGuesses:
    """Guesses by sheet and question, in this process only: bounded, thread-safe, forgotten six hours after the last.

    >>> guesses = ClassGuesses()
    >>> guesses.add(SheetCode("a"), 0, 64)
    >>> guesses.counts(SheetCode("a"), 0)
    {64: 1}
    """

    def __init__(self) -> None:
        self._sheets: BoundedCache[_Sheet] = BoundedCache(_SHEETS_KEPT)
        self._lock = threading.Lock()

    def add(self, code: SheetCode, question: int, guess: int, instead_of: int | None = None) -> None:
        """Count a guess, or move an earlier one of the same person.

        Raises `LabError` for a question that there is not, or once a sheet is full.
        """
        sheet = self._sheet(code)
        with self._lock:
            counts = sheet.guesses[_checked(question)]
            if instead_of is not None and counts[instead_of]:  # None is left of a sheet that was forgotten.
                counts[instead_of] -= 1
            if counts.total() >= _MOST_GUESSES:
                raise LabError(
                    f"Sheet {code.name!r} holds {_MOST_GUESSES:,} guesses: start another name for this class."
                )
            counts[guess] += 1
            sheet.touched = time.monotonic()

    def counts(self, code: SheetCode, question: int) -> dict[int, int]:
        """How often every length was guessed, shortest first."""
        sheet = self._sheet(code)
        with self._lock:
            return dict(sorted((+sheet.guesses[_checked(question)]).items()))

    def _sheet(self, code: SheetCode) -> _Sheet:
        sheet = self._sheets.get(code.name, _Sheet)
        with self._lock:
            if sheet.touched and time.monotonic() - sheet.touched > _KEPT_SECONDS:
                sheet.guesses, sheet.touched = _Sheet().guesses, 0.0
        return sheet


def sheet_csv(code: SheetCode, rounds: tuple[GuessRound, ...], guesses: ClassGuesses) -> str:
    """Question, passage, answer and the class's guesses by length, as CSV that no spreadsheet takes for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["sheet", "question", "passage", "holds from", "guess", "guesses"])
    for number, asked in enumerate(rounds):
        truth = "never" if asked.truth is None else asked.truth
        counts = guesses.counts(code, number) or {0: 0}
        for guess, count in counts.items():
            cells = (code.name, asked.query, asked.passage, truth, guess or "", count)
            writer.writerow([harmless_cell(cell) for cell in cells])
    return buffer.getvalue()


def _checked(question: int) -> int:
    if not 0 <= question < SHEET_QUESTIONS:
        raise LabError(f"A sheet has the questions 1 to {SHEET_QUESTIONS}, not {question + 1}.")
    return question
