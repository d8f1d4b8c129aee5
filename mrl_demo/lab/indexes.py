"""Collections in engines: loading one with an arm's vectors, and finding those that hold what is searched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mrl_demo.adapt import Rotation
from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.errors import ModelError
from mrl_demo.core.types import FILTER_FIELDS, Corpus, Document, FloatMatrix, Progress
from mrl_demo.evaluation.speed.engines import EngineSpeed, measure_engine
from mrl_demo.search.cascade import parse_cascade
from mrl_demo.search.engine import RankingEngine
from mrl_demo.search.engines.attached import AttachedIndex
from mrl_demo.search.engines.collection import CollectionIndex
from mrl_demo.search.engines.errors import EngineError, EngineMismatchError
from mrl_demo.search.engines.loading import LoadOptions, LoadReport, VectorRows, load_collection
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import (
    READY,
    CollectionCard,
    CollectionLayout,
    EngineBytes,
    VectorEngine,
    content_key,
)
from mrl_demo.search.exact import ExactIndex
from mrl_demo.search.mapped import map_vectors
from mrl_demo.search.prefix import PrefixIndex

#: Queries, or documents in their place, that recall and times are measured on.
_SAMPLE = 50
#: Lengths measured besides those of the layout, if the engine is not exact at them.
_LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024)
_KEYS_KEPT = 8


@dataclass(frozen=True)
class IndexPlan:
    """How a collection is to lie in an engine, and how it is sent there.

    >>> IndexPlan(dims=(64,), is_approximate=True).layout(384).dims
    (64, 384)
    """

    dims: tuple[int, ...] = ()
    is_approximate: bool = False
    precision: str = "float32"
    parts: int = 1
    replaces: bool = False
    options: LoadOptions = field(default_factory=LoadOptions)

    def layout(self, dimension: int) -> CollectionLayout:
        """The layout for vectors of `dimension` numbers; raises `EngineError` if there is none."""
        return CollectionLayout(dimension, self.dims, self.is_approximate, self.precision, self.parts)


@dataclass(frozen=True)
class IndexReport:
    """A collection as it lies in an engine now: what was sent, its bytes, and what its searches find and take."""

    corpus: str
    arm: str
    load: LoadReport
    stored: EngineBytes
    speed: EngineSpeed

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; bytes are None if the engine does not tell."""
        stored = {**asdict(self.stored), "total": self.stored.total}
        about = {"corpus": self.corpus, "arm": self.arm, **self.load.to_dict()}
        return {**about, "bytes": stored, "lengths": self.speed.to_dict()["lengths"]}


def index_corpus(
    builder: SpaceBuilder, corpus: Corpus, arm: Arm, url: str, plan: IndexPlan, progress: Progress | None = None
) -> IndexReport:
    """Load an arm's vectors of a corpus into the collection of a URL, and measure what its searches find and take.

    Raises `EngineError` kinds as `load_collection` does, for what the engine says at once before anything is encoded;
    `ModelError` for an arm whose rotation is not kept, and whatever `progress` raises: that cancels, and the next run
    goes on.
    """
    say = progress or (lambda _share, _line: None)
    engine = open_engine(url)
    try:
        with suppress(EngineMismatchError) if plan.replaces else nullcontext():
            engine.read_card()
        dimension = builder.encoders.encoder(arm.encoder).dimension
        engine.check_loading(plan.layout(dimension))
        space = builder.space(arm, corpus, lambda share, line: say(0.4 * share, line))
        layout = plan.layout(space.documents.shape[1])
        card = card_for(builder, space, corpus, layout)
        rows = VectorRows(document_keys(corpus.documents), space.documents, document_attributes(corpus.documents))
        load = load_collection(
            engine, card, rows, plan.options, lambda s, t: say(0.4 + 0.5 * s, t), replaces=plan.replaces
        )
        say(0.9, f"Measuring {engine.name}")
        index = CollectionIndex(engine, card.with_state(READY), rows.keys)
        speed = measure_engine(
            index, PrefixIndex(space.documents), sample_queries(builder, space, corpus), lengths(index)
        )
        recall = {row.dim: row.recall for row in speed.lengths if not index.is_exact_at(row.dim)}
        engine.write_card(replace(index.card, recall=recall))
        say(1.0, "Done")
        return IndexReport(corpus.name, arm.name, load, engine.stats(), speed)
    finally:
        engine.close()


def card_for(builder: SpaceBuilder, space: Space, corpus: Corpus, layout: CollectionLayout) -> CollectionCard:
    """What a collection of these vectors says of itself."""
    arm = space.arm
    return CollectionCard(
        corpus=corpus.name,
        fingerprint=corpus.fingerprint,
        arm=arm.name,
        model=builder.encoders.encoder(arm.encoder).fingerprint,
        rotation=_rotation_key(builder, space, corpus),
        layout=layout,
        count=len(corpus),
    )


def document_keys(documents: Sequence[Document]) -> list[str]:
    """Keys of rows: a changed text is another row."""
    return [content_key(*document.identity) for document in documents]


def document_attributes(documents: Sequence[Document]) -> list[dict[str, str]]:
    """What rows can be filtered by, those that are not empty."""
    return [
        {name: value for name in FILTER_FIELDS if (value := str(getattr(document, name)))} for document in documents
    ]


def sample_queries(builder: SpaceBuilder, space: Space, corpus: Corpus) -> FloatMatrix:
    """Queries of the corpus in the arm's space, or documents in their place: `(q, D)` float32, 50 at most."""
    if corpus.queries:
        chosen = corpus.queries[:: max(1, len(corpus.queries) // _SAMPLE)][:_SAMPLE]
        with suppress(ModelError):  # Vectors that were given without those of the queries.
            return space.map_queries(builder.judged_queries(space.arm.encoder, corpus, chosen))
    documents = builder.documents(space.arm.encoder, corpus)
    return space.transform.apply(documents[:: max(1, len(documents) // _SAMPLE)][:_SAMPLE])


def lengths(index: CollectionIndex) -> tuple[int, ...]:
    """Lengths that are measured: those of the layout, and the usual ones that the engine does not compare exactly."""
    usual = (dim for dim in _LENGTHS if dim < index.dimension and not index.is_exact_at(dim))
    return tuple(sorted({*index.card.layout.dims, *usual}))


def _rotation_key(builder: SpaceBuilder, space: Space, corpus: Corpus) -> str:
    """What names the rotation of an arm over a corpus, "" for arms that are not fitted to one."""
    arm = space.arm
    if isinstance(space.transform, Rotation) and space.transform.is_cut_short:
        raise EngineError(
            f"{arm.name}: the fit of its rotation ran out of time and is not kept, so that its vectors could not be "
            "searched later: run this again when the machine is less busy."
        )
    if not arm.transform.fitted_on.is_corpus:
        return ""
    material = builder.material(arm, corpus, builder.documents(arm.encoder, corpus))
    return arm.transform.key(material) or f"{arm.transform.name} of {corpus.fingerprint}"


class IndexDesk:
    """The engines that a lab was given, and which of them holds what is searched. Shared by threads.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.lab.lab import Lab
    >>> desk = IndexDesk(Lab(Settings.from_environment()).builder)
    >>> desk.attach("qdrant:///:memory:", falls_back=False)
    'Qdrant, collection documents'
    >>> desk.names()
    ('Qdrant, collection documents',)
    """

    def __init__(self, builder: SpaceBuilder) -> None:
        self._builder = builder
        self._engines: list[_Attached] = []
        self._keys: BoundedCache[list[str]] = BoundedCache(_KEYS_KEPT)

    def attach(self, url: str, *, falls_back: bool) -> str:
        """Search by an engine wherever it holds the documents; its name for anybody's eyes.

        Raises `EngineError` for a URL that is none; the engine is asked when it is first needed.
        """
        from mrl_demo.search.engines.address import EngineAddress

        shown = EngineAddress.parse(url).shown
        self._engines.append(_Attached(open_engine(url), shown, falls_back))
        return shown

    def names(self) -> tuple[str, ...]:
        """Engines and collections, for anybody's eyes."""
        return tuple(attached.shown for attached in self._engines)

    @property
    def falls_back(self) -> bool:
        """Whether the lab goes on without an engine that cannot be used."""
        return all(attached.falls_back for attached in self._engines)

    def index(self, space: Space, corpus: Corpus) -> ExactIndex | AttachedIndex:
        """What searches an arm's documents: the embedded index in memory, unless an engine holds them.

        Then memory holds none of them: what the engine does not do (ranks beyond a list, searches while it is down) is
        done over a file.
        """
        if not self._may_hold(space.arm.name, corpus.name):
            return ExactIndex(space.documents)
        queries_alone = space.without_documents()
        mapped = map_vectors(space.documents, self._builder.cache.cache_dir)
        attached = AttachedIndex(lambda: self.find(queries_alone, corpus), mapped, falls_back=self.falls_back)
        attached.warm_up()
        return attached

    def _may_hold(self, arm: str, corpus: str) -> bool:
        """Whether an engine holds an arm over a corpus, or does not say now what it holds."""
        try:
            return bool(self._engines) and self.holds(arm, corpus)
        except EngineError:
            return True

    def holds(self, arm: str, corpus: str) -> bool:
        """Whether an engine says that it holds an arm over a corpus, in whatever state; raises as `VectorEngine`."""
        return any((card.arm, card.corpus) == (arm, corpus) for card in (each.card() for each in self._engines))

    def find(self, space: Space, corpus: Corpus) -> CollectionIndex | None:
        """The collection that holds an arm's documents, None if no engine says that it does.

        Raises `EngineMismatchError` with the fix if one holds them in another state, and as `VectorEngine` does.
        """
        for attached in self._engines:
            card = attached.card()
            if (card.arm, card.corpus) == (space.arm.name, corpus.name):
                key = (card, corpus.fingerprint)
                if attached.checked != key:
                    self._check(card, space, corpus)
                    attached.checked = key
                keys = self._keys.get((corpus.name, corpus.fingerprint), lambda: document_keys(corpus.documents))
                return CollectionIndex(attached.engine, card, keys)
        return None

    def require(self, arms: Sequence[str], corpus: str) -> None:
        """Raise `EngineMismatchError` unless an engine that was given holds one of the arms over the corpus."""
        if not self._engines:
            raise EngineMismatchError("No engine was added: name it with --index (`Lab.add_index`).")
        cards = [attached.card() for attached in self._engines]
        if not any(card.corpus == corpus and card.arm in arms for card in cards):
            held = " and ".join(f"{card.arm} over {card.corpus}" for card in cards)
            raise EngineMismatchError(
                f"The index holds {held}, not {', '.join(arms)} over {corpus}: name those, or load these with "
                "`mrl index` into another collection."
            )

    def check(self) -> None:
        """Ask every engine for its collection now; raises as `VectorEngine` does, and if there is none."""
        for attached in self._engines:
            attached.card()

    def problems(self) -> tuple[str, ...]:
        """Why engines cannot be used now, each with its name; empty if all can."""
        said = []
        for attached in self._engines:
            try:
                attached.card()
            except EngineError as error:
                said.append(f"{attached.shown} cannot be used now. {error}")
        return tuple(said)

    def close(self) -> None:
        """Let go of connections and files."""
        for attached in self._engines:
            attached.engine.close()

    def _check(self, card: CollectionCard, space: Space, corpus: Corpus) -> None:
        wanted = card_for(self._builder, space, corpus, card.layout)
        if card.state != READY:
            raise EngineMismatchError("The upload of this collection did not end: run `mrl index` again, it goes on.")
        if card.fingerprint != wanted.fingerprint:
            raise EngineMismatchError(
                f"The documents of {corpus.name} have changed since they were loaded: run `mrl index` again, which "
                "sends only what is new."
            )
        if card.layout.dimension != space.documents.shape[1]:
            raise EngineMismatchError(
                f"The collection has {card.layout.dimension:,} numbers a vector, {space.arm.name} has "
                f"{space.documents.shape[1]:,}: load it with `mrl index --replace`."
            )
        card.check_same_vectors(wanted, "load this model's with `mrl index --replace`.")


class _Attached:
    """An engine that was given, and its card once it was read."""

    def __init__(self, engine: VectorEngine, shown: str, falls_back: bool) -> None:
        self.engine, self.shown, self.falls_back = engine, shown, falls_back
        self.checked: object = None
        self._card: CollectionCard | None = None
        self._reading = threading.Lock()

    def card(self) -> CollectionCard:
        """Read once it is ready; raises `EngineMismatchError` if there is no such collection."""
        with self._reading:
            if self._card is None:
                card = self.engine.read_card()
                if card is None:
                    raise EngineMismatchError(
                        f"There is nothing of the lab's yet in {self.shown}: check the address, or make it with "
                        "`mrl index`."
                    )
                if card.state != READY:
                    return card
                self._card = card
            return self._card


def measure_held(
    desk: IndexDesk,
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: Arm,
    own: Callable[[], RankingEngine],
    dims: Sequence[int] = (),
    progress: Progress | None = None,
) -> EngineSpeed | None:
    """What the engine that holds an arm's documents finds and takes beside our `own` index of them.

    None if no engine does; one that cannot be used now is told as a `problem` if the lab falls back.
    """
    try:
        if not desk.holds(arm.name, corpus.name):
            return None
        space = builder.query_space(arm, corpus, progress)
        index = desk.find(space, corpus)
        if index is None:
            return None
        if progress:
            progress(0.5, f"Timing {index.engine.name}")
        queries = sample_queries(builder, space, corpus)
        return measure_engine(index, own(), queries, tuple(dims) or lengths(index))
    except EngineError as error:
        if not desk.falls_back:
            raise
        return EngineSpeed(" and ".join(desk.names()), len(corpus), 0, (), str(error))


@dataclass(frozen=True)
class IndexHit:
    """One document that an engine found, with its cosine."""

    document: Document
    score: float


@dataclass(frozen=True)
class IndexAnswer:
    """What an engine answers to one query: `hits`, the `ms` it took, and its words on what it finds."""

    engine: str
    hits: tuple[IndexHit, ...]
    ms: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        hits = [
            {"rank": rank, "id": hit.document.id, "title": hit.document.title, "score": round(hit.score, 6)}
            for rank, hit in enumerate(self.hits, 1)
        ]
        return {"engine": self.engine, "ms": round(self.ms, 3), "hits": hits}


def ask_index(
    index: CollectionIndex,
    documents: Sequence[Document],
    query: FloatMatrix,
    dim: int,
    k: int,
    where: Mapping[str, str] | None = None,
    stages: str = "",
) -> IndexAnswer:
    """One `(D,)` query to the engine alone; raises `StageError` for stages that make no funnel, and `EngineError`."""
    if stages and where:
        raise EngineError("A funnel takes no filter here: leave --where or --stages out.")
    cascade = parse_cascade(stages, index.dimension) if stages else None
    started = time.perf_counter()
    top = index.funnel(query, cascade, k) if cascade else index.search(query, dim, k, where)
    took = (time.perf_counter() - started) * 1e3
    hits = (
        IndexHit(documents[row], score)
        for row, score in zip(top.indices[0].tolist(), top.scores[0].tolist(), strict=True)
    )
    words = f"{index.engine.name}, {cascade.name}" if cascade else index.describe(dim)
    return IndexAnswer(words, tuple(hits), took)
