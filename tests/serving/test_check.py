"""A local server that can be told to misbehave in every known way, and the verdict on each."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from mrl_demo.cli import main
from mrl_demo.core.types import NOTHING_CUT, CutTexts, FloatMatrix
from mrl_demo.core.vectors import normalise
from mrl_demo.serving.check import RIGHT, UNKNOWN, WRONG, check_server
from mrl_demo.serving.client import ServerTarget
from mrl_demo.serving.endpoint import ServerError

FULL = 48


def vector_of(text: str) -> FloatMatrix:
    """A unit vector that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return normalise(np.random.default_rng(seed).normal(size=FULL).astype(np.float32))


@dataclass
class Behaviour:
    """What the server does wrong: "" nothing."""

    fault: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)


def answer(fault: str, body: dict[str, Any]) -> list[list[float]]:
    prompt = "query: " if fault == "prompts itself" else ""
    vectors = np.stack([vector_of(prompt + text) for text in body["input"]])
    if fault == "batch" and len(body["input"]) > 1:
        vectors[1:] = normalise(vectors[1:] + 0.3 * vectors[:1])
    if fault == "numbers":
        return np.round(vectors * 127).astype(int).tolist()
    if fault == "long":
        vectors = vectors * 7
    dim = body.get("dimensions")
    if dim and fault != "ignored":
        vectors = vectors[:, ::-1][:, :dim] if fault == "other cut" else vectors[:, :dim]
        vectors = vectors if fault == "not renormalised" else normalise(vectors)
        vectors = vectors[:, :-1] if fault == "short" else vectors
    return vectors.tolist()


class Server(BaseHTTPRequestHandler):
    behaviour = Behaviour()
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self.behaviour.fault
        self.behaviour.seen.append({**body, "key": self.headers.get("Authorization", "")})
        if fault == "late":
            time.sleep(0.6)
        if fault.isdigit() or (fault == "refused" and "dimensions" in body):
            self.reply(int(fault) if fault.isdigit() else 400, b'{"error": "no"}')
            return
        if fault == "html":
            self.reply(200, b"<!doctype html><p>Welcome")
            return
        vectors = answer(fault, body)
        if fault == "mixed up" and len(vectors) == 1 and len(self.behaviour.seen) > 12:
            vectors = [vector_of("somebody else's text").tolist()]
        data = [{"index": i, "embedding": row} for i, row in enumerate(vectors)]
        if fault == "nan":
            data[0]["embedding"][0] = float("nan")
        if fault == "fewer":
            data.pop()
        if fault == "ragged" and len(data) > 1:
            data[1]["embedding"].pop()
        self.reply(200, json.dumps({"data": data[::-1]}).encode())  # Out of order, as a server may.

    def reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Listening(ThreadingHTTPServer):
    request_queue_size = 64


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    behaviour = Behaviour()
    handler = type("Told", (Server,), {"behaviour": behaviour})
    with Listening(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/v1", behaviour
        http.shutdown()


class Reference:
    """The same model here, whose queries have a prompt."""

    dimension, fingerprint, document_precision = FULL, "reference", "float32"

    def encode_queries(self, texts: list[str]) -> FloatMatrix:
        return np.stack([vector_of(f"query: {text}") for text in texts])

    def encode_documents(self, texts: list[str], progress: object = None) -> FloatMatrix:
        return np.stack([vector_of(text) for text in texts])

    def count_cut(self, texts: list[str], task: str) -> CutTexts:
        return NOTHING_CUT


def states(url: str, dim: int = 8, reference: Reference | None = None, prompt: str = "") -> dict[str, str]:
    verdict = check_server(ServerTarget(url, "m", dim, query_prompt=prompt), reference)
    return {finding.name: finding.state for finding in verdict.findings}


def test_a_server_that_does_everything_right(server: tuple[str, Behaviour]) -> None:
    verdict = check_server(ServerTarget(server[0], "m", 8))
    assert verdict.is_right
    assert verdict.sentence() == "m at 8 of 48 numbers is served right."
    assert {finding.state for finding in verdict.findings} == {RIGHT, UNKNOWN}


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("ignored", "cut", "`dimensions` is ignored: 48 numbers came instead of 8"),
        ("not renormalised", "re-normalised", "not 1: dot products are no cosines"),
        ("refused", "cut", "is_matryoshka"),
        ("other cut", "cut", "not the start of its full ones"),
        ("short", "cut", "7 numbers came instead of 8"),
        ("long", "norm", "length 7.000"),
        ("numbers", "numbers", "quantised before the cut"),
        ("batch", "batching", "another vector"),
        ("mixed up", "concurrency", "another vector"),
    ],
)
def test_every_misbehaviour_has_its_verdict(server: tuple[str, Behaviour], fault: str, name: str, words: str) -> None:
    url, behaviour = server
    behaviour.fault = fault
    verdict = check_server(ServerTarget(url, "m", 8))
    finding = next(finding for finding in verdict.findings if finding.name == name)
    assert finding.state == WRONG
    assert words in f"{finding.text} {finding.fix}"
    assert not verdict.is_right
    assert verdict.sentence().startswith("Not right: ")


def test_a_reference_shows_whether_the_prompt_is_applied(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    assert states(url, reference=Reference(), prompt="query: ")["prompt"] == WRONG
    behaviour.fault = "prompts itself"
    assert states(url, reference=Reference())["prompt"] == RIGHT


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "--api-key-env"),
        ("404", "check --url"),
        ("429", "takes no more requests"),
        ("500", "read its log"),
        ("html", "no JSON"),
        ("nan", "NaN or infinity in 1 of 8"),
        ("fewer", "7 vectors for 8 texts"),
        ("ragged", "no lists of one length"),
    ],
)
def test_answers_that_are_none_are_one_line(server: tuple[str, Behaviour], fault: str, words: str) -> None:
    url, behaviour = server
    behaviour.fault = fault
    with pytest.raises(ServerError, match="embeddings") as error:
        check_server(ServerTarget(url, "m", 8))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_late_server_and_none_at_all(server: tuple[str, Behaviour]) -> None:
    url, behaviour = server
    behaviour.fault = "late"
    with pytest.raises(ServerError, match=r"no answer in 0\.2 s"):
        check_server(ServerTarget(url, "m", 8, timeout_s=0.2))
    with pytest.raises(ServerError, match="cannot be reached"):
        check_server(ServerTarget("http://127.0.0.1:9/v1", "m", 8))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("file:///etc/passwd", "m", 8), "is no address"),
        (("http://x/v1", "m", 0), "dim is 0"),
        (("http://x/v1", "m", 8, "", "", -1.0), "timeout is -1.0"),
    ],
)
def test_bad_targets_carry_the_value(values: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ServerError, match=words):
        ServerTarget(*values)


def test_a_length_that_the_model_has_not(server: tuple[str, Behaviour]) -> None:
    with pytest.raises(ServerError, match="dim is 64 and the model has 48"):
        check_server(ServerTarget(server[0], "m", 64))


def test_the_key_is_sent_and_never_shown(
    server: tuple[str, Behaviour], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, behaviour = server
    arguments = ["check-server", "--url", url, "--model", "m", "--dim", "8", "--api-key-env", "EMBED_KEY"]
    assert main(arguments) == 2
    assert "'EMBED_KEY' is empty" in capsys.readouterr().err
    monkeypatch.setenv("EMBED_KEY", "sesame-123")
    assert main([*arguments, "--json"]) == 0
    assert behaviour.seen[0]["key"] == "Bearer sesame-123"
    said = capsys.readouterr()
    assert "sesame" not in said.out + said.err
    assert json.loads(said.out)["is_right"] is True


def test_the_command_says_what_is_wrong_and_how_to_mend_it(
    server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    url, behaviour = server
    behaviour.fault = "not renormalised"
    assert main(["check-server", "--url", url, "--model", "m", "--dim", "8"]) == 1
    assert "Divide every vector by its length" in " ".join(capsys.readouterr().out.split())
