"""Which labelled documents teach and which are asked about: one split for all that learns from labels or measures.

It depends on the documents alone, never on a plan's seed, so that nothing fitted to labels has seen those it is
measured by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.types import Corpus, IntMatrix

#: Fields of a document that hold its label, the coarsest first.
LABEL_FIELDS = ("domain", "topic")
_TEST_SHARE = 0.3


@dataclass(frozen=True)
class LabelledRows:
    """A train and a test part of labelled texts: row numbers, and the classes `(n,)` int64 of all rows by name.

    `apart_by` names the field whose values were kept on one side each, "" for none; `notes` say which texts are neither
    trained on nor asked about.
    """

    train: IntMatrix
    test: IntMatrix
    classes: IntMatrix
    names: tuple[str, ...]
    apart_by: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaughtLevels:
    """What may be learnt from labels, the coarsest level first.

    `classes` `(levels, n)` int64 has the class of every document, -1 for those without one and for those that any
    classification here asks about; `fields` are the levels' names.
    """

    fields: tuple[str, ...]
    classes: IntMatrix


def label_fields(corpus: Corpus) -> tuple[str, ...]:
    """The fields by which a corpus' documents have labels, the coarsest first; empty without labels."""
    return tuple(name for name in LABEL_FIELDS if any(getattr(document, name) for document in corpus.documents))


def labels_of(corpus: Corpus, label: str = "") -> LabelledRows:
    """The documents of `corpus` by `label` ("domain" or "topic"; "": domains if there are any, else topics).

    Domains are split by topic, so that no test text has a sibling in training. Raises `CorpusError` if the corpus has
    no such labels.
    """
    there = label_fields(corpus)
    chosen = label or next(iter(there), "")
    if chosen not in there:
        wanted = f"no labels of the kind {label!r}" if label and there else "no labels"
        known = f"it has {', '.join(there)}" if there else "classification needs a label for every document"
        raise CorpusError(f"{corpus.name} has {wanted}: {known}.")
    labels, topics = ([getattr(document, name) for document in corpus.documents] for name in (chosen, "topic"))
    if chosen == "domain" and all(topics):
        return replace(labelled_rows(labels, topics), apart_by="topic")
    return labelled_rows(labels)


def taught_levels(corpus: Corpus) -> TaughtLevels:
    """The levels of labels that a fit may learn from; raises `CorpusError` if there is none.

    A document that is asked about at one level teaches at no level.
    """
    split = {name: rows for name in label_fields(corpus) if (rows := _split_or_none(corpus, name)) is not None}
    if not split:
        raise CorpusError(
            f"{corpus.name} has no labels to learn from: give its documents a column called label (paths such as "
            "Health/Heart, or a column called domain beside it, make two levels), at least two texts to a label."
        )
    asked = np.unique(np.concatenate([rows.test for rows in split.values()]))
    classes = np.stack([rows.classes for rows in split.values()])
    classes[:, asked] = -1
    return TaughtLevels(tuple(split), classes)


def _split_or_none(corpus: Corpus, label: str) -> LabelledRows | None:
    """None for labels that cannot be split, by which nothing is measured either."""
    try:
        return labels_of(corpus, label)
    except CorpusError:
        return None


def labelled_rows(
    labels: Sequence[str], groups: Sequence[str] | None = None, seed: int = 0, test_share: float = _TEST_SHARE
) -> LabelledRows:
    """Split labelled texts; whole `groups` (topics) go to one side, so that no test text has a sibling in training.

    Left out, each with a note: texts with an empty label, and with one that no other text has. Raises `CorpusError` if
    fewer than two classes have texts on both sides.
    """
    from sklearn.model_selection import GroupShuffleSplit, StratifiedShuffleSplit

    sizes = Counter(labels)
    kept = np.flatnonzero([bool(label) and sizes[label] > 1 for label in labels])
    names, classes = np.unique(np.array(labels, dtype=str)[kept], return_inverse=True)
    all_classes = np.full(len(labels), -1, dtype=np.int64)
    all_classes[kept] = classes
    try:
        if groups is not None:
            splitter = GroupShuffleSplit(1, test_size=test_share, random_state=seed)
            train, test = next(splitter.split(kept, classes, np.array(groups, dtype=str)[kept]))
        else:
            splitter = StratifiedShuffleSplit(1, test_size=test_share, random_state=seed)
            train, test = next(splitter.split(kept, classes))
    except ValueError as error:
        raise CorpusError(
            f"These labels cannot be split into train and test (give more texts a label): {error}"
        ) from error
    if len(np.intersect1d(classes[train], classes[test])) < 2:
        raise CorpusError(f"Fewer than two of {len(names)} classes stand in train and in test: give more texts.")
    split = LabelledRows(kept[train], kept[test], all_classes, tuple(str(name) for name in names))
    return replace(split, notes=_notes_of(sizes))


def _notes_of(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """What is left out of texts by the size of each label's class."""
    total, bare = sum(sizes.values()), sizes.get("", 0)
    lone = [label for label, size in sizes.items() if label and size == 1]
    notes = [f"{bare:,} of {total:,} documents have no label: they are not classified."] if bare else []
    if lone:
        some = ", ".join(repr(label[:40]) for label in sorted(lone)[:3]) + (", ..." if len(lone) > 3 else "")
        notes.append(f"{len(lone):,} documents have a label to themselves ({some}): they are not classified.")
    return tuple(notes)
