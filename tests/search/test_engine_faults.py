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
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.core.vectors import normalise
from mrl_demo.search.engines.attached import AttachedIndex
from mrl_demo.search.engines.collection import CollectionIndex
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
from mrl_demo.search.prefix import PrefixIndex
from tests.search.brute_force import random_vectors
from tests.search.qdrant_server import QdrantServer

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
        (404, b'{"status":{"error":"Not found: Collection"}}', EngineMismatchError, "no collection docs.*mrl index"),
        (404, b"<html>A web server</html>", EngineDownError, "is no Qdrant: check host and port"),
        (403, b"Forbidden", EngineRefusedError, "QDRANT_API_KEY"),
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
        ("<_MultiThreadedRendezvous: DEADLINE_EXCEEDED, Deadline Exceeded>", EngineDownError),
        ("collection not found[database=default]", EngineMismatchError),
        ("privilege deny: permission deny to me in the default database", EngineRefusedError),
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


@pytest.mark.parametrize(
    ("fail", "attempts"),
    [
        (lambda number: "drop" if number % 3 == 0 else "", 8),
        (lambda number: 503 if 2 <= number <= 5 else "", 8),
        (lambda number: "slow" if number == 2 else "", 8),
    ],
    ids=["killed", "restarting", "slow"],
)
def test_a_server_that_fails_in_the_middle_of_an_upload_gets_every_row_once(
    fail: Callable[[int], str | int], attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrl_demo.search.engines.qdrant._SECONDS", 1)
    server = QdrantServer(fail)
    with server.running() as url:
        engine = open_engine(url)
        options = LoadOptions(batch=100, workers=2, attempts=attempts, sleep=lambda _seconds: None)
        assert load_collection(engine, CARD, ROWS, options).sent == N
        assert server.stored > N  # Some came twice,
        assert {*server.points} == {*KEYS}  # and are there once.
        card = engine.read_card()
        assert card and card.state == READY
        engine.close()


def test_a_full_server_stops_the_upload_which_goes_on_once_there_is_room() -> None:
    server = QdrantServer(lambda number: 507 if number >= 3 else "")
    with server.running() as url:
        engine = open_engine(url)
        with pytest.raises(EngineFullError, match="no room left: free some space"):
            load_collection(engine, CARD, ROWS, LoadOptions(batch=100, workers=1))
        card = engine.read_card()
        assert card and card.state == "loading"
        server.fail = lambda _number: ""
        report = load_collection(engine, CARD, ROWS, LoadOptions(batch=100))
        assert 200 <= report.kept < N
        assert report.kept + report.sent == N
        engine.close()


@pytest.mark.parametrize("scheme", ["qdrant", "milvus"])
def test_a_collection_of_another_schema_is_neither_read_nor_removed(
    scheme: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = ":memory:" if scheme == "qdrant" else str(tmp_path_factory.mktemp("schema") / "m.db")
    engine: Any = open_engine(f"{scheme}:///{place.lstrip('/')}?collection=faults")
    with engine.asking() as client:
        client.create_collection("faults", **_foreign_schema(scheme))
    for ask in (engine.read_card, engine.drop, lambda: load_collection(engine, CARD, ROWS, replaces=True)):
        with pytest.raises(EngineMismatchError, match="not one of the lab's: name another one"):
            ask()
    with engine.asking() as client:
        client.delete_collection("faults") if scheme == "qdrant" else client.drop_collection("faults")
    engine.create(CARD)
    engine.write_card(replace(CARD, layout=CollectionLayout(D, (4,))))
    with pytest.raises(EngineMismatchError, match=r"of 8.*, not .*of 4.*--replace"):
        engine.read_card()
    engine.close()


def _foreign_schema(scheme: str) -> dict[str, Any]:
    if scheme == "milvus":
        return {"dimension": 4}
    from qdrant_client import models

    return {"vectors_config": models.VectorParams(size=4, distance=models.Distance.COSINE)}


def test_a_replica_that_lags_is_noticed_and_the_page_goes_on() -> None:
    engine = open_engine("qdrant:///:memory:?collection=lagging")
    rows = VectorRows(KEYS[:60], VECTORS[:60], ROWS.attributes[:60])
    load_collection(engine, replace(CARD, count=60), rows)
    late = CollectionIndex(engine, CARD, KEYS[:80])  # Twenty rows are not there yet.
    with pytest.raises(EngineMismatchError, match="no longer holds these documents"):
        late.search(VECTORS[0], D, 80)
    own = PrefixIndex(VECTORS[:80])
    page = AttachedIndex(lambda: late, own, falls_back=True)
    answered = page.search_answered(VECTORS[0], D, 80)
    assert "no longer holds" in answered.problem
    assert answered.top.indices.tolist() == own.search(VECTORS[0], D, 80).indices.tolist()


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


def visitor_of(url: str) -> str:
    return url.replace("postgres:@", "visitor:x@")


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
            open_engine(visitor_of(url)).delete(KEYS[:1])
        assert open_engine(visitor_of(url)).count() == N
        connection.execute("REVOKE ALL ON schema FROM visitor; ALTER ROLE visitor RESET default_transaction_read_only")
        visitor = open_engine(visitor_of(url))
        with pytest.raises(EngineRefusedError, match="check user, password and rights"):
            visitor.delete(KEYS[:1])
        with pytest.raises(EngineRefusedError, match="GRANT CREATE ON SCHEMA"):
            visitor.check_loading(CARD.layout)
        fresh = open_engine(visitor_of(url.replace("=schema", "=fresh")))
        with pytest.raises(EngineRefusedError, match="GRANT CREATE ON SCHEMA"):
            fresh.check_loading(CARD.layout)
        with pytest.raises(EngineRefusedError, match="GRANT CREATE ON SCHEMA"):
            load_collection(fresh, CARD, ROWS)
        connection.execute("GRANT CREATE ON SCHEMA public TO visitor")
        fresh.check_loading(CARD.layout)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM visitor")
        connection.execute("DROP DATABASE IF EXISTS plain")
        connection.execute("CREATE DATABASE plain")
        with pytest.raises(EngineRefusedError, match="let its owner run CREATE EXTENSION"):
            open_engine(visitor_of(url).replace("/postgres?", "/plain?")).read_card()
        connection.execute("DROP TABLE schema")
        with pytest.raises(EngineMismatchError, match="gone: make it with `mrl index`"):
            engine.search(VECTORS[:1], D, 1)
        with pytest.raises(EngineMismatchError, match="no such database"):
            open_engine(url.replace("/postgres?", "/nowhere?")).read_card()
        with pytest.raises(EngineRefusedError, match="user or the password"):
            open_engine(url.replace("postgres:@", "nobody:geheim@")).read_card()


def test_a_wrong_password_is_said_by_a_server_that_asks_for_one(own_server: Any) -> None:
    import psycopg

    url = collection(own_server, "guarded")
    rules = own_server.pgdata / "pg_hba.conf"
    before = rules.read_text()
    with psycopg.connect(own_server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guarded; CREATE ROLE guarded LOGIN PASSWORD 'right'")
        rules.write_text(f"local all guarded scram-sha-256\nhost all guarded all scram-sha-256\n{before}")
        connection.execute("SELECT pg_reload_conf()")
        try:
            with pytest.raises(EngineRefusedError, match="password") as error:
                open_engine(url.replace("postgres:@", "guarded:geheim@")).read_card()
            assert "geheim" not in str(error.value)
            assert open_engine(url.replace("postgres:@", "guarded:right@")).read_card() is None
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")


def test_a_server_that_was_restarted_is_searched_again(own_server: Any) -> None:
    engine = open_engine(collection(own_server, "restarted"))
    load_collection(engine, CARD, ROWS)
    (before,) = engine.search(VECTORS[:1], D, 3)
    kill(own_server)
    own_server.ensure_postgres_running()
    assert engine.search(VECTORS[:1], D, 3) == [before]  # None of the connections of before is asked again.


def test_a_search_that_takes_too_long_is_given_up(own_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(collection(own_server, "slow"))
    load_collection(engine, CARD, ROWS)
    monkeypatch.setattr("mrl_demo.search.engines.postgresql.SEARCH_SECONDS", "0.001")
    with pytest.raises(EngineDownError, match="took longer"):
        engine.search(np.repeat(VECTORS, 20, axis=0), D, 500)


@pytest.mark.parametrize("name", ["parole", "authentication-password"])
def test_a_host_that_is_none_is_not_taken_for_a_wrong_password(name: str) -> None:
    with pytest.raises(EngineDownError, match="check host and port"):
        open_engine(f"postgresql://me@{name}.invalid/lab").count()


def test_a_folder_that_cannot_be_made_or_is_something_else_is_said_without_its_place(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    place = tmp_path_factory.mktemp("geheim")
    (place / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(EngineRefusedError, match="to read and write, or name another") as refused:
        load_collection(open_engine(f"file:{place / 'notes.txt' / 'vectors'}"), CARD, ROWS)
    with pytest.raises(EngineMismatchError, match="name an empty or a new one") as other:
        open_engine(f"file:{place}").read_card()
    assert "geheim" not in f"{refused.value} {other.value}"


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
