"""Texts that are nearly the same: an answer with a word changed teaches what the other one is asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest

#: Share of their distinct words that two texts have in common (Jaccard) at least.
NEARLY_ALL = 0.95
#: Texts with fewer distinct words are never nearly the same: one word of so few may be the point.
_LEAST_WORDS = 20


def near_duplicates(texts: Sequence[str], share: float = NEARLY_ALL) -> Iterator[tuple[int, int]]:
    """Pairs of places of `texts` (of lower-case words) that have at least `share` of their distinct words in common.

    Words are looked up from the rarest on, and only as many of a text as two texts alike enough cannot but share one of
    (prefix filtering, Bayardo, Ma and Srikant, "Scaling up all pairs similarity search", 2007), so that few pairs are
    compared. Texts of under 20 distinct words are left alone.

    >>> letters = " ".join("abcdefghijklmnopqrstuvwxyz")
    >>> list(near_duplicates([letters, "a b c", letters + " more"]))
    [(2, 0)]
    """
    words = [frozenset(text.split()) for text in texts]
    counts = Counter(word for own in words for word in own)
    rank = {word: i for i, (word, _) in enumerate(sorted(counts.items(), key=lambda item: (item[1], item[0])))}
    places: dict[str, list[int]] = {}
    for place in sorted(range(len(words)), key=lambda i: len(words[i])):
        own = words[place]
        if len(own) < _LEAST_WORDS:
            continue
        prefix = nsmallest(len(own) - math.ceil(share * len(own)) + 1, own, key=rank.__getitem__)
        for other in dict.fromkeys(other for word in prefix for other in places.get(word, ())):
            common = len(own & words[other])
            if common >= share * (len(own) + len(words[other]) - common):
                yield place, other
        for word in prefix:
            places.setdefault(word, []).append(place)
