"""Qdrant: named vectors at a few lengths, a nested prefetch for funnels, int8 or binary codes with rescoring, shards.

A collection's card is its metadata (Qdrant 1.16 or newer). A length without a vector of its own is searched by a query
padded with zeros over the next longer one, and what that gives is rescored here. Local mode (`qdrant:///FOLDER`) is
exact and ignores codes and shards; it is for trying out, up to some 20,000 documents.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.cascade import Cascade, FunnelStage
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import (
    EngineDownError,
    EngineError,
    EngineFullError,
    EngineMismatchError,
    EngineRefusedError,
)
from mrl_demo.search.engines.require import require_client
from mrl_demo.search.engines.stored_lengths import pad_query, refine, rows_to_fetch, stored_length
from mrl_demo.search.engines.vector_engine import (
    CollectionCard,
    CollectionLayout,
    EngineBytes,
    Nearest,
    VectorBatch,
    check_cascade,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

_SECONDS = 30
_INDEXING_SECONDS = 3_600
_PAGE = 10_000
_OVERSAMPLING = 4.0


class QdrantEngine:
    """A Qdrant collection as a `VectorEngine`.

    >>> engine = QdrantEngine(EngineAddress.parse("qdrant:///:memory:?collection=bees"))
    >>> engine.read_card() is None
    True
    """

    name = "Qdrant"
    has_all_lengths = False

    def __init__(self, address: EngineAddress) -> None:
        """Connect when first needed; raises `EngineError` with the line that installs the client if it is missing."""
        require_client("qdrant_client", "qdrant")
        self.address, self.collection = address, address.collection
        self.most_workers = 1 if address.is_local else 4
        self._client: QdrantClient | None = None
        self._making = threading.Lock()
        # Local mode keeps plain arrays, which an upload replaces under a search.
        self._one_at_a_time = threading.RLock() if address.is_local else nullcontext()
        self._layout: CollectionLayout | None = None

    def read_card(self) -> CollectionCard | None:
        """As `VectorEngine` has it."""
        stored = self._read_config()
        if stored is None:
            return None
        card, sizes = stored
        if sizes != {str(dim): dim for dim in card.layout.dims}:
            raise EngineMismatchError(
                f"The collection {self.collection} has vectors {sizes}, not those of its card: make it anew with "
                "`mrl index --replace`."
            )
        self._layout = card.layout
        return card

    def _read_config(self) -> tuple[CollectionCard, dict[str, int]] | None:
        """The collection's card and its vectors' lengths, None without one; raises if it is not the lab's."""
        with self._asking() as client:
            if not client.collection_exists(self.collection):
                return None
            config = client.get_collection(self.collection).config
        if not config.metadata or "card" not in config.metadata:
            raise EngineMismatchError(
                f"The collection {self.collection} is not one of the lab's, or Qdrant is older than 1.16: "
                "name another one."
            )
        card = CollectionCard.from_json(str(config.metadata["card"]))
        vectors = config.params.vectors
        sizes = {name: params.size for name, params in vectors.items()} if isinstance(vectors, dict) else {}
        return card, sizes

    def create(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        from qdrant_client import models

        layout = card.layout
        named = {str(dim): _vector_params(layout, dim) for dim in layout.dims}
        with self._asking() as client:
            client.create_collection(
                self.collection,
                vectors_config=named,
                shard_number=layout.parts,
                hnsw_config=None if layout.is_approximate else models.HnswConfigDiff(m=0),
                metadata={"card": card.to_json()},
            )
        self._layout = layout

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with self._asking() as client:
            client.update_collection(self.collection, metadata={"card": card.to_json()})

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        keys: set[str] = set()
        with self._asking() as client:
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
        with self._asking() as client:
            return int(client.count(self.collection, exact=True).count)

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it."""
        from qdrant_client import models

        named = {str(dim): batch.vectors[:, :dim].tolist() for dim in self._known_layout().dims}
        payloads = [dict(attributes) for attributes in batch.attributes]
        with self._asking() as client:
            client.upsert(
                self.collection, models.Batch(ids=list(batch.keys), vectors=named, payloads=payloads), wait=True
            )

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        from qdrant_client import models

        with self._asking() as client:
            client.delete(self.collection, models.PointIdsList(points=list(keys)), wait=True)

    def finish(self) -> None:
        """Wait until the optimiser has built what the layout asks for."""
        deadline = time.monotonic() + _INDEXING_SECONDS
        while time.monotonic() < deadline:
            with self._asking() as client:
                if str(client.get_collection(self.collection).status.value) == "green":
                    return
            time.sleep(0.5)
        raise EngineDownError("Qdrant is still building its indexes after an hour: run `mrl index` again later.")

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """As `VectorEngine` has it."""
        dims = self._known_layout().dims
        stored = stored_length(dims, dim)
        if stored == dim:
            return self._search_stored(queries, dim, k, where)
        return self._fetch_and_refine(queries, (FunnelStage(dim, k),), stored, k, where)

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it: a nested prefetch if each stage has a vector of its own."""
        from qdrant_client import models

        check_cascade(cascade)
        dims = self._known_layout().dims
        if not {stage.dim for stage in cascade.stages} <= {*dims}:
            return self._fetch_and_refine(queries, cascade.stages, dims[-1], k)
        requests = []
        for query in queries:
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
            requests.append(
                models.QueryRequest(
                    prefetch=[prefetch] if prefetch else None,
                    query=query[: last.dim].tolist(),
                    using=str(last.dim),
                    limit=min(k, last.keep),
                    params=None if prefetch else self._params(),
                )
            )
        return self._ask(requests)

    def stats(self) -> EngineBytes:
        """Qdrant tells no bytes."""
        return EngineBytes(None, None)

    def drop(self) -> None:
        """As `VectorEngine` has it; a collection that is not the lab's stays."""
        if self._read_config() is not None:
            with self._asking() as client:
                client.delete_collection(self.collection)

    def close(self) -> None:
        """Close the client; a local folder can be opened by others then."""
        with self._making:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _search_stored(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None) -> list[Nearest]:
        from qdrant_client import models

        return self._ask(
            [
                models.QueryRequest(
                    query=query[:dim].tolist(), using=str(dim), limit=k, filter=_filter(where), params=self._params()
                )
                for query in queries
            ]
        )

    def _fetch_and_refine(
        self,
        queries: FloatMatrix,
        stages: Sequence[FunnelStage],
        stored: int,
        k: int,
        where: Mapping[str, str] | None = None,
    ) -> list[Nearest]:
        """A shortlist by the first stage's numbers, `stored` numbers of each row fetched, and the stages done here."""
        from qdrant_client import models

        first = stages[0]
        has_own = first.dim in self._known_layout().dims
        using = first.dim if has_own else stored
        requests = [
            models.QueryRequest(
                query=pad_query(query, first.dim, using).tolist(),
                using=str(using),
                limit=first.keep if has_own else rows_to_fetch(first.keep),
                filter=_filter(where),
                params=self._params(),
                with_vector=[str(stored)],
            )
            for query in queries
        ]
        with self._asking() as client:
            answers = client.query_batch_points(self.collection, requests=requests)
        refined = []
        for query, answer in zip(queries, answers, strict=True):
            vectors = np.array([_vector_of(point, stored) for point in answer.points], dtype=np.float32)
            keys = [str(point.id) for point in answer.points]
            rows = vectors.reshape(len(keys), stored)
            refined.append(refine(query[:stored], keys, rows, stages, k))
        return refined

    def _ask(self, requests: Sequence[models.QueryRequest]) -> list[Nearest]:
        if not requests:
            return []
        with self._asking() as client:
            answers = client.query_batch_points(self.collection, requests=list(requests))
        return [
            Nearest([str(point.id) for point in answer.points], [float(point.score) for point in answer.points])
            for answer in answers
        ]

    def _params(self) -> models.SearchParams:
        """Every vector compared, or the graph with its codes, whose list the float32 numbers rescore."""
        from qdrant_client import models

        layout = self._known_layout()
        if not layout.is_approximate:
            return models.SearchParams(exact=True)
        coded = layout.precision in {"int8", "binary"}
        rescoring = models.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING) if coded else None
        return models.SearchParams(quantization=rescoring)

    def _known_layout(self) -> CollectionLayout:
        if self._layout is None and self.read_card() is None:
            raise EngineMismatchError(f"There is no collection {self.collection}: make it with `mrl index`.")
        assert self._layout is not None  # noqa: S101 - read_card sets it
        return self._layout

    @contextmanager
    def _asking(self) -> Iterator[QdrantClient]:
        """The client, its errors said in words."""
        from qdrant_client.http.exceptions import ApiException

        try:
            with self._one_at_a_time, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of keys sent without TLS, and of local mode with many points.
                yield self._connected()
        except ApiException as error:
            raise _in_words(error) from error
        except (ConnectionError, TimeoutError) as error:
            raise EngineDownError(_DOWN) from error
        except ValueError as error:  # Local mode's word for whatever is not as it should be.
            raise EngineMismatchError(
                f"Qdrant's local mode refuses this ({error}): run `mrl index --replace`."
            ) from error
        except RuntimeError as error:
            if "already accessed" not in str(error):
                raise
            says = "Another process has this Qdrant folder open: end it, or start a server, which many can use."
            raise EngineDownError(says) from error

    def _connected(self) -> QdrantClient:
        from qdrant_client import QdrantClient

        with self._making:
            if self._client is None:
                address = self.address
                if address.is_local:
                    where: dict[str, Any] = {"location": ":memory:"}
                    if address.path != ":memory:":
                        where = {"path": address.path, "force_disable_check_same_thread": True}
                    self._client = QdrantClient(**where)
                else:
                    scheme = "https" if address.option("tls") == "1" else "http"
                    self._client = QdrantClient(
                        url=f"{scheme}://{address.host}:{address.port or 6333}",
                        api_key=address.password or _key_in_environment(),
                        timeout=_SECONDS,
                        check_compatibility=False,
                    )
            return self._client


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


def _vector_of(point: models.ScoredPoint, stored: int) -> Any:  # noqa: ANN401
    return point.vector[str(stored)] if isinstance(point.vector, dict) else []


def _key_in_environment() -> str | None:
    import os

    return os.environ.get("QDRANT_API_KEY") or None


_DOWN = "Qdrant does not answer: start it, or check host and port."


def _in_words(error: Exception) -> EngineError:
    from qdrant_client.http.exceptions import UnexpectedResponse

    if not isinstance(error, UnexpectedResponse):
        return EngineDownError(_DOWN)
    said = error.content.decode("utf-8", "replace").lower() if error.content else ""
    if error.status_code in {401, 403}:
        return EngineRefusedError("Qdrant refuses the key: give it in the URL, or set QDRANT_API_KEY.")
    if error.status_code == 507 or "no space" in said or "disk" in said:
        return EngineFullError("Qdrant has no room left: free some space, then run `mrl index` again to go on.")
    if error.status_code in {408, 429} or (error.status_code or 0) >= 500:
        return EngineDownError(f"Qdrant cannot answer now ({error.status_code}): try again later.")
    return EngineMismatchError(
        f"The collection is not as the lab made it ({error.status_code}): run `mrl index --replace` to make it anew."
    )
