"""Engines that are down, slow, full, changed or killed: said in words without a password, and gone on from."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.vectors import normalise
from mrl_demo.search.engines.errors import (
    EngineDownError,
    EngineError,
    EngineFullError,
    EngineMismatchError,
    EngineRefusedError,
)
from mrl_demo.search.engines.loading import LoadOptions, VectorRows, load_collection
from mrl_demo.search.engines.opening import open_engine
from mrl_demo.search.engines.vector_engine import READY, CollectionCard, CollectionLayout, VectorBatch, content_key
from tests.search.brute_force import random_vectors

N, D = 1_200, 16
VECTORS = normalise(random_vectors(N, D))
KEYS = [content_key(f"d{row}") for row in range(N)]
ROWS = VectorRows(KEYS, VECTORS, [{}] * N)
CARD = CollectionCard("faults", "f", "base", "m", "", CollectionLayout(D, (8,)), N)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["postgresql", "qdrant", "milvus"])
def test_an_engine_that_is_down_is_said_without_its_password(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.search.engines.milvus._SECONDS", 0.5)
    engine = open_engine(f"{scheme}://me:geheim@127.0.0.1:{closed_port()}/lab")
    with pytest.raises(EngineDownError, match="does not answer: start it, or check host and port") as error:
        engine.read_card()
    assert "geheim" not in str(error.value)


class Answers(BaseHTTPRequestHandler):
    """A Qdrant that answers everything with one status."""

    status, words, seconds = 500, b"{}", 0.0

    def do_GET(self) -> None:
        time.sleep(self.seconds)
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(self.words)

    do_PUT = do_POST = do_GET  # noqa: N815

    def log_message(self, *given: object) -> None:
        """Say nothing."""


@pytest.fixture
def http_stand_in() -> Iterator[Callable[[int, bytes, float], str]]:
    servers: list[HTTPServer] = []

    def start(status: int, words: bytes, seconds: float = 0.0) -> str:
        handler = type("Handler", (Answers,), {"status": status, "words": words, "seconds": seconds})
        servers.append(HTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"qdrant://:geheim@127.0.0.1:{servers[-1].server_port}/docs"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "words", "kind", "match"),
    [
        (401, b"Invalid API key", EngineRefusedError, "QDRANT_API_KEY"),
        (507, b"{}", EngineFullError, "no room"),
        (500, b'{"status":{"error":"No space left on device"}}', EngineFullError, "no room"),
        (503, b"{}", EngineDownError, "cannot answer now"),
        (429, b"{}", EngineDownError, "cannot answer now"),
        (400, b'{"status":{"error":"Wrong vector size"}}', EngineMismatchError, "--replace"),
    ],
)
def test_what_qdrant_refuses_is_said_in_words(
    status: int, words: bytes, kind: type[EngineError], match: str, http_stand_in: Callable[..., str]
) -> None:
    with pytest.raises(kind, match=match) as error:
        open_engine(http_stand_in(status, words)).count()
    assert "geheim" not in str(error.value)


def raising(error: Exception) -> Callable[[object], Any]:
    def connect(engine: object) -> Any:
        raise error

    return connect


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("auth check failure, please check user, password or token", EngineRefusedError),
        ("quota exceeded[reason=disk quota exceeded]", EngineFullError),
        ("Fail connecting to server on me:geheim@db, illegal connection params or server unavailable", EngineDownError),
        ("collection not found[database=default]", EngineMismatchError),
        ("something else", EngineError),
    ],
)
def test_what_milvus_refuses_is_said_in_words(
    words: str, kind: type[EngineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymilvus import MilvusException

    from mrl_demo.search.engines.milvus import MilvusEngine

    monkeypatch.setattr(MilvusEngine, "connect", raising(MilvusException(message=words)))
    with pytest.raises(EngineError) as error:
        open_engine("milvus://me:geheim@db:1/docs").count()
    assert error.type is kind
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("DiskFull", EngineFullError),
        ("TooManyConnections", EngineDownError),
        ("AdminShutdown", EngineDownError),
        ("InvalidPassword", EngineRefusedError),
        ("UndefinedFile", EngineMismatchError),
    ],
)
def test_what_postgresql_refuses_is_told_apart(
    name: str, kind: type[EngineError], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg.errors

    from mrl_demo.search.engines.postgresql import PostgresEngine

    monkeypatch.setattr(PostgresEngine, "_connect", raising(getattr(psycopg.errors, name)("for me:geheim@db")))
    with pytest.raises(EngineError) as error:
        open_engine("postgresql://me:geheim@db/docs").count()
    assert error.type is kind
    assert "geheim" not in str(error.value)


def test_a_slow_engine_is_given_up(http_stand_in: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrl_demo.search.engines.qdrant._SECONDS", 1)
    with pytest.raises(EngineDownError):
        open_engine(http_stand_in(200, b"{}", 3.0)).count()


@pytest.fixture(scope="module")
def own_server() -> Iterator[Any]:
    """A PostgreSQL that this file alone may kill."""
    pgserver = pytest.importorskip("pgserver")
    with tempfile.TemporaryDirectory(prefix="mrl-postgres-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server
        server.cleanup()


def kill(server: Any) -> None:
    """End the server and all of its processes at once, as a power cut would."""
    import psutil

    process = psutil.Process(server.get_pid())
    for part in (process, *process.children(recursive=True)):  # The parent first: it would start others.
        with suppress(ProcessLookupError):
            os.kill(part.pid, signal.SIGKILL)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)
    # Where nobody reaps the dead, they look alive.
    for path in (server.pgdata / "postmaster.pid", *server.pgdata.glob(".s.PGSQL*")):
        path.unlink()


def collection(server: Any, name: str) -> str:
    address = server.get_uri()
    return f"{address}{'&' if '?' in address else '?'}collection={name}"


def test_postgresql_killed_in_the_middle_of_an_upload_loses_doubles_and_keeps_nothing_stale(own_server: Any) -> None:
    engine = open_engine(collection(own_server, "killed"))
    stale = content_key("stale")
    load_collection(engine, CARD, VectorRows([stale, KEYS[0]], VECTORS[:2], [{}, {}]))
    killed = []

    def watch(share: float, line: str) -> None:
        if share > 0.3 and not killed:
            killed.append(share)
            kill(own_server)
            own_server.ensure_postgres_running()

    options = LoadOptions(batch=40, workers=3, attempts=200, sleep=lambda seconds: time.sleep(min(seconds, 0.3)))
    report = load_collection(engine, CARD, ROWS, options, watch)
    assert killed
    assert report.removed == 1
    assert engine.keys() == {*KEYS}
    assert engine.count() == N
    card = engine.read_card()
    assert card and card.state == READY
    (answer,) = engine.search(VECTORS[700:701], D, 1)
    assert answer.keys == [KEYS[700]]
    engine.close()


_LOADER = """
import sys, time
from tests.search.test_engine_faults import *
load_collection(open_engine(sys.argv[1]), CARD, ROWS, LoadOptions(batch=20), lambda share, line: time.sleep(0.05))
"""


def test_a_loader_that_is_killed_is_gone_on_from(own_server: Any) -> None:
    url = collection(own_server, "loader")
    loader = subprocess.Popen([sys.executable, "-c", _LOADER, url], cwd=CODE_ROOT)
    engine = open_engine(url)
    deadline = time.monotonic() + 60
    sent = 0
    while sent < 100 and time.monotonic() < deadline:
        time.sleep(0.02)
        with suppress(EngineMismatchError):
            sent = engine.count()
    loader.kill()
    loader.wait()
    card = engine.read_card()
    assert card and card.state == "loading"
    report = load_collection(engine, CARD, ROWS)
    assert 100 <= report.kept < N
    assert report.kept + report.sent == N
    assert engine.keys() == {*KEYS}


def test_postgresql_refuses_in_words(own_server: Any) -> None:
    import psycopg

    url = collection(own_server, "schema")
    with psycopg.connect(own_server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS schema; CREATE TABLE schema (id int)")
        connection.execute("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN PASSWORD 'x'")
        with pytest.raises(EngineMismatchError, match="not one of the lab's"):
            open_engine(url).read_card()
        connection.execute("DROP TABLE schema")
        engine = open_engine(url)
        load_collection(engine, CARD, ROWS)
        connection.execute("ALTER TABLE schema ALTER embedding TYPE vector(8) USING subvector(embedding, 1, 8)")
        with pytest.raises(EngineMismatchError, match=r"vector\(8\), not embedding vector\(16\).*--replace"):
            open_engine(url).read_card()
        with pytest.raises(EngineMismatchError, match="--replace"):
            engine.upload(VectorBatch(KEYS[:1], VECTORS[:1], [{}]))
        assert load_collection(engine, CARD, ROWS, replaces=True).sent == N
        with pytest.raises(EngineError, match="no such option"):
            open_engine(f"{url}&colour=red").read_card()
        connection.execute("ALTER ROLE visitor SET default_transaction_read_only = on")
        connection.execute("GRANT ALL ON schema TO visitor")
        with pytest.raises(EngineRefusedError, match="only reads"):
            open_engine(url.replace("postgres:@", "visitor:x@")).delete(KEYS[:1])
        assert open_engine(url.replace("postgres:@", "visitor:x@")).count() == N
        connection.execute("REVOKE ALL ON schema FROM visitor; ALTER ROLE visitor RESET default_transaction_read_only")
        visitor = open_engine(url.replace("postgres:@", "visitor:x@"))
        with pytest.raises(EngineRefusedError, match="check user, password and rights"):
            visitor.delete(KEYS[:1])
        with pytest.raises(EngineMismatchError, match="no such database"):
            open_engine(url.replace("/postgres?", "/nowhere?")).read_card()
        with pytest.raises(EngineRefusedError, match="user or the password"):
            open_engine(url.replace("postgres:@", "nobody:geheim@")).read_card()


def test_a_search_that_takes_too_long_is_given_up(own_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(collection(own_server, "slow"))
    load_collection(engine, CARD, ROWS)
    monkeypatch.setattr("mrl_demo.search.engines.postgresql.SEARCH_SECONDS", "0.001")
    with pytest.raises(EngineDownError, match="took longer"):
        engine.search(np.repeat(VECTORS, 20, axis=0), D, 500)


def test_a_full_disk_is_said_and_what_was_sent_stays(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = open_engine(f"file:{tmp_path_factory.mktemp('full') / 'vectors'}")
    engine.create(CARD)
    engine.upload(VectorBatch(KEYS[:10], VECTORS[:10], [{}] * 10))

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mrl_demo.search.engines.file._Staging.append", full)
        with pytest.raises(EngineFullError, match="run `mrl index` again"):
            load_collection(engine, CARD, ROWS)
    assert load_collection(engine, CARD, ROWS).kept == 10
