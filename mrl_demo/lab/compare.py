"""One query against one arm at a time: texts are encoded once, and an index serves every prefix length."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.pictures import vectors_of_pictures
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.types import (
    ANSWER_ELSEWHERE,
    BREAK_DEPTH,
    ComparedArm,
    Corpus,
    Encoder,
    FloatMatrix,
    Note,
    Progress,
    RankPaths,
)
from mrl_demo.corpora.labels.filters import rows_where
from mrl_demo.lab.indexes import IndexDesk
from mrl_demo.lab.likeness import AskedPictures, row_like
from mrl_demo.lab.searcher import EncodedQuery, Searcher
from mrl_demo.search.engine import RankingEngine
from mrl_demo.search.engines.attached import AttachedIndex
from mrl_demo.search.sparse import SparseIndex

_QUERIES_KEPT = 2_048
_PATHS_KEPT = 512
#: Parts of collections that were searched lately: a byte a document each.
_PARTS_KEPT = 32
_ELSEWHERE = Note(ANSWER_ELSEWHERE, "The known answer to this question is not among the documents searched.")


@dataclass(frozen=True)
class _SearchableSpace:
    space: Space
    searcher: Searcher


class Comparer:
    """Searches with arms and keeps what the next search needs: indexes, vectors of queries, rank moves.

    `kept_corpora` bounds how many corpora's indexes stay in memory (times four arms each); `indexes` are the engines
    that search in their place.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> lab = Lab(Settings.from_environment())
    >>> comparer = Comparer(lab.builder, kept_corpora=1)
    >>> side = comparer.compare("how do bees talk", lab.corpus("builtin"), lab.arms()[0], dim=64, top_k=5)
    >>> side.spec.name, side.result.dim, len(side.result.hits)
    ('base', 64, 5)
    """

    def __init__(self, builder: SpaceBuilder, kept_corpora: int, indexes: IndexDesk | None = None) -> None:
        self._builder, self._indexes = builder, indexes or IndexDesk(builder)
        self._spaces: BoundedCache[_SearchableSpace] = BoundedCache(kept_corpora * 4)
        self._parts: BoundedCache[Searcher] = BoundedCache(_PARTS_KEPT)
        self._query_vectors: BoundedCache[tuple[FloatMatrix, float]] = BoundedCache(_QUERIES_KEPT)
        self._judged_queries: BoundedCache[dict[str, list[str]]] = BoundedCache(kept_corpora)
        self._paths: BoundedCache[RankPaths] = BoundedCache(_PATHS_KEPT)
        self._warm: set[str] = set()
        self.pictures = AskedPictures()

    def prepare(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> None:
        """Make the vectors and the index of an arm over a corpus, unless they are there."""
        self._searchable(arm, corpus, progress)

    def own_index(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> RankingEngine:
        """The lab's own index of an arm's documents, also if an engine searches in its place."""
        index = self._searchable(arm, corpus, progress).searcher.index
        return index.own if isinstance(index, AttachedIndex) else index

    def forget_indexes(self) -> None:
        """Let go of what searched so far: other engines were given."""
        for cache in (self._spaces, self._parts):
            cache.discard(lambda _key: True)

    def forget(self, corpus: Corpus) -> None:
        """Let go of everything that was kept of a collection."""
        self.forget_answers(corpus)
        for cache in (self._spaces, self._parts):
            cache.discard(lambda key: isinstance(key, tuple) and corpus.name in key)

    def forget_arm(self, name: str) -> None:
        """Let go of everything that was kept of an arm."""
        for cache in (self._spaces, self._parts, self._paths):
            cache.discard(lambda key: isinstance(key, tuple) and key[0] == name)

    def forget_answers(self, corpus: Corpus) -> None:
        """Let go of what was kept of a collection's questions."""
        for cache in (self._paths, self._judged_queries):
            cache.discard(lambda key: isinstance(key, tuple) and corpus.name in key)

    def is_ready(self, arm: Arm, corpus: Corpus) -> bool:
        """Whether `compare` would neither encode documents nor wait for somebody who does."""
        return self._space_key(arm, corpus) in self._spaces or self._builder.is_ready(arm, corpus)

    def compare(
        self,
        text: str,
        corpus: Corpus,
        arm: Arm,
        dim: int,
        top_k: int,
        *,
        from_store: bool = False,
        where: Mapping[str, str] | None = None,
    ) -> ComparedArm:
        """Search `corpus` with `arm` cut to `dim`; a text seen before is not encoded again.

        With `where` only documents that have these labels; raises `CorpusError` if there is none. `from_store` takes a
        judged query's vector as it is stored, if it is, so that no model has to be loaded.
        """
        searchable = self._searchable(arm, corpus)
        stored = self._stored(text, searchable.space, corpus) if from_store else None
        query = stored or self._encode(text, searchable.space, corpus)
        answers = self._known_answers(corpus, text)
        searcher = self._part(arm, corpus, where) if where else searchable.searcher
        result = searcher.result(query, dim, top_k, answers)
        key = (*self._space_key(arm, corpus), text, *sorted((where or {}).items()))
        paths = self._paths.get(key, lambda: searcher.paths(query, BREAK_DEPTH, answers))
        notes = searchable.space.notes if stored else self._notes(text, searchable.space)
        if where and answers and result.answer_rank is None:
            notes = (*notes, _ELSEWHERE)
        if result.engine_problem:
            words = f"{result.engine_problem} The lab's own index answered instead."
            notes = (*notes, Note("engine-problem", words))
        return ComparedArm(arm, result, paths, notes)

    def _notes(self, text: str, space: Space) -> tuple[Note, ...]:
        """What the model does not see of the documents, and of this query."""
        name = space.arm.encoder
        cut = self._builder.encoders.encoder(name).count_cut([text], "query")
        reader = shown_name(name)
        words = f"The query is longer than the {cut.limit:,} tokens that {reader} reads: its end is not searched for."
        return (*space.notes, Note("cut-query", words, 1)) if cut.count else space.notes

    def _searchable(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> _SearchableSpace:
        def build() -> _SearchableSpace:
            """The arm's space with its search index."""
            if arm.is_sparse:
                coded = self._builder.codes(arm, corpus, progress)
                plain = Space(arm, self._builder.documents(arm.encoder, corpus), coded.coder, coded.notes)
                codes = SparseIndex(coded.documents, coded.coder.encode)
                return _SearchableSpace(plain.without_documents(), Searcher(arm.name, corpus, codes))
            space = self._builder.space(arm, corpus, progress)
            index = self._indexes.index(space, corpus)
            return _SearchableSpace(space.without_documents(), Searcher(arm.name, corpus, index))

        return self._spaces.get(self._space_key(arm, corpus), build)

    def _part(self, arm: Arm, corpus: Corpus, where: Mapping[str, str]) -> Searcher:
        """What searches the documents of a corpus that have the labels of `where`."""
        key = (*self._space_key(arm, corpus), *sorted(where.items()))
        whole = self._searchable(arm, corpus).searcher
        return self._parts.get(key, lambda: whole.only(rows_where(corpus, where), where))

    def _space_key(self, arm: Arm, corpus: Corpus) -> tuple[str, ...]:
        fingerprint = self._builder.encoders.encoder(arm.encoder).fingerprint
        return arm.name, fingerprint, corpus.name, corpus.fingerprint

    def encoded(self, text: str, corpus: Corpus, arm: Arm) -> tuple[Space, FloatMatrix]:
        """An arm's space over a corpus, and the `(D,)` vector of a query in it."""
        space = self._searchable(arm, corpus).space
        return space, self._encode(text, space, corpus).vector

    def _encode(self, text: str, space: Space, corpus: Corpus) -> EncodedQuery:
        encoder = self._builder.encoders.encoder(space.arm.encoder)
        if (row := row_like(text, corpus)) is not None:
            own = self._builder.documents(space.arm.encoder, corpus)[row]
            return EncodedQuery(text, space.map_queries(own[None])[0], None)
        read = self._query_reader(text, space.arm.encoder, encoder)

        def encode() -> tuple[FloatMatrix, float]:
            """The query's vector and the ms that encoding it took."""
            if encoder.fingerprint not in self._warm:  # Loading weights is not encoding: it is kept out of the time.
                read()
                self._warm.add(encoder.fingerprint)
            started = time.perf_counter()
            return read()[0], (time.perf_counter() - started) * 1e3

        vector, encode_ms = self._query_vectors.get((encoder.fingerprint, text), encode)
        return EncodedQuery(text, space.map_queries(vector[None])[0], encode_ms)

    def _query_reader(self, text: str, name: str, encoder: Encoder) -> Callable[[], FloatMatrix]:
        """What gives the query's vector: of its words, or of the picture that it names."""
        picture = self.pictures.find(text)
        if picture is None:
            return lambda: encoder.encode_queries([text])
        return lambda: vectors_of_pictures(name, encoder, [picture])

    def _stored(self, text: str, space: Space, corpus: Corpus) -> EncodedQuery | None:
        vector = self._builder.stored_query(space.arm.encoder, corpus, text)
        return None if vector is None else EncodedQuery(text, space.map_queries(vector[None])[0], None)

    def _known_answers(self, corpus: Corpus, text: str) -> dict[str, float]:
        """Grades by document of a judged query typed word for word (spaces and case aside), empty for other texts."""
        ids = self._judged_queries.get((corpus.name, corpus.fingerprint), lambda: _ids_by_text(corpus))
        answers: dict[str, float] = {}
        for name in ids.get(_fold(text), ()):
            answers |= {document: grade for document, grade in corpus.judgements.get(name, {}).items() if grade > 0}
        return answers


def _ids_by_text(corpus: Corpus) -> dict[str, list[str]]:
    """Ids of all queries that have a text."""
    ids: dict[str, list[str]] = {}
    for query in corpus.queries:
        ids.setdefault(_fold(query.text), []).append(query.id)
    return ids


def _fold(text: str) -> str:
    return " ".join(text.lower().split())
