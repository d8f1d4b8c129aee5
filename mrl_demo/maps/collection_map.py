"""The map of a collection: places, groups, and what each arm keeps of every document's neighbours at every length."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.core.errors import CacheError, CorpusError
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.types import Corpus, Document, FloatMatrix, IntMatrix, Progress
from mrl_demo.maps.groups import Grouping, group_documents
from mrl_demo.maps.layout import lay_out
from mrl_demo.maps.neighbours import NEIGHBOURS, neighbours_kept
from mrl_demo.search.prefix import PrefixIndex

logger = logging.getLogger(__name__)

#: More documents than this are a sample on the map.
MOST_POINTS = 10_000
#: Lengths at which neighbours are looked up, besides the full one.
MAP_DIMS = (2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072)
_FEW_POINTS = 500
_VERSION = "1"
_GRID = 4_095
_TITLE_CHARACTERS, _TEXT_CHARACTERS = 80, 140
_DIGITS = "0123456789a"


@dataclass(frozen=True)
class GroupFate:
    """How one group fares under one arm: from `holds_from` numbers on, half of its neighbours are kept on average.

    `kept` is that average, 0 to 10, at each length of the map.
    """

    group: str
    kept: tuple[float, ...]
    holds_from: int


@dataclass(frozen=True)
class MapSide:
    """One arm on the map.

    `kept` `(n, len(dims))` uint8 counts the neighbours kept of each document; `tens` are the rows of the query's first
    ten at each length, empty without a query.
    """

    arm: str
    label: str
    full_dim: int
    kept: NDArray[np.uint8]
    tens: tuple[tuple[int, ...], ...] = ()

    def fates(self, grouping: Grouping, dims: Sequence[int]) -> tuple[GroupFate, ...]:
        """Every group's fate, the one that breaks first on top."""
        fates = []
        for place, name in enumerate(grouping.names):
            kept = self.kept[grouping.group_of == place].mean(axis=0)
            fates.append(GroupFate(name, tuple(round(float(mean), 2) for mean in kept), _holds_from(kept, dims)))
        return tuple(sorted(fates, key=lambda fate: (-fate.holds_from, sum(fate.kept))))


@dataclass(frozen=True)
class CollectionMap:
    """`places` `(n, 2)` float32 in 0..1 of `documents`, by the full vectors of the first side; fixed for all lengths.

    `n_documents` is the size of the collection: more than `documents` if those are a sample.
    """

    corpus: str
    query: str
    n_documents: int
    documents: tuple[Document, ...]
    places: FloatMatrix
    grouping: Grouping
    dims: tuple[int, ...]
    sides: tuple[MapSide, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types; "kept" has a string for each length, a character (0 to 9, a for ten) for each document."""
        grid = np.rint(self.places * _GRID).astype(int)
        return {
            "corpus": self.corpus,
            "query": self.query,
            "n_documents": self.n_documents,
            "neighbours": NEIGHBOURS,
            "dims": list(self.dims),
            "grid": _GRID,
            "x": grid[:, 0].tolist(),
            "y": grid[:, 1].tolist(),
            "titles": [document.title[:_TITLE_CHARACTERS] for document in self.documents],
            "texts": [document.text[:_TEXT_CHARACTERS] for document in self.documents],
            "groups": list(self.grouping.names),
            "group_of": self.grouping.group_of.tolist(),
            "are_groups_labelled": self.grouping.is_labelled,
            "sides": [self._side_dict(side) for side in self.sides],
            "notes": list(self.notes),
        }

    def _side_dict(self, side: MapSide) -> dict[str, object]:
        letters = np.array(list(_DIGITS))
        fates = side.fates(self.grouping, self.dims)
        return {
            "arm": side.arm,
            "label": side.label,
            "full_dim": side.full_dim,
            "kept": ["".join(letters[column]) for column in side.kept.T],
            "mean_kept": [round(float(mean), 2) for mean in side.kept.mean(axis=0)],
            "tens": [list(ten) for ten in side.tens],
            "groups": [{"group": f.group, "holds_from": f.holds_from, "kept": list(f.kept)} for f in fates],
        }


def draw_map(
    builder: SpaceBuilder, corpus: Corpus, arms: Sequence[Arm], query: str = "", progress: Progress | None = None
) -> CollectionMap:
    """Make the map of a corpus for one arm or two; places come from the first arm's full vectors.

    What takes long (the layout, the neighbours) is kept in the cache by what it was made of. Raises `CorpusError` for
    fewer than two documents.
    """
    if len(corpus) < 2:
        raise CorpusError(f"{corpus.name} has {len(corpus)} documents: a map needs two or more.")
    rows = _rows_shown(corpus)
    documents = tuple(corpus.documents[row] for row in rows)
    spaces = [builder.space(arm, corpus, progress) for arm in arms]
    first = spaces[0].documents[rows]
    places = _stored(builder, layout_key(first), len(rows), shipped_layout_name(corpus, arms[0]))
    if places is None:
        places = lay_out(first, progress=progress)
        _store(builder, layout_key(first), places)
    shared = min(space.documents.shape[1] for space in spaces)
    dims = (*(dim for dim in MAP_DIMS if dim < shared), shared)
    sides = tuple(_side(builder, space, rows, dims, query, progress) for space in spaces)
    notes = [str(note) for note in corpus.notes]
    if len(rows) < len(corpus):
        notes.append(
            f"{len(rows):,} of {len(corpus):,} documents are on the map, drawn at random, neighbours among them."
        )
    return CollectionMap(
        corpus=corpus.name,
        query=query,
        n_documents=len(corpus),
        documents=documents,
        places=places,
        grouping=group_documents(documents, first),
        dims=dims,
        sides=sides,
        notes=tuple(notes),
    )


def is_laid_out(builder: SpaceBuilder, corpus: Corpus, arm: Arm) -> bool:
    """Whether a map by this arm has its places stored, or so few that they are soon made; its vectors must be ready."""
    if len(corpus) <= _FEW_POINTS:
        return True
    rows = _rows_shown(corpus)
    vectors = builder.space(arm, corpus).documents[rows]
    return _stored(builder, layout_key(vectors), len(rows), shipped_layout_name(corpus, arm)) is not None


def _rows_shown(corpus: Corpus) -> IntMatrix:
    if len(corpus) <= MOST_POINTS:
        return np.arange(len(corpus))
    return np.sort(np.random.default_rng(0).choice(len(corpus), MOST_POINTS, replace=False))


def _side(
    builder: SpaceBuilder, space: Space, rows: IntMatrix, dims: tuple[int, ...], query: str, progress: Progress | None
) -> MapSide:
    vectors = space.documents[rows]
    index = PrefixIndex(vectors)
    key = sha256_text("map-neighbours", _VERSION, _digest(vectors), ",".join(map(str, dims)))
    stored = _stored(builder, key, len(rows))
    if stored is None:
        kept = neighbours_kept(index, vectors, dims, progress)
        _store(builder, key, kept.astype(np.float32))
    else:
        kept = stored.astype(np.uint8)
    arm = space.arm
    return MapSide(arm.name, arm.label, vectors.shape[1], kept, _tens(builder, space, index, dims, query))


def _tens(
    builder: SpaceBuilder, space: Space, index: PrefixIndex, dims: tuple[int, ...], query: str
) -> tuple[tuple[int, ...], ...]:
    if not query.strip():
        return ()
    encoder = builder.encoders.encoder(space.arm.encoder)
    vector = space.map_queries(encoder.encode_queries([query]))
    return tuple(tuple(index.search(vector, dim, NEIGHBOURS).indices[0].tolist()) for dim in dims)


def _holds_from(kept: FloatMatrix, dims: Sequence[int]) -> int:
    """The shortest length from which on every longer one keeps half of the neighbours; the full one always does."""
    shortest = dims[-1]
    for dim, mean in zip(reversed(dims), reversed(kept.tolist()), strict=True):
        if mean < NEIGHBOURS / 2:
            break
        shortest = dim
    return shortest


def layout_key(vectors: FloatMatrix) -> str:
    """The key of the places made of these vectors."""
    return sha256_text("map-layout", _VERSION, _digest(vectors))


def shipped_layout_name(corpus: Corpus, arm: Arm) -> str:
    """What a shipped file of places is called, without its ending."""
    return f"{corpus.name}-{arm.name}-map"


def _digest(vectors: FloatMatrix) -> str:
    return hashlib.sha256(np.ascontiguousarray(vectors).tobytes()).hexdigest()


def _stored(builder: SpaceBuilder, key: str, rows: int, shipped: str = "") -> FloatMatrix | None:
    return builder.cache.load(key, rows, shipped)


def _store(builder: SpaceBuilder, key: str, values: FloatMatrix) -> None:
    try:
        builder.cache.store(key, values)
    except CacheError as error:  # The map is right; only the next one takes as long.
        logger.warning("%s", error)
