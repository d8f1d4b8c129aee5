"""Collections of single visitors: kept for a while under names that nobody can guess, on no menu."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.secret_names import make_private_name
from mrl_demo.core.types import Corpus
from mrl_demo.corpora.questions.judged import QuestionSet

_NOTHING_ASKED = QuestionSet((), {})
#: Collections that only ask questions of shared documents weigh little: so many for each with documents of its own.
_QUESTIONS_FOR_EACH = 10


@dataclass(frozen=True)
class _Kept:
    corpus: Corpus
    until: float
    uploaded: Corpus
    asked: QuestionSet = _NOTHING_ASKED

    @property
    def is_shared(self) -> bool:
        """Whether its documents are those of a collection that everybody has."""
        return self.uploaded.source is not None


class CorpusShelf:
    """At most `most` private collections, each for `seconds` after it was last asked for.

    >>> shelf = CorpusShelf(most=2, seconds=60)
    >>> name = shelf.put(Corpus("bees", "Bees", (), "f"))
    >>> name.startswith("own-"), len(name), shelf.find(name).label, shelf.find("own-guess")
    (True, 36, 'Bees', None)
    """

    def __init__(self, most: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._now = most, seconds, now
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def put(self, corpus: Corpus) -> str:
        """Keep a collection under a new name; raises `CorpusError` if too many are kept already."""
        name = make_private_name()
        with self._lock:
            is_shared = corpus.source is not None
            most = self._most * (_QUESTIONS_FOR_EACH if is_shared else 1)
            if sum(kept.is_shared == is_shared for kept in self._kept.values()) >= most:
                raise CorpusError(
                    f"The page keeps {self._most:,} collections of visitors already: try again later, or run the lab "
                    "on your own machine."
                )
            named = replace(corpus, name=name)
            self._kept[name] = _Kept(named, self._now() + self._seconds, named)
        return name

    def find(self, name: str) -> Corpus | None:
        """The collection of that name, None if there is none (any more)."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept.until <= self._now():
                return None
            self._kept[name] = replace(kept, until=self._now() + self._seconds)
            return kept.corpus

    def uploaded(self, name: str) -> Corpus | None:
        """The collection as it was put here, None if there is none."""
        with self._lock:
            kept = self._kept.get(name)
        return kept.uploaded if kept and self.find(name) else None

    def asked(self, name: str) -> QuestionSet:
        """The questions that the visitor put beside those that came with a collection, empty if it is gone."""
        with self._lock:
            kept = self._kept.get(name)
        return kept.asked if kept else _NOTHING_ASKED

    def change(self, name: str, corpus: Corpus, asked: QuestionSet) -> None:
        """Keep a collection in the place of the one of that name, if that is still here; `asked` were put to it."""
        with self._lock:
            if name in self._kept:
                self._kept[name] = replace(self._kept[name], corpus=corpus, asked=asked)

    def remove(self, name: str) -> Corpus | None:
        """Forget a collection and give it back, None if it was not there."""
        with self._lock:
            kept = self._kept.pop(name, None)
        return kept.corpus if kept else None

    def expired(self) -> list[str]:
        """Names of those that nobody has asked for in time."""
        with self._lock:
            return [name for name, kept in self._kept.items() if kept.until <= self._now()]
