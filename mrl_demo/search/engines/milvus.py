"""Milvus: a field for each of a few lengths, cosine by FLAT or HNSW; Milvus Lite in a file, or a cluster by address.

The same code serves both. A collection's card is one of its properties. Milvus has no nested search: of the first
stage's shortlist the full vectors are fetched, and the other stages are done here.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    from pymilvus import MilvusClient

_SECONDS = 30.0
_KEY_CHARACTERS = 36
#: Results of one search at most, as Milvus has it.
_MOST_RESULTS = 16_384
_PAGE = 10_000


class MilvusEngine:
    """A Milvus collection as a `VectorEngine`.

    >>> MilvusEngine(EngineAddress.parse("milvus://127.0.0.1:1/bees")).most_workers
    4
    """

    name = "Milvus"
    has_all_lengths = False

    def __init__(self, address: EngineAddress) -> None:
        """Connect when first needed; raises `EngineError` with the line that installs the client if it is missing."""
        require_client("pymilvus", "milvus")
        if address.is_local:
            require_client("milvus_lite", "milvus")
        if address.path == ":memory:":
            raise EngineError("Milvus Lite has no memory mode: name a file, as in milvus:///FILE.db.")
        self.address, self.collection = address, address.collection
        self.most_workers = 1 if address.is_local else 4
        self._client: MilvusClient | None = None
        self._making = threading.Lock()
        self._layout: CollectionLayout | None = None

    def read_card(self) -> CollectionCard | None:
        """As `VectorEngine` has it."""
        stored = self._read_schema()
        if stored is None:
            return None
        card, sizes = stored
        if sizes != {_field(dim): dim for dim in card.layout.dims}:
            raise EngineMismatchError(
                f"The collection {self.collection} has fields {sizes}, not those of its card: make it anew with "
                "`mrl index --replace`."
            )
        self._layout = card.layout
        return card

    def _read_schema(self) -> tuple[CollectionCard, dict[str, int]] | None:
        """The collection's card and its fields' lengths, None without one; raises if it is not the lab's."""
        with self._asking() as client:
            if not client.has_collection(self.collection):
                return None
            about = client.describe_collection(self.collection)
        card_text = dict(about.get("properties") or {}).get("card")
        if not card_text:
            raise EngineMismatchError(f"The collection {self.collection} is not one of the lab's: name another one.")
        card = CollectionCard.from_json(card_text)
        sizes = {field["name"]: int(field["params"]["dim"]) for field in about["fields"] if "dim" in field["params"]}
        return card, sizes

    def create(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        from pymilvus import DataType, MilvusClient

        layout = card.layout
        if layout.precision != "float32":
            raise EngineError(f"The lab's Milvus indexes hold float32, not {layout.precision}: leave --precision out.")
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=_KEY_CHARACTERS)
        schema.add_field("attributes", DataType.JSON)
        with self._asking() as client:
            indexes = client.prepare_index_params()
            kind = "HNSW" if layout.is_approximate else "FLAT"
            params = {"M": 16, "efConstruction": 200} if layout.is_approximate else {}
            for dim in layout.dims:
                schema.add_field(_field(dim), DataType.FLOAT_VECTOR, dim=dim)
                indexes.add_index(_field(dim), index_type=kind, metric_type="COSINE", params=params)
            client.create_collection(
                self.collection,
                schema=schema,
                index_params=indexes,
                num_shards=layout.parts,
                consistency_level="Strong",
                properties={"card": card.to_json()},
            )
        self._layout = layout
        self.write_card(card)

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with self._asking() as client:
            client.alter_collection_properties(self.collection, properties={"card": card.to_json()})

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        keys: set[str] = set()
        with self._asking() as client:
            pages = client.query_iterator(self.collection, filter="", output_fields=["key"], batch_size=_PAGE)
            while page := pages.next():
                keys |= {row["key"] for row in page}
            pages.close()
        return keys

    def count(self) -> int:
        """As `VectorEngine` has it."""
        with self._asking() as client:
            return int(client.query(self.collection, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it."""
        dims = self._known_layout().dims
        rows = [
            {"key": key, "attributes": dict(attributes), **{_field(dim): row[:dim].tolist() for dim in dims}}
            for key, attributes, row in zip(batch.keys, batch.attributes, batch.vectors, strict=True)
        ]
        with self._asking() as client:
            client.upsert(self.collection, rows)

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        with self._asking() as client:
            client.delete(self.collection, ids=list(keys))

    def finish(self) -> None:
        """Flush what was uploaded, so that its indexes are built."""
        with self._asking() as client:
            client.flush(self.collection)

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """As `VectorEngine` has it."""
        stored = stored_length(self._known_layout().dims, dim)
        if stored == dim:
            return [_answer(hits) for hits in self._nearest(queries, dim, dim, k, where)]
        return self._refined(queries, (FunnelStage(dim, k),), stored, k, where)

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it."""
        check_cascade(cascade)
        return self._refined(queries, cascade.stages, self._known_layout().dimension, k)

    def stats(self) -> EngineBytes:
        """Milvus Lite's file; a cluster tells no bytes."""
        if not self.address.is_local or not os.path.exists(self.address.path):  # noqa: PTH110
            return EngineBytes(None, None)
        return EngineBytes(_bytes_of(self.address.path), None)

    def drop(self) -> None:
        """As `VectorEngine` has it; a collection that is not the lab's stays."""
        if self._read_schema() is not None:
            with self._asking() as client:
                client.drop_collection(self.collection)

    def close(self) -> None:
        """Close the client."""
        with self._making:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _refined(
        self,
        queries: FloatMatrix,
        stages: Sequence[FunnelStage],
        fetched: int,
        k: int,
        where: Mapping[str, str] | None = None,
    ) -> list[Nearest]:
        """A shortlist by the first stage's numbers, `fetched` numbers of each row, and the stages done here."""
        first = stages[0]
        limit = first.keep if first.dim in self._known_layout().dims else rows_to_fetch(first.keep)
        nearest = self._nearest(queries, first.dim, fetched, limit, where, with_vectors=True)
        refined = []
        for query, hits in zip(queries, nearest, strict=True):
            keys = [str(hit["key"]) for hit in hits]
            vectors = np.array([hit["entity"][_field(fetched)] for hit in hits], np.float32).reshape(-1, fetched)
            refined.append(refine(query[:fetched], keys, vectors, stages, k))
        return refined

    def _nearest(
        self,
        queries: FloatMatrix,
        dim: int,
        fetched: int,
        limit: int,
        where: Mapping[str, str] | None,
        *,
        with_vectors: bool = False,
    ) -> list[list[dict[str, Any]]]:
        """Rows by the first `dim` numbers, over the field of that length or, padded, over `fetched` numbers."""
        layout = self._known_layout()
        using = dim if dim in layout.dims else fetched
        limit = min(limit, _MOST_RESULTS)
        with self._asking() as client:
            if not len(queries):
                return []
            hits = client.search(
                self.collection,
                data=[pad_query(query, dim, using).tolist() for query in queries],
                anns_field=_field(using),
                limit=limit,
                filter=_filter(where),
                output_fields=[_field(fetched)] if with_vectors else ["key"],
                search_params={"params": {"ef": max(limit, 64)}} if layout.is_approximate else {},
                consistency_level="Strong",
                timeout=_SECONDS,
            )
        return [list(row) for row in hits]

    def _known_layout(self) -> CollectionLayout:
        if self._layout is None and self.read_card() is None:
            raise EngineMismatchError(f"There is no collection {self.collection}: make it with `mrl index`.")
        assert self._layout is not None  # noqa: S101 - read_card sets it
        return self._layout

    @contextmanager
    def _asking(self) -> Iterator[MilvusClient]:
        """The client, its errors said in words."""
        import grpc
        from pymilvus import MilvusException

        try:
            yield self._connected()
        except MilvusException as error:
            raise _in_words(error) from error
        except (ConnectionError, TimeoutError, grpc.RpcError) as error:
            raise EngineDownError(_DOWN) from error

    def _connected(self) -> MilvusClient:
        from pymilvus import MilvusClient

        with self._making:
            if self._client is None:
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # It prints what is said here in words.
                address = self.address
                if address.is_local:
                    self._client = MilvusClient(address.path)
                else:
                    scheme = "https" if address.option("tls") == "1" else "http"
                    token = f"{address.user}:{address.password}" if address.user else address.password
                    self._client = MilvusClient(
                        f"{scheme}://{address.host}:{address.port or 19530}",
                        token=token or os.environ.get("MILVUS_TOKEN", ""),
                        timeout=_SECONDS,
                    )
            return self._client


def _field(dim: int) -> str:
    return f"first_{dim}"


def _answer(hits: Sequence[Mapping[str, Any]]) -> Nearest:
    return Nearest([str(hit["key"]) for hit in hits], [float(hit["distance"]) for hit in hits])


def _filter(where: Mapping[str, str] | None) -> str:
    return " and ".join(
        f"attributes[{json.dumps(key, ensure_ascii=False)}] == {json.dumps(value, ensure_ascii=False)}"
        for key, value in (where or {}).items()
    )


def _bytes_of(path: str) -> int:
    from pathlib import Path

    place = Path(path)
    if place.is_file():
        return place.stat().st_size
    return sum(part.stat().st_size for part in place.rglob("*") if part.is_file())


_DOWN = "Milvus does not answer: start it, or check host and port."


def _in_words(error: Exception) -> EngineError:
    said = str(error).lower()
    if "auth" in said or "permission" in said:
        return EngineRefusedError("Milvus refuses the user, password or token: check them (or set MILVUS_TOKEN).")
    if "quota" in said or "no space" in said or "memory limit" in said:
        return EngineFullError("Milvus has no room left: free some space, then run `mrl index` again to go on.")
    if "connect" in said or "unavailable" in said or "deadline" in said or "timeout" in said:
        return EngineDownError(_DOWN)
    if "not found" in said or "dim" in said or "schema" in said or "field" in said:
        return EngineMismatchError(
            "The collection is not as the lab made it: run `mrl index --replace` to make it anew."
        )
    return EngineError(f"Milvus says {type(error).__name__} {getattr(error, 'code', '')}: run `mrl index` again.")
