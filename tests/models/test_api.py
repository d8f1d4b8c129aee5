"""Models behind APIs, against local servers that speak each protocol, and that fail in every way they can."""

from __future__ import annotations

import argparse
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrl_demo.core.config import Settings
from mrl_demo.core.errors import Cancelled, ModelError
from mrl_demo.evaluation.sweeps.plan import SweepPlan
from mrl_demo.lab.lab import Lab
from mrl_demo.models.api.address import ApiAddress, is_api
from mrl_demo.models.api.client import ApiClient
from mrl_demo.models.api.encoder import ApiEncoder
from mrl_demo.models.api.spending import CostEstimate
from mrl_demo.ui import serve
from tests.conftest import HashingEncoder

KEY = "sk-secret-7f3c"


@dataclass
class Api:
    """A server that embeds with hashed words; `faults` are answered first: (status, body, headers)."""

    faults: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    change: Callable[[list[list[float]]], list[Any]] = lambda vectors: vectors
    requests: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    pause: float = 0.0
    url: str = ""

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if ":batchEmbedContents" in path:
            return {"embeddings": [{"values": v} for v in self.embed([text_of(part) for part in body["requests"]])]}
        if ":predict" in path:
            vectors = self.embed([row["content"] for row in body["instances"]])
            return {"predictions": [{"embeddings": {"values": v}} for v in vectors]}
        if path.endswith("/embed"):
            return {"embeddings": {"float": self.embed(body["texts"])}}
        rows = [{"index": i, "embedding": v} for i, v in enumerate(self.embed(body["input"]))]
        return {"data": rows[::-1], "usage": {"total_tokens": 7}}

    def embed(self, texts: list[str]) -> list[Any]:
        return self.change([(3 * row).tolist() for row in HashingEncoder().encode_queries(texts)])


def text_of(request: dict[str, Any]) -> str:
    return str(request["content"]["parts"][0]["text"])


@pytest.fixture
def api() -> Iterator[Api]:
    served = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append((self.path, body, dict(self.headers)))
            time.sleep(served.pause)
            status, text, headers = served.faults.pop(0) if served.faults else (200, "", {})
            raw = (text or json.dumps(served.answer(self.path, body))).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "GEMINI", "COHERE", "VOYAGE", "MRL"):
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", KEY)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mine")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west1")


def client(api: Api, given: str = "", waits: list[float] | None = None, timeout: float = 5) -> ApiClient:
    address = ApiAddress.parse(given or f"{api.url}/v1#tiny")
    return ApiClient(address, 100_000, timeout, ([] if waits is None else waits).append)


def encoder(api: Api, yes: bool = True) -> ApiEncoder:
    return ApiEncoder("tiny", client(api), lambda: lambda _estimate: yes)


def gemini_kind(body: dict[str, Any]) -> object:
    return body["requests"][0]["taskType"]


def vertex_kind(body: dict[str, Any]) -> object:
    return body["instances"][0]["task_type"]


PROTOCOLS = {
    "openai:text-embedding-3-small": ("Authorization", "/embeddings", lambda body: body["model"]),
    "gemini:gemini-embedding-001": ("x-goog-api-key", ":batchEmbedContents", gemini_kind),
    "vertex:gemini-embedding-001": ("Authorization", "/locations/europe-west1/", vertex_kind),
    "cohere:embed-v4.0": ("Authorization", "/embed", lambda body: body["input_type"]),
    "voyage:voyage-3.5": ("Authorization", "/embeddings", lambda body: body["input_type"]),
}  # fmt: skip


@pytest.mark.parametrize("given", PROTOCOLS)
def test_every_protocol_gives_the_servers_vectors_with_the_key_in_its_header(
    given: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, path, kind = PROTOCOLS[given]
    monkeypatch.setenv(f"{given.split(':')[0].upper()}_BASE_URL", api.url)
    model = ApiEncoder("m", client(api, given), lambda: lambda _estimate: True)
    texts = ["bees dance", "tea is brewed", "bees dance"]
    np.testing.assert_allclose(model.encode_documents(texts), HashingEncoder().encode_queries(texts), atol=1e-6)
    model.encode_queries(["bees"])
    asked, body, headers = api.requests[-2]
    assert path in asked
    assert KEY in headers[next(name for name in headers if name.lower() == header.lower())]
    assert KEY not in asked + json.dumps(body)
    assert given.startswith("openai") or kind(body) != kind(api.requests[-1][1])  # Documents are no queries.


def test_texts_go_in_batches_and_to_this_machine_without_asking(api: Api) -> None:
    texts = [f"text number {n} " * 3 for n in range(100)]
    assert encoder(api, yes=False).encode_documents(texts).shape == (100, 32)  # This machine: nothing is paid.
    sizes = [len(body["input"]) for _, body, _ in api.requests]
    assert sizes == [1, 32, 32, 32, 4]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, f"Incorrect key {KEY}", r"refuses the key \(401\): check MRL_API_KEY"),
        (404, f"no model for {KEY}", r"refuses tiny \(404: no model for \.\.\.\)"),
        (200, "<html>", "another protocol"),
        (200, '{"data": [{"index": 0}]}', "another protocol"),
    ],
)
def test_refusals_are_told_at_once_and_without_the_key(status: int, body: str, says: str, api: Api) -> None:
    api.faults = [(status, body, {})]
    with pytest.raises(ModelError, match=says) as told:
        client(api).embed(["bees"], "query")
    assert KEY not in str(told.value)
    assert len(api.requests) == 1


def test_busy_servers_are_asked_again_after_the_time_they_name(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.faults = [(429, "slow down", {"Retry-After": "7"}), (500, "oops", {}), (503, "", {"Retry-After": "900"})]
    waits: list[float] = []
    assert client(api, waits=waits).embed(["bees"], "query").shape == (1, 32)
    said = [wait for wait in waits if wait > 0.1]
    assert said[0] == 7
    assert 1 <= said[1] <= 2
    assert said[2] == 60  # No longer than a minute.
    assert KEY not in caplog.text
    api.faults = [(500, f"broken {KEY}", {})] * 6
    with pytest.raises(ModelError, match=r"answers 500 \(broken \.\.\.\) in 6 attempts"):
        client(api).embed(["bees"], "query")


def test_a_server_that_is_late_or_not_there_is_named(api: Api) -> None:
    api.pause = 0.2
    with pytest.raises(ModelError, match=r"did not answer .ReadTimeout."):
        client(api, timeout=0.02).embed(["bees"], "query")
    with pytest.raises(ModelError, match=r"did not answer .ConnectError."):
        client(api, "http://127.0.0.1:9/v1#tiny").embed(["bees"], "query")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda vectors: vectors[:-1], "gave 1 vectors for 2 texts"),
        (lambda vectors: [vectors[0], vectors[1][:5]], "different lengths"),
        (lambda vectors: [vectors[0], [float("nan")] * 32], "NaN, infinity or zeros for text 2 of 2"),
        (lambda vectors: [[0.0] * 32, vectors[0]], "NaN, infinity or zeros for text 1 of 2"),
        (lambda _vectors: [["a"] * 32] * 2, "something else than numbers"),
        (lambda vectors: [vector[:16] for vector in vectors], "16 numbers, and of 32 before"),
    ],
)
def test_answers_that_are_not_one_good_vector_a_text_are_refused(change: Any, says: str, api: Api) -> None:
    model = encoder(api)
    api.change = change
    with pytest.raises(ModelError, match=says):
        model.encode_documents(["bees", "tea"])


def other_length(vectors: list[list[float]]) -> list[Any]:
    return [vector[:5] for vector in vectors]


#: What a server of any protocol may do, and what is said of it: answers first, or a change of all vectors.
FAULTS: dict[str, tuple[list[tuple[int, str, dict[str, str]]], Callable[[list[list[float]]], list[Any]], str]] = {
    "401": ([(401, "no", {})], list, "refuses the key"),
    "429": ([(429, "slow", {"Retry-After": "1"})] * 6, list, "answers 429 .* in 6 attempts"),
    "500": ([(500, "oops", {})] * 6, list, "answers 500 .* in 6 attempts"),
    "other length": ([], other_length, "5 numbers, and of 32 before"),
    "NaN": ([], lambda vectors: [[float("nan")] * 32 for _ in vectors], "NaN, infinity or zeros"),
    "fewer": ([], lambda vectors: vectors[:-1], "gave 0 vectors for 1 texts"),
}


@pytest.mark.parametrize("given", [*PROTOCOLS, "url"])
def test_every_protocol_s_failures_are_told_and_the_page_goes_on_without_that_model(
    given: str, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"{given.split(':')[0].upper()}_BASE_URL", api.url)
    name = f"{api.url}/v1#tiny" if given == "url" else given
    for fault, (answers, change, says) in FAULTS.items():
        model = ApiEncoder("m", client(api, name), lambda: lambda _estimate: True)
        assert model.dimension == 32
        api.faults, api.change = list(answers), change
        with pytest.raises(ModelError, match=says) as told:
            model.encode_queries(["bees"])
        assert KEY not in str(told.value), fault
        api.faults, api.change = [], list
        assert model.encode_queries(["bees"]).shape == (1, 32), fault
    monkeypatch.setattr("mrl_demo.models.api.client._ATTEMPTS", 1)
    api.faults = [(500, "oops", {})]
    options = argparse.Namespace(model=[name], query_prompt=None, document_prompt=None)
    serve._add_models(Lab(replace(Settings(), cache_dir=tmp_path)), options)
    assert "is left out, the page starts without it" in capsys.readouterr().out
    api.pause = 0.1
    with pytest.raises(ModelError, match=r"did not answer .ReadTimeout."):
        client(api, name, timeout=0.01).embed(["bees"], "query")


def test_what_was_paid_for_is_not_sent_again_after_a_failure_or_a_cancel(api: Api) -> None:
    texts = [f"text {n}" for n in range(96)]

    def stop(share: float, _line: str) -> None:
        if share > 0.5:
            raise Cancelled("stopped")

    model = encoder(api)
    with pytest.raises(Cancelled):
        model.encode_documents(texts, stop)
    api.requests.clear()
    assert model.encode_documents(texts).shape == (96, 32)
    assert [len(body["input"]) for _, body, _ in api.requests] == [32]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("openai:", "names no model"),
        ("http://localhost:8080/v1", "names no model"),
        ("http://user:pw@host/v1#m", "holds a user or a key"),
        ("http://host/v1?key=abc#m", "holds a user or a key"),
        ("http:///v1#m", "is no address"),
        ("http://host:99999/v1#m", "holds a user|is no address"),
    ],
)
def test_addresses_that_are_none_or_hold_secrets_are_refused(given: str, says: str) -> None:
    assert is_api(given)
    with pytest.raises(ModelError, match=says) as told:
        ApiAddress.parse(given)
    assert "pw" not in str(told.value)
    assert "abc" not in str(told.value)


def test_missing_keys_and_places_are_named_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    with pytest.raises(ModelError, match="environment variable OPENAI_API_KEY"):
        ApiAddress.parse("openai:text-embedding-3-small").key()
    with pytest.raises(ModelError, match="environment variable GOOGLE_CLOUD_PROJECT"):
        ApiAddress.parse("vertex:gemini-embedding-001")


def test_a_priced_api_is_an_arm_only_with_a_yes_and_nothing_on_disk_holds_the_key(
    api: Api, tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", api.url)
    monkeypatch.setattr(ApiAddress, "is_local", False)
    monkeypatch.setattr("mrl_demo.models.api.encoder._FEW", 2)
    lab = Lab(replace(Settings(), cache_dir=tmp_path / "cache", api_requests_a_minute=100_000))
    corpus = lab.add_corpus(beir_folder)
    arms = lab.add_arms(["openai:text-embedding-3-small", "openai:text-embedding-3-small+pca"])
    plan = SweepPlan(arms=tuple(arms), dims=(8, 32), metrics=("ndcg@10",))
    with pytest.raises(Exception, match=r"Nobody said yes to sending 5 texts .*under \$0.01.*--yes"):
        lab.evaluate(corpus, plan)
    said: list[CostEstimate] = []
    lab.encoders.approve_spending = lambda estimate: bool(said.append(estimate) or True)
    assert {row.arm for row in lab.evaluate(corpus, plan).rows} == set(arms)
    assert len(said) == 1
    sent = len(api.requests)
    lab.evaluate(corpus, plan)
    assert len(api.requests) == sent  # Kept, as any model's vectors are.
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in repr(vars(lab.encoders.encoder(arms[0]))) + repr(vars(client(api)))


def test_the_page_starts_without_a_model_that_nobody_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mrl_demo.models.api.client._ATTEMPTS", 1)
    lab = Lab(replace(Settings(), cache_dir=tmp_path))
    options = argparse.Namespace(model=["http://127.0.0.1:9/v1#gone"], query_prompt=None, document_prompt=None)
    serve._add_models(lab, options)
    assert "gone is left out, the page starts without it. 127.0.0.1 did not answer" in capsys.readouterr().out
    options.model = ["nothing here"]
    with pytest.raises(ModelError, match="There is no arm"):
        serve._add_models(lab, options)
