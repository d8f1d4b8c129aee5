"""Pictures of links for whoever asks: kept, few at a time, and only of what needs no building."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import LabError
from mrl_demo.corpora.labels.filters import parse_where
from mrl_demo.lab.protocol import LabProtocol
from mrl_demo.ui.address.comparison import ComparisonLink, comparison_kinds
from mrl_demo.ui.address.reading import read_parameters
from mrl_demo.ui.head import DESCRIPTION, TITLE

logger = logging.getLogger(__name__)
_KEPT = 64
_LONGEST_QUERY_STRING = 32_768
_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class ShareImage:
    """A PNG; `is_own` if it is the picture of this very link and not the page's."""

    png: bytes
    is_own: bool


class RateLimit:
    """At most `burst` at once and one more every `seconds`, for all callers together.

    >>> limit = RateLimit(burst=2, seconds=60.0, clock=lambda: 0.0)
    >>> [limit.admit() for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, burst: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._seconds, self._clock = burst, seconds, clock
        self._left, self._at = float(burst), clock()
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Whether there is room for one more now; it is taken if so."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._at) / self._seconds)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class CardDesk:
    """Draws the picture of a link's comparison; the page's own if that cannot be had now.

    Nothing is built for a picture: a link to a model whose vectors of the collection are not stored gets the page's
    own. Drawing one takes about 0.2 s of a core.
    """

    def __init__(
        self, lab: LabProtocol, corpus: str | None = None, arm: str | None = None, limit: RateLimit | None = None
    ) -> None:
        self.lab, self._arm = lab, arm
        self._corpus = corpus or lab.corpora()[0].name
        self._limit = limit or RateLimit(burst=20, seconds=2.0)
        self._cards: BoundedCache[bytes] = BoundedCache(_KEPT)
        self._drawing = threading.Lock()

    def link(self, query_string: str) -> ComparisonLink | None:
        """The comparison that an address speaks of, what is not possible replaced as on the page; None for none."""
        fields = parse_qsl(query_string[:_LONGEST_QUERY_STRING], max_num_fields=100)
        kinds = comparison_kinds(self.lab)
        texts = {name: text for name, text in fields if name in kinds}
        if not texts:
            return None
        reading = read_parameters(kinds, texts)
        return ComparisonLink.first(self.lab, self._corpus, self._arm).with_values(dict(reading.values))

    def picture(self, query_string: str, address: str = "") -> ShareImage:
        """The picture of a link, `address` printed at its foot; never raises."""
        try:
            link = self.link(query_string)
            card = self._card(link, address) if link else None
        except (LabError, ValueError) as error:
            logger.info("No picture for a link: %s", error)
            card = None
        except Exception:
            logger.exception("An unexpected error reached the picture of a link.")
            card = None
        return ShareImage(card, is_own=True) if card else ShareImage(front_card(), is_own=False)

    def _card(self, link: ComparisonLink, address: str) -> bytes | None:
        key = (link, address)
        if key in self._cards:
            return self._cards.get(key, bytes)
        arms = (link.left, link.right)
        if not self.lab.is_ready(link.corpus, arms) or not self._limit.admit():
            return None
        if not self._drawing.acquire(timeout=_LOCK_SECONDS):
            return None
        try:
            dim = min(link.dim, self.lab.full_dim(arms))
            where = parse_where([link.part]) if link.part else {}
            card = self.lab.share_card(link.q, corpus=link.corpus, arms=arms, dim=dim, address=address, where=where)
            self._cards.put(key, card)
            return card
        finally:
            self._drawing.release()


@cache
def front_card() -> bytes:
    """The picture of the page itself."""
    from mrl_demo.plots.share_card import draw_front

    return draw_front(TITLE, DESCRIPTION)
