"""The vectors of one arm over one corpus: encoder, cache and rotation together, for page, CLI and evaluation."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mrl_demo.adapt import RECIPE_VERSION, AdaptSettings, Rotation, fit_adapted, fit_pca
from mrl_demo.adapt.rotation import random_permutation
from mrl_demo.core.cache import VectorCache, vectors_key
from mrl_demo.core.errors import CacheError, ModelError
from mrl_demo.core.storage import sha256_bytes, sha256_text
from mrl_demo.core.types import ArmSpec, Corpus, FloatMatrix, Progress
from mrl_demo.corpora.parts import stand_in_queries
from mrl_demo.models.registry import EncoderRegistry

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Space:
    """One arm over one corpus: `documents` `(n, d)` float32 unit rows, and the rotation that queries need too."""

    arm: ArmSpec
    documents: FloatMatrix
    rotation: Rotation | None = None

    def rotate(self, vectors: FloatMatrix) -> FloatMatrix:
        """Bring `(q, d)` encoder vectors into this space: float32 unit rows."""
        return vectors if self.rotation is None else self.rotation.apply(vectors)


class SpaceBuilder:
    """Makes spaces; vectors come from the shipped files, the cache folder, or the encoder, in that order."""

    def __init__(self, encoders: EncoderRegistry, cache_dir: Path, assets_dir: Path, seed: int = 0) -> None:
        self.encoders = encoders
        self.cache = VectorCache(cache_dir, assets_dir / "vectors")
        self._cache_dir, self._assets_dir, self._seed = cache_dir, assets_dir, seed
        self._lock = threading.Lock()

    def space(self, arm: ArmSpec, corpus: Corpus, progress: Progress | None = None) -> Space:
        """The vectors of `arm` over `corpus`, encoded and fitted where no cache has them."""
        documents = self.documents(arm.encoder, corpus, progress)
        rotation = self.rotation(arm, corpus, documents, progress)
        return Space(arm, documents if rotation is None else rotation.apply(documents), rotation)

    def documents(self, encoder_name: str, corpus: Corpus, progress: Progress | None = None) -> FloatMatrix:
        """`(n, d)` float32 unit rows of a corpus' documents as the encoder gives them."""
        encoder = self.encoders.encoder(encoder_name)
        key = vectors_key(encoder.fingerprint, corpus.fingerprint, "documents")
        shipped = f"{corpus.name}-{encoder_name}-documents"
        with self._lock:
            found = self.cache.load(key, len(corpus), shipped)
            if found is None:
                found = encoder.encode_documents([doc.content for doc in corpus.documents], progress)
                self._store(key, found)
        return found

    def queries(self, encoder_name: str, corpus: Corpus) -> FloatMatrix:
        """`(q, d)` float32 unit rows of all of a corpus' judged queries as the encoder gives them."""
        return self._asked(
            encoder_name, [query.text for query in corpus.queries], f"{corpus.name}-{encoder_name}-queries"
        )

    def stand_ins(self, encoder_name: str, corpus: Corpus, progress: Progress | None = None) -> FloatMatrix:
        """`(m, d)` float32 unit rows of the corpus' titles and sentences that stand in for queries."""
        texts = stand_in_queries(corpus.documents)
        if progress:
            progress(0.0, f"Encoding {len(texts):,} titles and sentences to fit the rotation with")
        return self._asked(encoder_name, texts)

    def _asked(self, encoder_name: str, texts: Sequence[str], shipped: str = "") -> FloatMatrix:
        encoder = self.encoders.encoder(encoder_name)
        key = vectors_key(encoder.fingerprint, sha256_text(*texts), "queries")
        with self._lock:
            found = self.cache.load(key, len(texts), shipped)
            if found is None:
                found = encoder.encode_queries(texts)
                self._store(key, found)
        return found

    def rotation(
        self, arm: ArmSpec, corpus: Corpus, documents: FloatMatrix, progress: Progress | None = None
    ) -> Rotation | None:
        """What turns the encoder's vectors into the arm's, None for the arms that only cut."""
        if arm.transform == "none":
            return None
        if arm.transform == "random":
            return random_permutation(documents.shape[1], self._seed)
        if arm.transform == "pca":
            return Rotation.load(self._assets_dir / "rotations" / f"{arm.encoder}-pca.safetensors")
        path = self._cache_dir / "rotations" / f"{self.rotation_key(arm, corpus, documents)}.safetensors"
        for place in (self._assets_dir / "rotations" / path.name, path):
            if place.is_file():
                try:
                    return Rotation.load(place)
                except ModelError as error:
                    logger.warning("%s The rotation is fitted again.", error)
        rotation = self._fitted(arm, corpus, documents, progress)
        try:
            rotation.save(path)
        except CacheError as error:
            logger.warning("%s", error)
        return rotation

    def rotation_key(self, arm: ArmSpec, corpus: Corpus, documents: FloatMatrix) -> str:
        """Hex sha256 of all that the fitted rotation of an arm depends on: recipe, vectors, and texts that stand in."""
        parts = [arm.transform, str(RECIPE_VERSION), sha256_bytes(documents)]
        if arm.transform == "adapted":
            fingerprint = self.encoders.encoder(arm.encoder).fingerprint
            parts += [repr(_settings(arm)), fingerprint, *stand_in_queries(corpus.documents)]
        return sha256_text(*parts)

    def _fitted(self, arm: ArmSpec, corpus: Corpus, documents: FloatMatrix, progress: Progress | None) -> Rotation:
        if arm.transform == "corpus-pca":
            return fit_pca(documents)
        return fit_adapted(documents, _settings(arm), progress, self.stand_ins(arm.encoder, corpus, progress))

    def _store(self, key: str, vectors: FloatMatrix) -> None:
        try:
            self.cache.store(key, vectors)
        except CacheError as error:  # The vectors are right; only the next start will be slow.
            logger.warning("%s", error)


def _settings(arm: ArmSpec) -> AdaptSettings:
    return AdaptSettings.for_model(arm.trained_dims)
