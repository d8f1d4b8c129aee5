"""The facade that the page, the command line and the scripts call: bounded shared caches, thread-safe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.arms.catalogue import arm_named
from mrl_demo.arms.spaces import Space, SpaceBuilder
from mrl_demo.core.config import Settings
from mrl_demo.core.errors import CorpusError, LabError
from mrl_demo.core.types import ArmSpec, ComparedArm, Comparison, Corpus, FloatMatrix, Progress, RankPaths
from mrl_demo.core.vectors import check_dimension
from mrl_demo.corpora import builtin, files, python_reference
from mrl_demo.corpora.examples import Example, load_examples
from mrl_demo.corpora.query_text import clean_query
from mrl_demo.lab.bounded import _Bounded
from mrl_demo.lab.choices import CorpusChoice
from mrl_demo.lab.searcher import EncodedQuery, Searcher
from mrl_demo.models.registry import EncoderRegistry
from mrl_demo.search.prefix import PrefixIndex

_QUERIES_KEPT = 2_048
_PATHS_KEPT = 512


@dataclass(frozen=True)
class _Ready:
    space: Space
    searcher: Searcher


class Lab:
    """Everything a front end needs; one instance a process, shared by all visitors."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.encoders = EncoderRegistry(settings)
        self.builder = SpaceBuilder(self.encoders, settings.cache_dir, settings.assets_dir, settings.seed)
        self._corpora: _Bounded[Corpus] = _Bounded(settings.cached_corpora)
        self._ready: _Bounded[_Ready] = _Bounded(settings.cached_corpora * 4)
        self._query_vectors: _Bounded[tuple[FloatMatrix, float]] = _Bounded(_QUERIES_KEPT)
        self._judged: _Bounded[dict[str, str]] = _Bounded(settings.cached_corpora)
        self._paths: _Bounded[RankPaths] = _Bounded(_PATHS_KEPT)
        self._own_corpora: dict[str, Path] = {}
        self._warm: set[str] = set()

    def arms(self) -> tuple[ArmSpec, ...]:
        """Arms that can be searched, in the order of the menus."""
        return self.encoders.arms()

    def add_model(self, given: str) -> str:
        """Make an arm of a folder or of `OWNER/NAME[@REVISION]` on the Hub; raises `ModelError` where it is neither."""
        return self.encoders.add_model(given)

    def base_of(self, arm: str) -> str:
        """The arm that a model trained here started from."""
        return self.encoders.base_of(arm)

    def full_dim(self, arms: Sequence[str]) -> int:
        """The longest prefix that all of `arms` have; raises `ModelError` for names there are not."""
        specs = [arm_named(name, self.arms()) for name in arms]
        return min(self.encoders.encoder(spec.encoder).dimension for spec in specs)

    def corpora(self) -> tuple[CorpusChoice, ...]:
        """Entries of the corpus menu."""
        own = (CorpusChoice(name, name, f"Your documents in {path}", True) for name, path in self._own_corpora.items())
        return (
            CorpusChoice(builtin.NAME, builtin.LABEL, "Passages written for this page", True),
            CorpusChoice(
                python_reference.NAME,
                python_reference.LABEL,
                "Docstrings of this Python and its scientific packages",
                python_reference.is_built(self.settings.cache_dir),
            ),
            *own,
        )

    def add_corpus(self, path: Path) -> str:
        """Add a user's file or folder to the menu and return its name; raises `CorpusError` where it is unreadable."""
        corpus = files.load_path(path, self.settings.max_documents)
        self._own_corpora[corpus.name] = path
        self._corpora.put(corpus.name, corpus)
        return corpus.name

    def corpus(self, name: str, progress: Progress | None = None) -> Corpus:
        """Load (or build) a corpus by name; raises `CorpusError` naming those there are."""
        return self._corpora.get(name, lambda: self._load_corpus(name, progress))

    def examples(self, corpus: str) -> tuple[Example, ...]:
        """Example queries of a corpus, the first of them filled in at the start."""
        shipped = load_examples(self.settings.assets_dir, corpus)
        if shipped or corpus not in self._own_corpora:
            return shipped
        found = self.corpus(corpus)
        if found.queries:
            return tuple(Example(query.text, "a judged query") for query in found.queries[:8])
        return tuple(Example(doc.title or doc.text[:80], "a title") for doc in found.documents[:8])

    def prepare(self, corpus: str, arms: Sequence[str], progress: Progress | None = None) -> None:
        """Make the vectors and the index of each arm ready, so that `compare` answers at once."""
        for name in arms:
            self._readied(self.corpus(corpus, progress), arm_named(name, self.arms()), progress)

    def compare(
        self, query: str, *, corpus: str, arms: Sequence[str], dim: object, top_k: int | None = None
    ) -> Comparison:
        """Search every arm at prefix `dim`; a query seen before is not encoded again.

        Raises `LabError` with a hint for an empty query, `InvalidDimensionError` for a `dim` outside the arms'
        range, and `CorpusError` or `ModelError` for names there are not.
        """
        cleaned = clean_query(query, self.settings.max_query_chars)
        found = self.corpus(corpus)
        k = self.settings.top_k if top_k is None else top_k
        if k < 1:
            raise LabError(f"A search cannot show {k} results: ask for 1 or more.")
        compared = [self._compare_arm(cleaned.text, found, arm_named(name, self.arms()), dim, k) for name in arms]
        length = max(side.result.dim for side in compared)
        return Comparison(cleaned.text, corpus, length, cleaned.note, tuple(compared))

    def _compare_arm(self, text: str, corpus: Corpus, arm: ArmSpec, dim: object, top_k: int) -> ComparedArm:
        length = check_dimension(dim, self.encoders.encoder(arm.encoder).dimension)
        ready = self._readied(corpus, arm)
        query = self._encoded(text, ready.space)
        answers = self._answers(corpus, text)
        result = ready.searcher.result(query, length, top_k, answers)
        key = (arm.name, corpus.name, corpus.fingerprint, text, top_k)
        paths = self._paths.get(key, lambda: ready.searcher.paths(query, top_k, answers))
        return ComparedArm(arm, result, paths)

    def _answers(self, corpus: Corpus, text: str) -> dict[str, int]:
        """Known answers of a judged query typed word for word (spaces and case aside), empty for any other text."""
        ids = self._judged.get(
            (corpus.name, corpus.fingerprint), lambda: {_folded(query.text): query.id for query in corpus.queries}
        )
        judged = corpus.judgements.get(ids.get(_folded(text), ""), {})
        return {document: grade for document, grade in judged.items() if grade > 0}

    def _encoded(self, text: str, space: Space) -> EncodedQuery:
        encoder = self.encoders.encoder(space.arm.encoder)

        def encode() -> tuple[FloatMatrix, float]:
            """The query's vector and the ms that encoding it took."""
            if encoder.fingerprint not in self._warm:  # Loading weights is not encoding: it is kept out of the time.
                encoder.encode_queries([text])
                self._warm.add(encoder.fingerprint)
            started = time.perf_counter()
            return encoder.encode_queries([text])[0], (time.perf_counter() - started) * 1e3

        vector, encode_ms = self._query_vectors.get((encoder.fingerprint, text), encode)
        return EncodedQuery(text, space.rotate(vector[None])[0], encode_ms)

    def _readied(self, corpus: Corpus, arm: ArmSpec, progress: Progress | None = None) -> _Ready:
        def build() -> _Ready:
            space = self.builder.space(arm, corpus, progress)
            return _Ready(space, Searcher(arm.name, corpus, PrefixIndex(space.documents)))

        fingerprint = self.encoders.encoder(arm.encoder).fingerprint
        return self._ready.get((arm.name, fingerprint, corpus.name, corpus.fingerprint), build)

    def _load_corpus(self, name: str, progress: Progress | None) -> Corpus:
        if name == builtin.NAME:
            return builtin.load_builtin(self.settings.assets_dir)
        if name == python_reference.NAME:
            return python_reference.load_python_reference(self.settings.cache_dir, progress)
        if name in self._own_corpora:
            return files.load_path(self._own_corpora[name], self.settings.max_documents)
        raise CorpusError(
            f"There is no corpus {name!r}: choose one of {', '.join(choice.name for choice in self.corpora())}."
        )


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


__all__ = ["CorpusChoice", "Example", "Lab"]
