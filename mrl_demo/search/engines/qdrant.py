"""Qdrant: named vectors at a few lengths, a nested prefetch for funnels, int8 or binary codes with rescoring, shards.

A collection's card is its metadata (Qdrant 1.16 or newer). Local mode (`qdrant:///FOLDER`) is exact and ignores codes
and shards; it is for trying out, up to some 20,000 documents.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from mrl_demo.core.types import FILTER_FIELDS, FloatMatrix
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engines.adapter import StoredCollection
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import (
    EngineDownError,
    EngineError,
    EngineFullError,
    EngineMismatchError,
    EngineRefusedError,
)
from mrl_demo.search.engines.stored_lengths import FieldAdapter, FieldHits, FieldSearch
from mrl_demo.search.engines.vector_engine import (
    CollectionCard,
    CollectionLayout,
    Nearest,
    VectorBatch,
    check_cascade,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models
    from qdrant_client.http.exceptions import UnexpectedResponse

_PORT = 6333
_SECONDS = 30
_INDEXING_SECONDS = 3_600
_PAGE = 10_000
#: How many times the rows wanted codes hand to the float32 vectors.
_OVERSAMPLING = 4.0
_NO_QDRANT = "What answers at this address is no Qdrant: check host and port (6333 is its own)."


class QdrantEngine(FieldAdapter["QdrantClient"]):
    """A Qdrant collection as a `VectorEngine`.

    >>> engine = QdrantEngine(EngineAddress.parse("qdrant:///:memory:?collection=bees"))
    >>> engine.read_card() is None
    True
    """

    product = "Qdrant"
    client_package, extra = "qdrant_client", "qdrant"

    def __init__(self, address: EngineAddress) -> None:
        super().__init__(address)
        # Local mode keeps plain arrays, which an upload replaces under a search.
        self._one_at_a_time = threading.RLock() if address.is_local else nullcontext()

    def fields_of(self, layout: CollectionLayout) -> Mapping[str, str]:
        """A named vector for each length."""
        return {str(dim): f"of {dim}" for dim in layout.dims}

    def read_stored(self) -> StoredCollection | None:
        """The collection's metadata and its vectors' lengths."""
        with self.asking() as client:
            if not client.collection_exists(self.collection):
                return None
            config = client.get_collection(self.collection).config
        vectors = config.params.vectors
        sizes = {name: f"of {params.size}" for name, params in vectors.items()} if isinstance(vectors, dict) else {}
        return StoredCollection((config.metadata or {}).get("card"), sizes)

    def create_stored(self, card: CollectionCard) -> None:
        """A collection with the codes and shards of the layout, and an index of the attributes that filters name."""
        from qdrant_client import models

        layout = card.layout
        with self.asking() as client:
            client.create_collection(
                self.collection,
                vectors_config={str(dim): _vector_params(layout, dim) for dim in layout.dims},
                shard_number=layout.parts,
                hnsw_config=None if layout.is_approximate else models.HnswConfigDiff(m=0),
                metadata={"card": card.to_json()},
            )
            if not self.address.is_local:
                for name in FILTER_FIELDS:
                    client.create_payload_index(self.collection, name, models.PayloadSchemaType.KEYWORD, wait=True)

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with self.asking() as client:
            client.update_collection(self.collection, metadata={"card": card.to_json()})

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        keys: set[str] = set()
        with self.asking() as client:
            offset = None
            while True:
                points, offset = client.scroll(
                    self.collection, limit=_PAGE, offset=offset, with_payload=False, with_vectors=False
                )
                keys |= {str(point.id) for point in points}
                if offset is None:
                    return keys

    def count(self) -> int:
        """As `VectorEngine` has it."""
        with self.asking() as client:
            return int(client.count(self.collection, exact=True).count)

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it."""
        from qdrant_client import models

        named = {str(dim): batch.vectors[:, :dim].tolist() for dim in self.layout.dims}
        payloads = [dict(attributes) for attributes in batch.attributes]
        with self.asking() as client:
            client.upsert(
                self.collection, models.Batch(ids=list(batch.keys), vectors=named, payloads=payloads), wait=True
            )

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        from qdrant_client import models

        with self.asking() as client:
            client.delete(self.collection, models.PointIdsList(points=list(keys)), wait=True)

    def finish(self) -> None:
        """Wait until the optimiser has built what the layout asks for."""
        deadline = time.monotonic() + _INDEXING_SECONDS
        while time.monotonic() < deadline:
            with self.asking() as client:
                if str(client.get_collection(self.collection).status.value) == "green":
                    return
            time.sleep(0.5)
        raise EngineDownError("Qdrant is still building its indexes after an hour: run `mrl index` again later.")

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it: a nested prefetch if each stage has a vector of its own."""
        check_cascade(cascade)
        if not {stage.dim for stage in cascade.stages} <= {*self.layout.dims}:
            return super().funnel(queries, cascade, k)
        return [hits.nearest for hits in self._ask([self._nested(query, cascade, k) for query in queries])]

    def remove_stored(self) -> None:
        """Remove the collection."""
        with self.asking() as client:
            client.delete_collection(self.collection)

    def search_field(
        self, queries: FloatMatrix, wanted: FieldSearch, where: Mapping[str, str] | None
    ) -> list[FieldHits]:
        """One batch of queries to the named vector of a length."""
        from qdrant_client import models

        requests = [
            models.QueryRequest(
                query=query.tolist(),
                using=str(wanted.length),
                limit=wanted.limit,
                filter=_filter(where),
                params=self._params(),
                with_vector=[str(wanted.fetched)] if wanted.fetched else None,
            )
            for query in queries
        ]
        return self._ask(requests, wanted.fetched)

    def _nested(self, query: FloatMatrix, cascade: Cascade, k: int) -> models.QueryRequest:
        """A funnel as one request: each stage's shortlist is what the next one searches."""
        from qdrant_client import models

        prefetch: models.Prefetch | None = None
        for stage in cascade.stages[:-1]:
            prefetch = models.Prefetch(
                prefetch=[prefetch] if prefetch else None,
                query=query[: stage.dim].tolist(),
                using=str(stage.dim),
                limit=stage.keep,
                params=None if prefetch else self._params(),
            )
        last = cascade.stages[-1]
        return models.QueryRequest(
            prefetch=[prefetch] if prefetch else None,
            query=query[: last.dim].tolist(),
            using=str(last.dim),
            limit=min(k, last.keep),
            params=None if prefetch else self._params(),
        )

    def _ask(self, requests: Sequence[models.QueryRequest], fetched: int = 0) -> list[FieldHits]:
        if not requests:
            return []
        with self.asking() as client:
            answers = client.query_batch_points(self.collection, requests=list(requests))
        return [_hits(answer.points, fetched) for answer in answers]

    def _params(self) -> models.SearchParams:
        """Every vector compared, or the graph with its codes, whose list the float32 numbers rescore."""
        from qdrant_client import models

        layout = self.layout
        if not layout.is_approximate:
            return models.SearchParams(exact=True)
        coded = layout.precision in {"int8", "binary"}
        rescoring = models.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING) if coded else None
        return models.SearchParams(quantization=rescoring)

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Local mode is asked by one thread at a time; warnings of keys sent without TLS, and of it, are kept quiet."""
        with self._one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield

    def connect(self) -> QdrantClient:
        """A client of the server, or of a folder or memory of this process."""
        from qdrant_client import QdrantClient

        address = self.address
        if address.path == ":memory:":
            return QdrantClient(location=":memory:")
        if address.is_local:
            return QdrantClient(path=address.path, force_disable_check_same_thread=True)
        key = address.password or os.environ.get("QDRANT_API_KEY") or None
        return QdrantClient(url=address.http_url(_PORT), api_key=key, timeout=_SECONDS, check_compatibility=False)

    def disconnect(self, client: QdrantClient) -> None:
        """Close the client."""
        client.close()

    def explain(self, error: Exception) -> EngineError | None:
        """By the status that the server answers with; local mode says everything by ValueError."""
        from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

        if isinstance(error, UnexpectedResponse):
            return _explain_status(error, self.collection)
        if isinstance(error, ApiException):
            return EngineDownError.silent(self.product)
        if isinstance(error, ValueError):
            return EngineMismatchError.changed(f"Qdrant's local mode: {error}")
        if isinstance(error, RuntimeError) and "already accessed" in str(error):
            return EngineDownError(
                "Another process has this Qdrant folder open: end it, or start a server, which many can use."
            )
        return None


def _vector_params(layout: CollectionLayout, dim: int) -> models.VectorParams:
    from qdrant_client import models

    codes: dict[str, Any] = {
        "int8": models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        ),
        "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
    }
    return models.VectorParams(
        size=dim,
        distance=models.Distance.COSINE,
        datatype=models.Datatype.FLOAT16 if layout.precision == "float16" else models.Datatype.FLOAT32,
        quantization_config=codes.get(layout.precision),
        on_disk=layout.precision in codes or dim == layout.dimension,
    )


def _filter(where: Mapping[str, str] | None) -> models.Filter | None:
    from qdrant_client import models

    if not where:
        return None
    return models.Filter(
        must=[models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in where.items()]
    )


def _hits(points: Sequence[models.ScoredPoint], fetched: int) -> FieldHits:
    nearest = Nearest([str(point.id) for point in points], [float(point.score) for point in points])
    if not fetched:
        return FieldHits(nearest)
    vectors: list[Any] = [point.vector[str(fetched)] for point in points if isinstance(point.vector, dict)]
    return FieldHits(nearest, vectors)


def _explain_status(error: UnexpectedResponse, collection: str) -> EngineError:
    said = error.content.decode("utf-8", "replace").lower() if error.content else ""
    if error.status_code in {401, 403}:
        return EngineRefusedError(
            "Qdrant refuses the key: give one that may do this in the URL or in QDRANT_API_KEY (`mrl index` writes)."
        )
    if error.status_code == 507 or "no space" in said or "disk" in said:
        return EngineFullError.no_room("Qdrant")
    if error.status_code in {408, 429} or (error.status_code or 0) >= 500:
        return EngineDownError(f"Qdrant cannot answer now ({error.status_code}): try again later.")
    if error.status_code == 404:
        is_qdrant = '"status"' in said
        return EngineMismatchError.missing(collection) if is_qdrant else EngineDownError(_NO_QDRANT)
    return EngineMismatchError.changed(f"{error.status_code}")
