"""The vectors of one arm over one corpus: encoder, cache and transform together, for page, CLI and evaluation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrl_demo.adapt.kept import FittedMap, load_fitted
from mrl_demo.adapt.sparse import SparseCoder
from mrl_demo.arms.arm import Arm, require_prefixes
from mrl_demo.arms.known_texts import KnownTexts
from mrl_demo.arms.menu import ArmMenu
from mrl_demo.arms.parts import PartlyEncoded
from mrl_demo.arms.pictures import encode_pictured
from mrl_demo.arms.transforms.base import FitMaterial, TaughtQueries, VectorMap
from mrl_demo.core.bounded import BoundedCache
from mrl_demo.core.cache import StoredVectors, VectorCache, vectors_key
from mrl_demo.core.errors import CacheError, CorpusError, ModelError
from mrl_demo.core.locks import KeyedLocks
from mrl_demo.core.secret_names import shown_name
from mrl_demo.core.sparse_rows import SparseRows
from mrl_demo.core.storage import sha256_text
from mrl_demo.core.text_vectors import TextVectors
from mrl_demo.core.types import NOTHING_CUT, Corpus, CutTexts, Encoder, FloatMatrix, Note, Progress, Query
from mrl_demo.core.vectors import normalise
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.corpora.questions.parts import stand_in_queries
from mrl_demo.models.registry import EncoderRegistry

logger = logging.getLogger(__name__)

_ROTATIONS = "rotations"
_TRAIN = "train"
_ROTATIONS_KEPT = 8  # 4 d*d bytes each.
_ROUNDED = (
    "{count:,} of {total:,} vectors of {model} came with the lab, rounded to 8 bits (each has a cosine of .9999 or more"
    " with the exact one)."
)


@dataclass(frozen=True)
class Space:
    """One arm over one corpus: `documents` `(n, d)` float32 unit rows, and the map that queries need too.

    `notes` say what the model does to the texts, empty if there is nothing to say.

    >>> import numpy as np
    >>> from mrl_demo.arms.transforms.base import Identity
    >>> rows = np.eye(2, 3, dtype=np.float32)
    >>> Space(Arm("mine", "Mine", "", "mine"), rows, Identity()).map_queries(rows) is rows
    True
    """

    arm: Arm
    documents: FloatMatrix
    transform: VectorMap
    notes: tuple[Note, ...] = ()

    def map_queries(self, vectors: FloatMatrix) -> FloatMatrix:
        """Bring `(q, d)` encoder vectors into this space: float32 unit rows."""
        return self.transform.map_queries(vectors)

    def without_documents(self) -> Space:
        """The same for queries alone: `documents` has no rows any more, and their memory is free."""
        return replace(self, documents=np.empty((0, self.documents.shape[1]), np.float32))


@dataclass(frozen=True)
class CodedSpace:
    """One arm of sparse codes over one corpus: the documents' codes, and what makes those of queries."""

    documents: SparseRows
    coder: SparseCoder
    notes: tuple[Note, ...] = ()


class SpaceBuilder:
    """Makes spaces; vectors come from the shipped files, the cache folder, or the encoder, in that order.

    Locks are by key: who asks for vectors that are ready never waits for somebody else's encoding.

    >>> from mrl_demo.core.config import Settings
    >>> from mrl_demo.corpora.shipped.builtin import load_builtin
    >>> settings = Settings.from_environment()
    >>> builder = SpaceBuilder(EncoderRegistry(settings), settings.cache_dir, settings.assets_dir)
    >>> builder.space(builder.menu.find("corpus-pca"), load_builtin(settings.assets_dir)).documents.shape
    (2400, 384)
    """

    def __init__(self, encoders: EncoderRegistry, cache_dir: Path, assets_dir: Path, seed: int = 0) -> None:
        self.encoders = encoders
        self.menu = ArmMenu(encoders)
        self.cache = VectorCache(cache_dir, assets_dir / "vectors")
        self._cached, self._shipped = cache_dir / _ROTATIONS, assets_dir / _ROTATIONS
        self._seed = seed
        self.texts_encoded = 0  # Of documents, in this process.
        self._locks = KeyedLocks()
        self._rotations: BoundedCache[VectorMap] = BoundedCache(_ROTATIONS_KEPT)
        self._cut: dict[tuple[str, str], CutTexts] = {}
        self._rounded: dict[tuple[str, str], int] = {}

    def space(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> Space:
        """The vectors of `arm` over `corpus`, encoded and fitted if no cache has them; raises for sparse codes."""
        return self._space(arm, corpus, slice(None), progress)

    def query_space(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> Space:
        """The same for queries alone: its `documents` have no rows, so that none is turned or kept."""
        return self._space(arm, corpus, slice(0), progress)

    def codes(self, arm: Arm, corpus: Corpus, progress: Progress | None = None) -> CodedSpace:
        """The codes of an arm that `is_sparse` over `corpus`, encoded and fitted if no cache has them."""
        stored = self._documents(arm.encoder, corpus, progress)
        coder = self.fit(arm, corpus, stored.vectors, progress)
        if not isinstance(coder, SparseCoder):
            raise ModelError(f"{arm.name} has no sparse codes: it is cut to a prefix.")
        return CodedSpace(coder.encode(stored.vectors), coder, self.notes(arm.encoder, corpus))

    def is_ready(self, arm: Arm, corpus: Corpus) -> bool:
        """Whether `space` takes a moment only: vectors are stored, and so is a rotation that is long to fit."""
        if not self.has_documents(arm.encoder, corpus):
            return False
        if not arm.transform.fitted_on.takes_long:
            return True
        key = arm.transform.key(self.material(arm, corpus, self.documents(arm.encoder, corpus)))
        return self._rotations.peek(key) is not None or any(place.is_file() for place in self._places(key))

    def has_documents(self, encoder_name: str, corpus: Corpus) -> bool:
        """Whether an encoder's vectors of a corpus' documents are stored."""
        if self.encoders.is_given(encoder_name):
            return True
        corpus = corpus.origin
        exact, key = self._document_keys(encoder_name, corpus.fingerprint)
        shipped = f"{corpus.name}-{encoder_name}-documents"
        if self.cache.has(exact, shipped) or self.cache.has(key):
            return True
        found, _ = self._shipped_texts(encoder_name, [doc.content for doc in corpus.documents], shipped)
        return bool(found.all())

    def notes(self, encoder_name: str, corpus: Corpus) -> tuple[Note, ...]:
        """What is to be said of the vectors that `documents` or `space` gave: the model's notes, and the texts cut."""
        cut = self._cut.get((encoder_name, corpus.fingerprint), NOTHING_CUT)
        model = shown_name(encoder_name.removesuffix(f":{cut.limit}"))  # A limited encoder is named after its limit.
        said = cut.describe(len(corpus), "documents", model)
        own = tuple(Note("model", text) for text in self.encoders.notes(encoder_name))
        if rounded := self._rounded.get((encoder_name, corpus.fingerprint), 0):
            own = (
                *own,
                Note("rounded-vector", _ROUNDED.format(count=rounded, total=len(corpus), model=model), rounded),
            )
        return (*own, Note("cut-document", said, cut.count)) if said else own

    def documents(self, encoder_name: str, corpus: Corpus, progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of a corpus' documents as the encoder gives them."""
        return self._documents(encoder_name, corpus, progress).vectors

    def queries(self, encoder_name: str, corpus: Corpus) -> FloatMatrix:
        """`(q, d)` float32 unit rows of all of a corpus' judged queries as the encoder gives them."""
        if corpus.has_pictures and corpus.stand_ins == "documents":  # A picture is searched for by what it shows.
            rows = {document.id: row for row, document in enumerate(corpus.documents)}
            return self.documents(encoder_name, corpus)[[rows[query.id] for query in corpus.queries]]
        texts = [query.text for query in corpus.queries]
        return self._query_vectors(encoder_name, texts, f"{corpus.name}-{encoder_name}-queries")

    def questions(self, encoder_name: str, texts: Sequence[str], shipped: str = "") -> FloatMatrix:
        """`(n, d)` float32 unit rows of any texts, encoded as queries; `shipped` names a file that may have them."""
        return self._query_vectors(encoder_name, texts, shipped and f"{shipped}-{encoder_name}-queries")

    def stored_query(self, encoder_name: str, corpus: Corpus, text: str) -> FloatMatrix | None:
        """`(d,)` float32 unit vector of a judged query as it is stored (shipped ones in float16), None if it is not."""
        texts = [query.text for query in corpus.queries]
        if text not in texts:
            return None
        key = vectors_key(self.encoders.encoder(encoder_name).fingerprint, sha256_text(*texts), "queries")
        vectors = self.cache.load(key, len(texts), f"{corpus.name}-{encoder_name}-queries")
        return None if vectors is None else normalise(vectors[texts.index(text)])

    def texts(self, encoder_name: str, texts: Sequence[str]) -> FloatMatrix:
        """`(n, d)` float32 unit rows of any texts, encoded as documents."""
        return self._encoded(encoder_name, texts, sha256_text(*texts)).vectors

    def with_token_limit(self, arm: Arm, max_tokens: int) -> Arm:
        """The arm with its encoder cutting texts at `max_tokens`; itself for 0 and for arms without an encoder."""
        if not max_tokens or not arm.has_vectors:
            return arm
        return replace(arm, encoder=self.encoders.limited(arm.encoder, max_tokens))

    def stand_ins(self, encoder_name: str, corpus: Corpus, progress: Progress | None = None) -> FloatMatrix:
        """`(m, d)` float32 unit rows of the corpus' titles and sentences that stand in for queries."""
        if self.encoders.is_given(encoder_name):  # Nobody can encode them: the rotation is fitted without.
            return np.empty((0, self.encoders.encoder(encoder_name).dimension), np.float32)
        texts = stand_in_queries(corpus.documents)
        if progress:
            progress(0.0, f"Encoding {len(texts):,} titles and sentences to fit the rotation with")
        return self._query_vectors(encoder_name, texts)

    def judged_queries(self, encoder_name: str, corpus: Corpus, queries: Sequence[Query]) -> FloatMatrix:
        """Rows of the vectors of all the corpus' queries if those are stored; else the chosen are encoded."""
        texts = [query.text for query in corpus.queries]
        key = vectors_key(self.encoders.encoder(encoder_name).fingerprint, sha256_text(*texts), "queries")
        whole = self.cache.load(key, len(texts), f"{corpus.name}-{encoder_name}-queries")
        if whole is None:
            return self.queries(encoder_name, replace(corpus, queries=tuple(queries)))
        place = {query.text: row for row, query in enumerate(corpus.queries)}
        return whole[[place[query.text] for query in queries]]

    def taught(self, encoder_name: str, corpus: Corpus) -> TaughtQueries:
        """The judged questions of the train split, in canonical order; raises `CorpusError` if there are none.

        Those of other splits are what figures are made of: nothing is fitted to them.
        """
        rows = {document.id: row for row, document in enumerate(corpus.documents)}
        answers: dict[Query, list[int]] = {}
        for query in (corpus.queries[row] for row in canonical_order(corpus.queries)):
            graded = corpus.judgements.get(query.id, {}) if query.split == _TRAIN else {}
            if answered := [rows[name] for name, grade in graded.items() if grade > 0 and name in rows]:
                answers[query] = answered
        if not answers:
            raise CorpusError(
                f"{corpus.name} has no judged questions in a train split to learn from: give qrels/train.tsv beside "
                "those that it is measured by, or use the arm adapted, which needs none."
            )
        pairs = [(row, place) for row, places in enumerate(answers.values()) for place in sorted(places)]
        vectors = self.judged_queries(encoder_name, corpus, list(answers))
        return TaughtQueries(vectors, np.array(pairs, dtype=np.int64))

    def fit(self, arm: Arm, corpus: Corpus, documents: FloatMatrix, progress: Progress | None = None) -> VectorMap:
        """Fit the arm's transform for these documents, once a process and key; a stored fit is used if it has that key.

        A fit that its time limit cut short serves this process and is not stored, so that the next one fits again.
        """
        material = self.material(arm, corpus, documents)
        key = arm.transform.key(material)
        if not key:
            return arm.transform.fit(material, progress)

        def find_or_fit() -> VectorMap:
            """The stored fit, or a new one."""
            stored = self._stored_fit(key, documents.shape[1])
            return stored or self._fit_and_store(arm, material, key, progress)

        return self._rotations.get(key, find_or_fit)

    def material(self, arm: Arm, corpus: Corpus, documents: FloatMatrix) -> FitMaterial:
        """What the transform of `arm` may be fitted on, in canonical order: a fit depends on no file's order."""
        if arm.transform.fitted_on.is_corpus:
            order = canonical_order(corpus.documents)
            corpus = replace(corpus, documents=tuple(corpus.documents[row] for row in order))
            documents = documents[order]
        return FitMaterial(
            corpus=corpus,
            encoder=arm.encoder,
            encoder_fingerprint=self.encoders.encoder(arm.encoder).fingerprint,
            trained_dims=arm.trained_dims,
            documents=documents,
            stand_ins=lambda progress: self.stand_ins(arm.encoder, corpus, progress),
            judged=lambda: self.taught(arm.encoder, corpus),
            shipped=self._shipped,
            seed=self._seed,
        )

    def _space(self, arm: Arm, corpus: Corpus, rows: slice, progress: Progress | None) -> Space:
        require_prefixes(arm)
        stored = self._documents(arm.encoder, corpus, progress)
        transform = self.fit(arm, corpus, stored.vectors, progress)
        return Space(arm, transform.apply(stored.vectors[rows]), transform, self.notes(arm.encoder, corpus))

    def _documents(self, encoder_name: str, corpus: Corpus, progress: Progress | None = None) -> StoredVectors:
        texts = [doc.content for doc in corpus.documents]
        if corpus.has_pictures and not self.encoders.is_given(encoder_name):
            stored = self._pictured(encoder_name, corpus, progress)
        elif corpus.source is None:
            shipped = f"{corpus.name}-{encoder_name}-documents"
            stored = self._encoded(encoder_name, texts, corpus.fingerprint, shipped, progress)
        else:
            stored = self._changed(encoder_name, texts, corpus.source, progress)
        self._cut[encoder_name, corpus.fingerprint] = stored.cut
        return stored

    def _pictured(self, name: str, corpus: Corpus, progress: Progress | None) -> StoredVectors:
        """Vectors of a collection of pictures, multiplied in float32."""
        encoder = self.encoders.encoder(name)
        key, _ = self._document_keys(name, corpus.fingerprint)
        with self._locks.hold(key, progress):
            stored = self.cache.load_stored(key, len(corpus))
            if stored is None:
                stored = encode_pictured(name, encoder, corpus.documents, progress)
                self._store(key, stored.vectors, stored.cut)
        return stored

    def _changed(
        self, encoder_name: str, texts: Sequence[str], source: Corpus, progress: Progress | None
    ) -> StoredVectors:
        """The vectors of a collection's documents, those alone encoded anew whose text is no longer the source's."""
        stored = self._documents(encoder_name, source, progress)
        rows = [row for row, document in enumerate(source.documents) if document.content != texts[row]]
        if not rows:
            return stored
        vectors = stored.vectors.copy()
        vectors[rows] = self.texts(encoder_name, [texts[row] for row in rows])
        return StoredVectors(vectors, stored.cut)

    def _encoded(
        self, name: str, texts: Sequence[str], fingerprint: str, shipped: str = "", progress: Progress | None = None
    ) -> StoredVectors:
        """Texts as documents; vectors multiplied in float32 serve a machine that would take bfloat16 too."""
        encoder = self.encoders.encoder(name)
        if self.encoders.is_given(name):  # They are here, and a visitor's must not outlive the visit in a folder.
            return StoredVectors(encoder.encode_documents(texts, progress), NOTHING_CUT)
        exact, key = self._document_keys(name, fingerprint)
        with self._locks.hold(key, progress):
            stored = self.cache.load_stored(exact, len(texts), shipped)
            if stored is None and key != exact:
                stored = self.cache.load_stored(key, len(texts))
            if stored is None:
                stored = self._from_shipped_texts(name, texts, fingerprint, shipped, progress)
            if stored is None:
                stored = self._encode_and_store(encoder, texts, key, progress)
        return stored

    def _encode_and_store(
        self, encoder: Encoder, texts: Sequence[str], key: str, progress: Progress | None
    ) -> StoredVectors:
        """Vectors of texts, those alone encoded that no stored collection has, part by part."""
        known = KnownTexts(self.cache, encoder.fingerprint, encoder.document_precision)
        parts = PartlyEncoded(self.cache, encoder.fingerprint, encoder.document_precision)

        def encode(distinct: Sequence[str]) -> FloatMatrix:
            """Vectors of the texts; only those not known yet are encoded."""
            is_known, rows = known.find(distinct, encoder.dimension)
            if not is_known.any():
                return parts.encode(distinct, encoder, progress)
            vectors = np.empty((len(distinct), encoder.dimension), dtype=np.float32)
            vectors[is_known] = rows
            if new := [text for text, is_here in zip(distinct, is_known, strict=True) if not is_here]:
                vectors[~is_known] = parts.encode(new, encoder, progress)
            return vectors

        stored = StoredVectors(encode_distinct(texts, encode), encoder.count_cut(texts, "document"))
        self.texts_encoded += parts.encoded
        self._store(key, stored.vectors, stored.cut)
        known.remember(key, texts)
        parts.remove()
        return stored

    def _from_shipped_texts(
        self, name: str, texts: Sequence[str], fingerprint: str, shipped: str, progress: Progress | None
    ) -> StoredVectors | None:
        """Vectors by text hash that came with the code, the texts that are not among them encoded; None without any.

        They are not stored in the cache: they are rounded, which a note says, and what is encoded here is not.
        """
        encoder = self.encoders.encoder(name)
        found, rows = self._shipped_texts(name, texts, shipped)
        if not found.any():
            return None
        vectors = np.empty((len(texts), encoder.dimension), dtype=np.float32)
        vectors[found] = rows
        missing = [text for text, is_here in zip(texts, found, strict=True) if not is_here]
        if missing:
            vectors[~found] = encode_distinct(missing, lambda distinct: encoder.encode_documents(distinct, progress))
        self._rounded[name, fingerprint] = int(found.sum())
        # What ships was not cut: the script that makes it sees to that.
        return StoredVectors(vectors, encoder.count_cut(missing, "document") if missing else NOTHING_CUT)

    def _shipped_texts(self, name: str, texts: Sequence[str], shipped: str) -> tuple[NDArray[np.bool_], FloatMatrix]:
        path = self.cache.shipped_dir / f"{shipped}-by-text.safetensors"
        nothing = np.zeros(len(texts), bool), np.empty((0, 0), np.float32)
        if not shipped or not path.is_file():
            return nothing
        kept = TextVectors.load(path, self.encoders.encoder(name).fingerprint)
        return nothing if kept is None else kept.find(texts)

    def _document_keys(self, encoder_name: str, fingerprint: str) -> tuple[str, str]:
        """Keys of texts' vectors: multiplied in float32, and as this machine multiplies."""
        encoder = self.encoders.encoder(encoder_name)
        exact = vectors_key(encoder.fingerprint, fingerprint, "documents")
        if encoder.document_precision == "float32":
            return exact, exact
        return exact, vectors_key(encoder.fingerprint, fingerprint, f"documents-{encoder.document_precision}")

    def _query_vectors(self, encoder_name: str, texts: Sequence[str], shipped: str = "") -> FloatMatrix:
        encoder = self.encoders.encoder(encoder_name)
        if self.encoders.is_given(encoder_name):
            return encoder.encode_queries(texts)
        key = vectors_key(encoder.fingerprint, sha256_text(*texts), "queries")
        with self._locks.hold(key):
            vectors = self.cache.load(key, len(texts), shipped)
            if vectors is None:
                vectors = encode_distinct(texts, encoder.encode_queries)
                self._store(key, vectors)
        return vectors

    def _places(self, key: str) -> tuple[Path, ...]:
        """Where a fitted rotation may lie."""
        own = self.cache.folder / _ROTATIONS / f"{key}.safetensors"
        return self._shipped / f"{key}.safetensors", own, self._cached / f"{key}.safetensors"

    def _stored_fit(self, key: str, dimension: int) -> FittedMap | None:
        for place in self._places(key):
            if place.is_file():
                try:
                    return load_fitted(place, key, dimension)
                except ModelError as error:
                    logger.warning("%s It is fitted again.", error)
        return None

    def _fit_and_store(self, arm: Arm, material: FitMaterial, key: str, progress: Progress | None) -> VectorMap:
        fitted = arm.transform.fit(material, progress)
        if not isinstance(fitted, FittedMap):
            return fitted
        if fitted.is_cut_short:
            says = (
                "%s over %s: the fit ran out of time (%.0f s). It is used until this process ends and is then fitted "
            )
            logger.warning(says + "again.", arm.name, material.corpus.name, fitted.seconds)
            return fitted
        try:
            fitted.save(self.cache.folder / _ROTATIONS / f"{key}.safetensors", key=key)
        except CacheError as error:
            logger.warning("%s", error)
        return fitted

    def _store(self, key: str, vectors: FloatMatrix, cut: CutTexts = NOTHING_CUT) -> None:
        try:
            self.cache.store(key, vectors, cut)
        except CacheError as error:  # The vectors are right; only the next start will be slow.
            logger.warning("%s", error)


def encode_distinct(texts: Sequence[str], encode: Callable[[Sequence[str]], FloatMatrix]) -> FloatMatrix:
    """Vectors of `texts`, each text encoded once, in an order that is not the file's.

    A batch's other texts turn the last bits of a vector in bfloat16: encoded like this, equal texts have equal vectors,
    and a collection's vectors do not depend on how its file was sorted.
    """
    distinct = sorted(set(texts))
    vectors = encode(distinct)
    if len(distinct) == len(texts) and all(map(str.__eq__, distinct, texts)):
        return vectors
    place = {text: row for row, text in enumerate(distinct)}
    return vectors[[place[text] for text in texts]]
