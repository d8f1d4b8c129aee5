"""A Qdrant that keeps points in memory and can be told to fail: for what only a server can do wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class QdrantServer:
    """One collection over HTTP, as far as loading needs it.

    `fail(number)` is asked before each answer to an upload, after the points were kept: "drop" closes the connection
    without a word, as a server does that is killed; a status is answered instead; "slow" waits longer than any client.
    """

    fail: Callable[[int], str | int] = lambda _number: ""
    port: int = 0
    collection: dict[str, Any] | None = None
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: int = 0
    stored: int = 0

    def answer(self, method: str, path: str, body: Any) -> Any:
        parts = path.partition("?")[0].strip("/").split("/")[2:]
        if parts == ["exists"]:
            return {"exists": self.collection is not None}
        if parts and parts[0] == "points":
            return self._points(method, parts[1:], body)
        if parts == ["index"]:
            return {"operation_id": 0, "status": "completed"}
        if method == "PUT":
            self.collection = body
        elif method == "PATCH" and self.collection is not None:
            self.collection["metadata"] = body["metadata"]
        elif method == "DELETE":
            self.collection, self.points = None, {}
        elif method == "GET" and self.collection is not None:
            return self._about(self.collection)
        return True

    def _points(self, method: str, parts: list[str], body: Any) -> Any:
        if method == "PUT":
            batch = body["batch"]
            self.stored += len(batch["ids"])
            self.points |= {key: {"id": key} for key in batch["ids"]}
        elif parts == ["scroll"]:
            return {"points": [*self.points.values()], "next_page_offset": None}
        elif parts == ["count"]:
            return {"count": len(self.points)}
        elif parts == ["delete"]:
            for key in body["points"]:
                self.points.pop(key, None)
        return {"operation_id": 0, "status": "completed"}

    def _about(self, made: dict[str, Any]) -> dict[str, Any]:
        params = {"vectors": made["vectors"], "shard_number": 1}
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
        optimizers = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1_000, "default_segment_number": 0}
        config = {"params": params, "hnsw_config": hnsw, "optimizer_config": {**optimizers, "flush_interval_sec": 5}}
        about = {"status": "green", "optimizer_status": "ok", "segments_count": 1, "payload_schema": {}}
        return {**about, "config": {**config, "metadata": made.get("metadata")}}

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address, while the block runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"qdrant://:geheim@127.0.0.1:{self.port}/faults"
        finally:
            server.shutdown()
            server.server_close()


def _handler(kept: QdrantServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
            result, fails = kept.answer(self.command, self.path, body), ""
            if self.command == "PUT" and "/points" in self.path:
                kept.uploads += 1
                fails = str(kept.fail(kept.uploads))
            if fails == "drop":
                self.connection.close()
                return
            if fails == "slow":
                time.sleep(2.5)
            words = json.dumps({"result": result, "status": "ok", "time": 0}).encode()
            self.send_response(int(fails) if fails.isdigit() else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(words)

        do_PUT = do_GET = do_DELETE = do_PATCH = do_POST  # noqa: N815

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    return Handler
