"""What Qdrant and Milvus servers are sent: codes, rescoring, shards and nested searches that local modes ignore."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from mrl_demo.search.cascade import parse_cascade
from mrl_demo.search.engines.errors import EngineError
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import (
    CollectionCard,
    CollectionLayout,
    VectorBatch,
    VectorEngine,
    content_key,
)

D = 8
LAYOUT = CollectionLayout(D, (4,), is_approximate=True, precision="int8", parts=3)
CARD = CollectionCard("sent", "f", "base", "m", "", LAYOUT, 2)
KEYS = [content_key("a"), content_key("b")]
QUERY = np.ones((1, D), np.float32)
#: What the stand-in answers by the end of the path; everything else is "true".
_ANSWERS: dict[str, Any] = {
    "/points/query/batch": [{"points": [{"id": KEYS[0], "version": 0, "score": 0.5, "vector": {"8": [1.0] * D}}]}],
    "/points": {"operation_id": 1, "status": "completed"},
    "/index": {"operation_id": 1, "status": "completed"},
}


@dataclass
class QdrantStandIn:
    """A Qdrant that keeps what it is sent: method, path and body."""

    port: int
    sent: list[tuple[str, str, Any]] = field(default_factory=list)

    def bodies(self, end: str) -> list[Any]:
        return [body for _, path, body in self.sent if path.partition("?")[0].endswith(end)]


@pytest.fixture
def stand_in() -> Iterator[QdrantStandIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
            kept.sent.append((self.command, self.path, body))
            path = self.path.partition("?")[0]
            answer = next((answer for end, answer in _ANSWERS.items() if path.endswith(end)), True)
            words = json.dumps({"result": answer, "status": "ok", "time": 0}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(words)

        do_PUT = do_GET = do_DELETE = do_PATCH = do_POST  # noqa: N815

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = QdrantStandIn(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


def qdrant(stand_in: QdrantStandIn, layout: CollectionLayout = LAYOUT) -> VectorEngine:
    engine = open_engine(f"qdrant://:key@127.0.0.1:{stand_in.port}/sent")
    engine.create(replace(CARD, layout=layout))
    return engine


def numbers_of(request: dict[str, Any]) -> object:
    query = request["query"]
    return query["nearest"] if isinstance(query, dict) else query


@pytest.mark.parametrize(
    ("precision", "codes", "numbers"),
    [
        ("int8", {"scalar": {"type": "int8", "always_ram": True}}, "float32"),
        ("binary", {"binary": {"always_ram": True}}, "float32"),
        ("float16", None, "float16"),
        ("float32", None, "float32"),
    ],
)
def test_qdrant_is_told_lengths_codes_shards_and_what_is_filtered_by(
    precision: str, codes: object, numbers: str, stand_in: QdrantStandIn
) -> None:
    qdrant(stand_in, replace(LAYOUT, precision=precision))
    (made,) = stand_in.bodies("/collections/sent")
    assert made["shard_number"] == 3
    assert made.get("hnsw_config") is None
    assert CollectionCard.from_json(made["metadata"]["card"]).layout.precision == precision
    assert {name: vector["size"] for name, vector in made["vectors"].items()} == {"4": 4, "8": 8}
    for vector in made["vectors"].values():
        assert (vector["distance"], vector["datatype"]) == ("Cosine", numbers)
        assert vector.get("quantization_config") == codes
    indexed = {body["field_name"]: body["field_schema"] for body in stand_in.bodies("/index")}
    assert indexed == dict.fromkeys(("id", "topic", "domain", "language"), "keyword")


def test_qdrant_without_a_graph_is_told_so_and_compares_everything(stand_in: QdrantStandIn) -> None:
    engine = qdrant(stand_in, CollectionLayout(D, (4,)))
    assert stand_in.bodies("/collections/sent")[0]["hnsw_config"]["m"] == 0
    engine.search(QUERY, 4, 3)
    (request,) = stand_in.bodies("/points/query/batch")[0]["searches"]
    assert request["params"]["exact"] is True


def test_qdrant_is_asked_to_rescore_codes_and_to_filter(stand_in: QdrantStandIn) -> None:
    engine = qdrant(stand_in)
    (answer,) = engine.search(QUERY, 4, 3, where={"topic": "Bees"})
    assert (answer.keys, answer.scores) == ([KEYS[0]], [0.5])
    (request,) = stand_in.bodies("/points/query/batch")[0]["searches"]
    assert (request["using"], request["limit"], numbers_of(request)) == ("4", 3, [1.0] * 4)
    assert request["params"]["quantization"] == {"rescore": True, "oversampling": 4.0}
    assert request["filter"]["must"] == [{"key": "topic", "match": {"value": "Bees"}}]


def test_qdrant_gets_a_funnel_as_one_nested_request(stand_in: QdrantStandIn) -> None:
    engine = qdrant(stand_in)
    engine.funnel(QUERY, parse_cascade("4:40,8:10", D), 5)
    (request,) = stand_in.bodies("/points/query/batch")[0]["searches"]
    (inner,) = request["prefetch"]
    assert (request["using"], request["limit"]) == ("8", 5)
    assert (inner["using"], inner["limit"], numbers_of(inner)) == ("4", 40, [1.0] * 4)
    assert inner["params"]["quantization"]["rescore"] is True


def test_qdrant_is_asked_for_vectors_where_a_length_has_none_of_its_own(stand_in: QdrantStandIn) -> None:
    engine = qdrant(stand_in)
    (answer,) = engine.search(QUERY, 6, 3)
    (request,) = stand_in.bodies("/points/query/batch")[0]["searches"]
    assert (request["using"], request["limit"], request["with_vector"]) == ("8", 400, ["8"])
    assert numbers_of(request) == [1.0] * 6 + [0.0] * 2
    np.testing.assert_allclose(answer.scores, [1.0], rtol=1e-6)


def test_qdrant_gets_every_length_of_a_row_and_waits(stand_in: QdrantStandIn) -> None:
    engine = qdrant(stand_in)
    engine.upload(VectorBatch(KEYS, np.eye(2, D, dtype=np.float32), [{"topic": "a"}, {}]))
    ((method, path, body),) = [sent for sent in stand_in.sent if "/points" in sent[1]]
    assert (method, "wait=true" in path) == ("PUT", True)
    assert body["batch"]["ids"] == KEYS
    assert [len(body["batch"]["vectors"][name][0]) for name in ("4", "8")] == [4, 8]
    assert body["batch"]["payloads"] == [{"topic": "a"}, {}]


@dataclass
class MilvusStandIn:
    """A client of a cluster that keeps what it is told."""

    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name == "prepare_index_params":
            from pymilvus import MilvusClient

            return MilvusClient.prepare_index_params

        def keep(*given: object, **named: object) -> object:
            self.told[name] = named
            return [[]] if name == "search" else None

        return keep


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> MilvusStandIn:
    from mrl_demo.search.engines.milvus import MilvusEngine

    made = MilvusStandIn()
    monkeypatch.setattr(MilvusEngine, "connect", lambda _engine: made)
    return made


@pytest.mark.parametrize(
    ("precision", "kind", "built", "searched"),
    [
        ("float32", "HNSW", {}, {"ef": 64}),
        ("float16", "HNSW_SQ", {"sq_type": "FP16", "refine": True, "refine_type": "FP32"}, {"ef": 64, "refine_k": 4}),
        ("int8", "HNSW_SQ", {"sq_type": "SQ8", "refine": True, "refine_type": "FP32"}, {"ef": 64, "refine_k": 4}),
        ("binary", "IVF_RABITQ", {"refine": True, "refine_type": "FP32"}, {"nprobe": 128, "refine_k": 4}),
    ],
)
def test_a_milvus_cluster_is_told_codes_rescoring_and_shards(
    precision: str, kind: str, built: dict[str, object], searched: dict[str, object], cluster: MilvusStandIn
) -> None:
    engine = open_engine("milvus://cluster/sent")
    engine.create(replace(CARD, layout=replace(LAYOUT, precision=precision)))
    made = cluster.told["create_collection"]
    assert (made["num_shards"], made["consistency_level"]) == (3, "Strong")
    assert CollectionCard.from_json(made["properties"]["card"]).layout.precision == precision
    sizes = {part.name: part.params.get("dim") for part in made["schema"].fields}
    assert sizes == {"key": None, "attributes": None, "first_4": 4, "first_8": 8}
    for index in made["index_params"]:
        about = index.to_dict() if hasattr(index, "to_dict") else vars(index)
        assert kind in str(about)
        assert all(repr(name) in str(about) and str(value) in str(about) for name, value in built.items())
    engine.search(QUERY, 4, 3, where={"topic": 'it\'s "ü"'})
    asked = cluster.told["search"]
    assert (asked["anns_field"], asked["limit"], asked["filter"]) == (
        "first_4",
        3,
        'attributes["topic"] == "it\'s \\"ü\\""',
    )
    assert searched.items() <= asked["search_params"]["params"].items()


@pytest.mark.parametrize("precision", ["binary", "float16"])
def test_milvus_lite_says_which_codes_it_lacks(precision: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = open_engine(f"milvus://{tmp_path_factory.mktemp('lite') / 'm.db'}")
    with pytest.raises(EngineError, match=f"not of {precision}: choose int8, or a Milvus server"):
        engine.create(replace(CARD, layout=replace(LAYOUT, precision=precision)))
