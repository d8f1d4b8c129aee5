"""The nouns of the project: frozen dataclasses and protocols that every other module may import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.verdict import Verdict

FloatMatrix: TypeAlias = NDArray[np.float32]
IntMatrix: TypeAlias = NDArray[np.int64]
#: Called with the share done in 0..1 and a line for the person who waits; raising from it cancels the work.
Progress: TypeAlias = Callable[[float, str], None]
#: What a text is to a model: some read questions and documents with other prompts, or with other modules.
TextTask: TypeAlias = Literal["query", "document"]
#: query id -> document id -> grade (above 0 is relevant).
Judgements: TypeAlias = Mapping[str, Mapping[str, float]]

#: The prefix lengths MatryoshkaLoss was given, and the buttons beside the slider.
TRAINED_DIMS: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 384)
#: The length that views open at.
DEFAULT_DIM = 64
#: Fields of a document that a search can be limited by.
FILTER_FIELDS: tuple[str, ...] = ("id", "topic", "domain", "language")
#: A query breaks at the length at which its document leaves the first so many: the meaning of the word everywhere.
BREAK_DEPTH = 10


@dataclass(frozen=True)
class Picture:
    """A picture as models and cards get it: a JPEG file's bytes, reduced when it was read.

    >>> Picture(b"a JPEG file").sha256[:8]
    '3c593874'
    """

    jpeg: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Hex hash of the bytes: what the picture is known by."""
        return hashlib.sha256(self.jpeg).hexdigest()


@dataclass(frozen=True)
class Document:
    """One searchable text or picture; `topic`, `domain` and `language` are empty if the collection has none.

    Of a document with a `picture` the models read the picture alone; its title and text are for people and BM25.

    >>> Document("d1", "Bees", "They dance.").content
    'Bees. They dance.'
    """

    id: str
    title: str
    text: str
    topic: str = ""
    domain: str = ""
    language: str = ""
    picture: Picture | None = field(default=None, repr=False)

    @property
    def content(self) -> str:
        """Title and text as one string: what the encoders read, unless there is a picture."""
        return f"{self.title}. {self.text}" if self.title and self.text else self.title or self.text

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from others, and a changed one from what it was: part of the collection's fingerprint."""
        return (self.id, self.content) if self.picture is None else (self.id, self.content, self.picture.sha256)


@dataclass(frozen=True)
class Query:
    """One judged question; `style` and `split` are empty if the collection has none.

    `fields` are the other columns of its file with few characters, as (name, value): groups to look at one by one.
    """

    id: str
    text: str
    style: str = ""
    split: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ScoredPair:
    """Two texts and how alike people found them; any scale, higher is more alike."""

    first: str
    second: str
    score: float


@dataclass(frozen=True)
class Note:
    """Something that was done to a person's data: left out, cut, replaced, repaired or guessed.

    `kind` is a name for programs such as "empty-document"; `count` how many rows it concerns (0 for the whole file);
    `place` where first, such as "a.csv, line 3".

    >>> print(Note("empty-document", "2 documents have no text.", count=2, place="a.csv, line 3"))
    2 documents have no text.
    """

    kind: str
    text: str
    count: int = 0
    place: str = ""

    def __str__(self) -> str:
        return self.text


#: The kind of the note that a question is judged and its answer outside the documents searched.
ANSWER_ELSEWHERE = "answer-elsewhere"


@dataclass(frozen=True)
class Corpus:
    """Documents, judged queries and the fingerprint (sha256 hex of ids and texts) that keys their vectors.

    `label_names` are labels of the documents as people read them; a label that is not in it is read as it is.
    `stand_ins` names what the queries are ("titles", "first sentences", "documents") if nobody asked or judged them, ""
    if people did; `source` is then the collection whose documents gave them up, row by row, or whose documents these
    are if only the questions differ.

    >>> len(Corpus("mine", "My documents", (Document("d1", "Bees", "They dance."),), fingerprint="0f3c"))
    1
    """

    name: str
    label: str
    documents: tuple[Document, ...]
    fingerprint: str
    queries: tuple[Query, ...] = ()
    judgements: Judgements = field(default_factory=dict)
    pairs: tuple[ScoredPair, ...] = ()
    notes: tuple[Note, ...] = ()
    stand_ins: str = ""
    source: Corpus | None = field(default=None, repr=False, compare=False)
    label_names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def origin(self) -> Corpus:
        """The collection whose documents these are if only the questions differ; else itself."""
        return self.source if self.source and self.source.fingerprint == self.fingerprint else self

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def has_pictures(self) -> bool:
        """Whether a document is a picture: only models that read pictures serve the collection."""
        return any(document.picture is not None for document in self.documents)


@dataclass(frozen=True)
class Reading:
    """What a text is to a model: `task` chooses the branch of a Router, `prompt` stands before the text.

    >>> Reading("query", "query: ")
    Reading(task='query', prompt='query: ')
    """

    task: TextTask
    prompt: str = ""


@dataclass(frozen=True)
class CutTexts:
    """How many of some texts are longer than a model reads, and that length in tokens (0 if nothing was cut).

    >>> CutTexts(3, limit=256).describe(2_400, "documents", "minilm")
    '3 of 2,400 documents are longer than the 256 tokens that minilm reads: the rest of each is not searched.'
    >>> CutTexts().describe(2_400, "documents", "minilm")
    ''
    """

    count: int = 0
    limit: int = 0

    def describe(self, total: int, what: str, model: str) -> str:
        """A sentence for whoever searches them, "" if none was cut."""
        if not self.count:
            return ""
        verb = "are" if total > 1 else "is"
        return (
            f"{self.count:,} of {total:,} {what} {verb} longer than the {self.limit:,} tokens that {model} reads: "
            "the rest of each is not searched."
        )


#: No text is longer than the model reads.
NOTHING_CUT = CutTexts()


class Encoder(Protocol):
    """Turns text into `(n, dimension)` float32 unit rows, never cut."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors could change: weights, prompts, pooling, code version."""
        ...

    @property
    def document_precision(self) -> str:
        """What documents are multiplied in here, "float32" or "bfloat16": part of their vectors' key."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of questions, with the model's query prompt."""
        ...

    def encode_documents(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """Vectors of documents, with the model's document prompt; `progress` hears of it and may raise to cancel."""
        ...

    def count_cut(self, texts: Sequence[str], task: TextTask) -> CutTexts:
        """How many of `texts` are longer than the model reads."""
        ...


@runtime_checkable
class PictureEncoder(Protocol):
    """An encoder that may read pictures into the space of its texts (CLIP and its kin)."""

    @property
    def reads_pictures(self) -> bool:
        """Whether this model does."""
        ...

    def encode_pictures(self, pictures: Sequence[Picture], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows; raises `ModelError` if this model reads texts alone."""
        ...


@dataclass(frozen=True)
class ArmSpec:
    """How one contender is named and described; `arms.arm.Arm` says what it does to vectors.

    `encoder` is the model's name in the registry, "" for a contender without vectors.
    """

    name: str
    label: str
    description: str
    encoder: str
    trained_dims: tuple[int, ...] = ()


@dataclass(frozen=True)
class Hit:
    """One result: `rank` and `full_rank` count from 1; `score` is the cosine of the cut vectors.

    `is_tied` if a document beside it in the ranking, shown or not, has the same score: their order means nothing.

    >>> Hit(1, 0, Document("d1", "Bees", "They dance."), score=0.7, full_rank=4, is_answer=True).move
    3
    """

    rank: int
    index: int
    document: Document
    score: float
    full_rank: int
    is_answer: bool
    is_tied: bool = False

    @property
    def move(self) -> int:
        """Places gained (positive) or lost (negative) against the same arm at full dimension."""
        return self.full_rank - self.rank

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types."""
        kind = {} if self.document.picture is None else {"kind": "picture"}
        return {
            **kind,
            "rank": self.rank,
            "id": self.document.id,
            "title": self.document.title,
            "text": self.document.text,
            "score": round(self.score, 6),
            "full_rank": self.full_rank,
            "is_answer": self.is_answer,
            "is_tied": self.is_tied,
        }


@dataclass(frozen=True)
class Standing:
    """Where one document stands at the length compared (`rank`) and with the full vector (`full_rank`), from 1.

    >>> Standing(0, Document("d1", "Bees", "They dance."), rank=51, full_rank=1, is_answer=True).to_dict()["rank"]
    51
    """

    index: int
    document: Document
    rank: int
    full_rank: int
    is_answer: bool

    @property
    def title(self) -> str:
        """The document's title, or the beginning of its text."""
        return self.document.title or self.document.text[:80] or self.document.id

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types."""
        ranks = {"rank": self.rank, "full_rank": self.full_rank, "is_answer": self.is_answer}
        return {"id": self.document.id, "title": self.document.title, **ranks}


@dataclass(frozen=True)
class SearchResult:
    """What one arm answers at one prefix length.

    `overlap_at_10` is the share of the full-dimension top 10 still in the top 10: agreement, not quality.
    `answer_rank` is the rank of the best known answer, None if none is known; `is_answer_tied` if other documents have
    its score. `tracked` is the best known answer, or the arm's own full-length winner if none is known; `missing` are
    documents that the full vector has among the shown, or known answers among its first ten, and that left the first
    ten. `best_full_score` is the best cosine at full length, `near_full_score` that of the last document of the query's
    neighbourhood (the 50th, in small collections a tenth of them). Times in ms, `encode_ms` None if the query's vector
    was stored; sizes in bytes (float32). `engine` says in words which engine outside this process answered ("" for
    none), `engine_problem` why one that should have did not.

    >>> result = SearchResult("tuned", 64, 384, (), 0.8, 1, 1, encode_ms=8.0, search_ms=1.0, n_documents=2_400)
    >>> result.bytes_per_vector, result.memory_for(1_000_000)
    (256, 256000000)
    """

    arm: str
    dim: int
    full_dim: int
    hits: tuple[Hit, ...]
    overlap_at_10: float
    answer_rank: int | None
    full_answer_rank: int | None
    encode_ms: float | None
    search_ms: float
    n_documents: int
    is_answer_tied: bool = False
    tracked: Standing | None = None
    missing: tuple[Standing, ...] = ()
    best_full_score: float = 0.0
    near_full_score: float = 0.0
    engine: str = ""
    engine_problem: str = ""

    @property
    def kept_of_ten(self) -> tuple[int, int]:
        """How many of the full vector's first ten are still there, and how many these are in a small collection."""
        depth = max(1, min(10, self.n_documents))
        return round(self.overlap_at_10 * depth), depth

    @property
    def bytes_per_vector(self) -> int:
        """Bytes of one cut float32 vector."""
        return 4 * self.dim

    def memory_for(self, n_vectors: int) -> int:
        """Bytes that `n_vectors` float32 vectors of this length take."""
        return self.bytes_per_vector * n_vectors

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types; times in ms, sizes in bytes."""
        return {
            "arm": self.arm,
            "dim": self.dim,
            "full_dim": self.full_dim,
            "n_documents": self.n_documents,
            "bytes_per_vector": self.bytes_per_vector,
            "encode_ms": None if self.encode_ms is None else round(self.encode_ms, 3),
            "search_ms": round(self.search_ms, 3),
            "engine": self.engine,
            "overlap_at_10": self.overlap_at_10,
            "answer_rank": self.answer_rank,
            "full_answer_rank": self.full_answer_rank,
            "is_answer_tied": self.is_answer_tied,
            "best_full_score": round(self.best_full_score, 6),
            "near_full_score": round(self.near_full_score, 6),
            "tracked": self.tracked.to_dict() if self.tracked else None,
            "missing": [standing.to_dict() for standing in self.missing],
            "hits": [hit.to_dict() for hit in self.hits],
        }


@dataclass(frozen=True)
class RankPaths:
    """How the ranks of one arm's top documents move over the dimensions.

    `ranks` is `(n_documents, n_dims)` int64, 1 is best. `tracked` names whose rank decides whether the query holds:
    "answer" (the best known answer) or "top" (the first document at full dimension). `holds_from` is the smallest
    listed dimension from which on the tracked document stays in the first `hold_k`, None if it is not there even
    at full dimension.

    >>> ranks = np.array([[9, 2, 1]])
    >>> paths = RankPaths("base", (8, 64, 384), (0,), ("Bees",), (True,), ranks, "answer", holds_from=64, hold_k=5)
    >>> paths.to_dict()["documents"]
    [{'title': 'Bees', 'is_answer': True, 'ranks': [9, 2, 1]}]
    """

    arm: str
    dims: tuple[int, ...]
    indices: tuple[int, ...]
    titles: tuple[str, ...]
    is_answer: tuple[bool, ...]
    ranks: IntMatrix
    tracked: str
    holds_from: int | None
    hold_k: int

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types; the ranks of each document are those at "dims"."""
        documents = [
            {"title": title, "is_answer": is_answer, "ranks": ranks}
            for title, is_answer, ranks in zip(self.titles, self.is_answer, self.ranks.tolist(), strict=True)
        ]
        return {
            "dims": list(self.dims),
            "documents": documents,
            "tracked": self.tracked,
            "holds_from": self.holds_from,
            "hold_k": self.hold_k,
        }


@dataclass(frozen=True)
class ComparedArm:
    """One side of a comparison: the arm, its results at the dimension compared, its ranks over all dimensions.

    `notes` say what its model does not read of the texts.
    """

    spec: ArmSpec
    result: SearchResult
    paths: RankPaths
    notes: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types: the search result's, with "label", the rank moves as "paths", and "notes"."""
        said = {"label": self.spec.label, "paths": self.paths.to_dict(), "notes": [asdict(note) for note in self.notes]}
        return {**self.result.to_dict(), **said}


@dataclass(frozen=True)
class Comparison:
    """Both sides for one query; `note` says what was done to the query and the documents, empty if nothing was.

    `corpus_notes` say what was done to the documents when they were read; `verdict` what it comes to. With `where`
    only documents were searched that have these labels, and everything is said of them alone; `label_names` are those
    of the corpus.

    >>> list(Comparison("how do bees talk", "builtin", 64, note="", arms=()).to_dict())
    ['query', 'corpus', 'dim', 'where', 'note', 'verdict', 'arms', 'corpus_notes']
    """

    query: str
    corpus: str
    dim: int
    note: str
    arms: tuple[ComparedArm, ...]
    corpus_notes: tuple[Note, ...] = ()
    verdict: Verdict | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    label_names: Mapping[str, str] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types, one entry of "arms" for each side."""
        return {
            "query": self.query,
            "corpus": self.corpus,
            "dim": self.dim,
            "where": dict(self.where),
            "note": self.note,
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "arms": [arm.to_dict() for arm in self.arms],
            "corpus_notes": [asdict(note) for note in self.corpus_notes],
        }
