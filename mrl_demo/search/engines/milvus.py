"""Milvus: a field for each of a few lengths, cosine by FLAT or HNSW; Milvus Lite in a file, or a cluster by address.

The same code serves both. A collection's card is one of its properties. Graphs of int8 or float16 codes and lists of
binary ones (RaBitQ) are rescored by the float32 vectors. Milvus has no nested search: of the first stage's shortlist
the full vectors are fetched, and the other stages are done here.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.engines.adapter import StoredCollection
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import (
    EngineDownError,
    EngineError,
    EngineFullError,
    EngineMismatchError,
    EngineRefusedError,
)
from mrl_demo.search.engines.require import require_client
from mrl_demo.search.engines.stored_lengths import FieldAdapter, FieldHits, FieldSearch
from mrl_demo.search.engines.vector_engine import CollectionCard, CollectionLayout, EngineBytes, Nearest, VectorBatch

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_PORT = 19530
_SECONDS = 30.0
_KEY_CHARACTERS = 36
#: Results of one search at most, as Milvus has it.
_MOST_RESULTS = 16_384
_PAGE = 10_000
_GRAPH = {"M": 16, "efConstruction": 200}
_LEAST_EF = 64
#: Codes of a graph by precision; a cluster keeps the float32 vectors beside them and rescores by those.
_CODES = {"float16": "FP16", "int8": "SQ8"}
_REFINED = {"refine": True, "refine_type": "FP32"}
_OVERSAMPLING = 4
#: Of binary codes (RaBitQ, Milvus 2.6 or newer): lists, those searched, and bits of a query's numbers.
_LISTS, _LISTS_SEARCHED, _QUERY_BITS = 1_024, 128, 8


class MilvusEngine(FieldAdapter["MilvusClient"]):
    """A Milvus collection as a `VectorEngine`.

    >>> MilvusEngine(EngineAddress.parse("milvus://127.0.0.1:1/bees")).most_workers
    4
    """

    product = "Milvus"
    client_package, extra = "pymilvus", "milvus"

    def __init__(self, address: EngineAddress) -> None:
        super().__init__(address)
        if address.is_local:
            require_client("milvus_lite", "milvus")
        if address.path == ":memory:":
            raise EngineError("Milvus Lite has no memory mode: name a file, as in milvus:///FILE.db.")

    @property
    def scores_are_of_codes(self) -> bool:
        """Milvus Lite does not rescore what its codes find."""
        return self.address.is_local and self.layout.precision == "int8"

    def fields_of(self, layout: CollectionLayout) -> Mapping[str, str]:
        """A field for each length."""
        return {_field(dim): f"of {dim}" for dim in layout.dims}

    def read_stored(self) -> StoredCollection | None:
        """The collection's property "card" and its vector fields' lengths."""
        with self.asking() as client:
            if not client.has_collection(self.collection):
                return None
            about = client.describe_collection(self.collection)
        sizes = {field["name"]: f"of {field['params']['dim']}" for field in about["fields"] if "dim" in field["params"]}
        return StoredCollection(dict(about.get("properties") or {}).get("card"), sizes)

    def check_loading(self, layout: CollectionLayout) -> None:
        """As `VectorEngine` has it: Milvus Lite has few codes."""
        if self.address.is_local and layout.precision not in {"float32", "int8"}:
            raise EngineError(
                f"Milvus Lite has codes of int8, not of {layout.precision}: choose int8, or a Milvus server."
            )

    def create_stored(self, card: CollectionCard) -> None:
        """A collection with a field and an index for each length."""
        from pymilvus import DataType, MilvusClient

        layout = card.layout
        index = _index_of(layout)
        schema = MilvusClient.create_schema(auto_id=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=_KEY_CHARACTERS)
        schema.add_field("attributes", DataType.JSON)
        with self.asking() as client:
            indexes = client.prepare_index_params()
            for dim in layout.dims:
                schema.add_field(_field(dim), DataType.FLOAT_VECTOR, dim=dim)
                indexes.add_index(_field(dim), metric_type="COSINE", **index)
            client.create_collection(
                self.collection,
                schema=schema,
                index_params=indexes,
                num_shards=layout.parts,
                consistency_level="Strong",
                properties={"card": card.to_json()},
            )
        self.write_card(card)

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with self.asking() as client:
            client.alter_collection_properties(self.collection, properties={"card": card.to_json()})

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        keys: set[str] = set()
        with self.asking() as client:
            pages = client.query_iterator(self.collection, filter="", output_fields=["key"], batch_size=_PAGE)
            while page := pages.next():
                keys |= {row["key"] for row in page}
            pages.close()
        return keys

    def count(self) -> int:
        """As `VectorEngine` has it."""
        with self.asking() as client:
            return int(client.query(self.collection, filter="", output_fields=["count(*)"])[0]["count(*)"])

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it."""
        dims = self.layout.dims
        rows = [
            {"key": key, "attributes": dict(attributes), **{_field(dim): row[:dim].tolist() for dim in dims}}
            for key, attributes, row in zip(batch.keys, batch.attributes, batch.vectors, strict=True)
        ]
        with self.asking() as client:
            client.upsert(self.collection, rows)

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        with self.asking() as client:
            client.delete(self.collection, ids=list(keys))

    def finish(self) -> None:
        """Flush what was uploaded, so that its indexes are built."""
        with self.asking() as client:
            client.flush(self.collection)

    def stats(self) -> EngineBytes:
        """Milvus Lite's file or folder; a cluster tells no bytes."""
        place = Path(self.address.path)
        if not self.address.is_local or not place.exists():
            return EngineBytes(None, None)
        files = [place] if place.is_file() else [part for part in place.rglob("*") if part.is_file()]
        return EngineBytes(sum(file.stat().st_size for file in files), None)

    def remove_stored(self) -> None:
        """Remove the collection."""
        with self.asking() as client:
            client.drop_collection(self.collection)

    def search_field(
        self, queries: FloatMatrix, wanted: FieldSearch, where: Mapping[str, str] | None
    ) -> list[FieldHits]:
        """One batch of queries to the field of a length."""
        limit = min(wanted.limit, _MOST_RESULTS)
        with self.asking() as client:
            found = client.search(
                self.collection,
                data=queries.tolist(),
                anns_field=_field(wanted.length),
                limit=limit,
                filter=_filter(where),
                output_fields=[_field(wanted.fetched)] if wanted.fetched else ["key"],
                search_params=_search_params(self.layout, limit),
                consistency_level="Strong",
                timeout=_SECONDS,
            )
        return [_hits(list(rows), wanted.fetched) for rows in found]

    def connect(self) -> MilvusClient:
        """A client of the file or the cluster."""
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # It prints what is said here in words.
        address = self.address
        if address.is_local:
            return MilvusClient(address.path)
        token = f"{address.user}:{address.password}" if address.user else address.password
        token = token or os.environ.get("MILVUS_TOKEN", "")
        return MilvusClient(address.http_url(_PORT), token=token, timeout=_SECONDS)

    def disconnect(self, client: MilvusClient) -> None:
        """Close the client."""
        client.close()

    def explain(self, error: Exception) -> EngineError | None:
        """By Milvus' words: its codes are too few."""
        import grpc
        from pymilvus import MilvusException

        if isinstance(error, MilvusException):
            return _explain_words(error, self.collection)
        return EngineDownError.silent(self.product) if isinstance(error, grpc.RpcError) else None


def _index_of(layout: CollectionLayout) -> dict[str, Any]:
    """The index of each field: every vector compared, a graph, or a graph or lists of codes beside the vectors."""
    if not layout.is_approximate:
        return {"index_type": "FLAT", "params": {}}
    if layout.precision == "float32":
        return {"index_type": "HNSW", "params": _GRAPH}
    if layout.precision == "binary":
        return {"index_type": "IVF_RABITQ", "params": {"nlist": _LISTS, **_REFINED}}
    return {"index_type": "HNSW_SQ", "params": {**_GRAPH, "sq_type": _CODES[layout.precision], **_REFINED}}


def _search_params(layout: CollectionLayout, limit: int) -> dict[str, Any]:
    """How widely an index is searched, and how many times the rows wanted its codes hand to the float32 vectors."""
    if not layout.is_approximate:
        return {}
    refined = {} if layout.precision == "float32" else {"refine_k": _OVERSAMPLING}
    if layout.precision == "binary":
        return {"params": {"nprobe": _LISTS_SEARCHED, "rbq_query_bits": _QUERY_BITS, **refined}}
    return {"params": {"ef": max(limit, _LEAST_EF), **refined}}


def _field(dim: int) -> str:
    return f"first_{dim}"


def _hits(rows: Sequence[Mapping[str, Any]], fetched: int) -> FieldHits:
    nearest = Nearest([str(row["key"]) for row in rows], [float(row["distance"]) for row in rows])
    return FieldHits(nearest, [row["entity"][_field(fetched)] for row in rows] if fetched else ())


def _filter(where: Mapping[str, str] | None) -> str:
    return " and ".join(
        f"attributes[{json.dumps(key, ensure_ascii=False)}] == {json.dumps(value, ensure_ascii=False)}"
        for key, value in (where or {}).items()
    )


def _explain_words(error: Exception, collection: str) -> EngineError:
    said = str(error).lower()
    if "auth" in said or "permission" in said or "privilege" in said:
        return EngineRefusedError(
            "Milvus refuses the user, password or token: check them and what they may do (or set MILVUS_TOKEN)."
        )
    if "quota" in said or "no space" in said or "memory limit" in said:
        return EngineFullError.no_room("Milvus")
    if "connect" in said or "unavailable" in said or "deadline" in said or "timeout" in said:
        return EngineDownError.silent("Milvus")
    if "collection not found" in said or "can't find collection" in said:
        return EngineMismatchError.missing(collection)
    if "not found" in said or "dim" in said or "schema" in said or "field" in said:
        return EngineMismatchError.changed()
    return EngineError(f"Milvus says {type(error).__name__} {getattr(error, 'code', '')}: run `mrl index` again.")
