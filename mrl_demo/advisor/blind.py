"""Blind verdicts: a person says which of two answers is better without knowing which setting gave it.

A verdict replaces what the labels say of one question: "as good" makes its difference between the setting and the
reference 0; a preference keeps the difference's size and decides its sign. Judgements are incomplete (an unjudged
document counts as wrong), and every difference that turns out to be none narrows the interval, so that fewer questions
settle the choice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from mrl_demo.core.errors import LabError
from mrl_demo.core.types import FloatMatrix


class Preference(StrEnum):
    """What a person may say of a pair."""

    LEFT = "left"
    RIGHT = "right"
    SAME = "same"


@dataclass(frozen=True)
class BlindPair:
    """Two answers to a question, one of the reference and one of the `setting` ("arm dim precision") in question.

    Which side is which only `is_reference_left` knows.
    """

    query_id: str
    query: str
    setting: str
    left_title: str
    left_text: str
    right_title: str
    right_text: str

    @property
    def is_reference_left(self) -> bool:
        """The side of the reference: by a hash of question and setting, so that a file of pairs gives nothing away."""
        return is_reference_left(self.query_id, self.setting)


@dataclass(frozen=True)
class BlindVerdict:
    """What was said of one pair.

    >>> BlindVerdict("q1", "base 64 float32", Preference.SAME).preferred
    <Preference.SAME: 'same'>
    """

    query_id: str
    setting: str
    preferred: Preference


def is_reference_left(query_id: str, setting: str) -> bool:
    """On which side the reference's answer stands."""
    return hashlib.sha256(f"{query_id}\n{setting}".encode()).digest()[0] % 2 == 0


def apply_verdicts(
    values: FloatMatrix,
    reference: FloatMatrix,
    setting: str,
    query_ids: Sequence[str],
    verdicts: Iterable[BlindVerdict],
) -> FloatMatrix:
    """The `(queries,)` values of one setting with what was said put in place of the labels' difference."""
    changed = values.copy()
    places = {query_id: row for row, query_id in enumerate(query_ids)}
    for verdict in verdicts:
        row = places.get(verdict.query_id)
        if row is None or verdict.setting != setting:
            continue
        size = abs(float(values[row]) - float(reference[row]))
        prefers_reference = (verdict.preferred is Preference.LEFT) == is_reference_left(verdict.query_id, setting)
        sign = 0 if verdict.preferred is Preference.SAME else -1 if prefers_reference else 1
        changed[row] = reference[row] + np.float32(sign * size)
    return changed


def write_pairs(pairs: Iterable[BlindPair], verdicts: Iterable[BlindVerdict] = ()) -> str:
    """JSON to judge by hand: each pair with an empty "preferred" to fill in ("left", "right" or "same")."""
    said = {(verdict.query_id, verdict.setting): verdict.preferred for verdict in verdicts}
    rows = [{**asdict(pair), "preferred": str(said.get((pair.query_id, pair.setting), ""))} for pair in pairs]
    return json.dumps({"pairs": rows}, ensure_ascii=False, indent=1)


def read_verdicts(text: str) -> tuple[BlindVerdict, ...]:
    """Read what `write_pairs` wrote, once filled in; pairs without a verdict are left out.

    Raises `LabError` that names the entry and what may stand there.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(text)["pairs"]
        given = [(str(row["query_id"]), str(row["setting"]), str(row.get("preferred", ""))) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(
            f"These are no blind pairs ({error}): give the file that --write-pairs or the page wrote."
        ) from error
    verdicts = []
    for query_id, setting, preferred in given:
        if not preferred:
            continue
        if preferred not in set(Preference):
            raise LabError(
                f"The verdict on {query_id!r} is {preferred!r}: write left, right or same, or leave it empty."
            )
        verdicts.append(BlindVerdict(query_id, setting, Preference(preferred)))
    return tuple(verdicts)
