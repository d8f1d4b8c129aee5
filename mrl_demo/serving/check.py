"""The serving check: does a server's `dimensions` equal its full answer, cut and re-normalised, at all times."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mrl_demo.core.types import Encoder, FloatMatrix
from mrl_demo.core.vectors import normalise, truncate
from mrl_demo.serving.client import EmbeddingClient, ServerTarget
from mrl_demo.serving.endpoint import ServerError

RIGHT, WRONG, UNKNOWN = "right", "wrong", "not checked"
#: Texts of several lengths, so that padding in a batch shows.
PROBE_TEXTS = (
    "why is the sky blue",
    "Bees dance to say where the flowers are.",
    "refund",
    "A lever lets a small force move a heavy load: the longer the arm, the smaller the force, and the longer its way.",
    "What keeps a bicycle upright while it rolls, and why does it fall when it stops?",
    "Salz senkt den Gefrierpunkt von Wasser.",
    "def cut(vector, dim): return normalise(vector[:dim])",
    "1, 2, 3 and 4 make 10",
)
#: Cosines of the same text from the same model: bf16 and other batches turn the last digits only.
_SAME = 0.999
#: How far from 1 the length of a unit vector may be.
_UNIT = 5e-3
_AT_ONCE = 8


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `state` is "right", "wrong" or "not checked"; `fix` the flag that mends it."""

    name: str
    state: str
    text: str
    fix: str = ""


@dataclass(frozen=True)
class ServerVerdict:
    """What a server does with `dimensions`, finding by finding.

    >>> ServerVerdict("http://x/v1", "m", 64, 384, (Finding("cut", RIGHT, "cut and re-normalised"),)).is_right
    True
    """

    url: str
    model: str
    dim: int
    full_dim: int
    findings: tuple[Finding, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing that was checked is wrong."""
        return all(finding.state != WRONG for finding in self.findings)

    def sentence(self) -> str:
        """The verdict in one line, with the fix of the first fault."""
        wrong = [finding for finding in self.findings if finding.state == WRONG]
        if not wrong:
            return f"{self.model} at {self.dim} of {self.full_dim} numbers is served right."
        more = f" ({len(wrong) - 1} more below)" if len(wrong) > 1 else ""
        return f"Not right: {wrong[0].text} {wrong[0].fix}{more}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "is_right": self.is_right, "sentence": self.sentence()}


def check_server(target: ServerTarget, reference: Encoder | None = None) -> ServerVerdict:
    """Ask a server some fifty times and judge its answers; `reference` is the same model here, to see its prompt.

    Raises `ServerError` if it cannot be reached or gives no vectors at all.
    """
    client = EmbeddingClient(target)
    try:
        full = client.embed(PROBE_TEXTS)
        findings = [_integers(full), _lengths(full, "full")]
        cut, refused = _ask_cut(client, target, full)
        findings += [refused] if cut is None else _cut_findings(cut, full, target.dim)
        findings += [_batching(client, full), _concurrency(client, full), _prompt(client, target, full, reference)]
    finally:
        client.close()
    return ServerVerdict(target.url, target.model, target.dim, full.shape[1], tuple(filter(None, findings)))


def _ask_cut(
    client: EmbeddingClient, target: ServerTarget, full: FloatMatrix
) -> tuple[FloatMatrix | None, Finding | None]:
    """The answers at the length asked for, or why there are none."""
    if target.dim > full.shape[1]:
        says = f"dim is {target.dim} and the model has {full.shape[1]} numbers: ask for {full.shape[1]} or fewer."
        raise ServerError(says)
    try:
        return client.embed(PROBE_TEXTS, dimensions=target.dim), None
    except ServerError as error:
        if error.status not in {400, 422, 500, 501}:
            raise
        fix = (
            f'It does not know that the model may be cut: vLLM wants --hf-overrides \'{{"is_matryoshka": true, '
            f'"matryoshka_dimensions": [{target.dim}, ...]}}\', SGLang the same in --json-model-override-args; or '
            "ask for full vectors, cut and re-normalise them yourself."
        )
        return None, Finding("cut", WRONG, f"`dimensions` is refused: {error}", fix)


def _cut_findings(cut: FloatMatrix, full: FloatMatrix, dim: int) -> list[Finding | None]:
    if cut.shape[1] != dim:
        ignored = cut.shape[1] == full.shape[1]
        what = f"`dimensions` is ignored: {cut.shape[1]} numbers came" if ignored else f"{cut.shape[1]} numbers came"
        fix = "A proxy may drop the field: ask the server itself. Else cut and re-normalise in the client."
        return [Finding("cut", WRONG, f"{what} instead of {dim}.", fix)]
    cosines = (normalise(cut) * truncate(full, dim)).sum(axis=1)
    if cosines.min() < _SAME:
        text = f"its short vectors are not the start of its full ones (least cosine {cosines.min():.3f})."
        fix = "It reduces in another way, or the short request goes to another model: cut its full vectors yourself."
        return [Finding("cut", WRONG, text, fix)]
    return [Finding("cut", RIGHT, f"the first {dim} numbers come back."), _lengths(cut, f"at {dim} numbers")]


def _lengths(vectors: FloatMatrix, what: str) -> Finding:
    norms = np.linalg.norm(vectors, axis=1)
    name = "norm" if what == "full" else "re-normalised"
    if np.abs(norms - 1).max() <= _UNIT:
        return Finding(name, RIGHT, f"vectors {what} have length 1.")
    text = f"vectors {what} have length {norms.min():.3f} to {norms.max():.3f}, not 1: dot products are no cosines."
    fix = "Divide every vector by its length in the client, documents and queries alike, or use a cosine distance."
    return Finding(name, WRONG, text, fix)


def _integers(full: FloatMatrix) -> Finding | None:
    if np.abs(full).max() <= 1 or not np.array_equal(full, np.round(full)):
        return None
    fix = "Ask for float vectors (encoding_format or the model's precision setting), and quantise after the cut."
    return Finding("numbers", WRONG, "whole numbers come back: the vectors were quantised before the cut.", fix)


def _batching(client: EmbeddingClient, full: FloatMatrix) -> Finding:
    alone = np.concatenate([client.embed([text]) for text in PROBE_TEXTS])
    return _same_finding("batching", alone, full, "a text alone and in a batch gives")


def _concurrency(client: EmbeddingClient, full: FloatMatrix) -> Finding:
    texts = [text for text in PROBE_TEXTS for _ in range(3)]
    ask: Callable[[str], FloatMatrix] = lambda text: client.embed([text])  # noqa: E731
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = np.concatenate(list(pool.map(ask, texts)))
    return _same_finding("concurrency", answers, np.repeat(full, 3, axis=0), f"{_AT_ONCE} requests at once give")


def _same_finding(name: str, ours: FloatMatrix, full: FloatMatrix, what: str) -> Finding:
    if ours.shape != full.shape:
        return Finding(name, WRONG, f"{what} {ours.shape[1]} numbers instead of {full.shape[1]}.", "Read its log.")
    least = float((normalise(ours) * normalise(full)).sum(axis=1).min())
    if least >= _SAME:
        return Finding(name, RIGHT, f"{what} the same vector (least cosine {least:.5f}).")
    fix = "Padding or mixed-up answers: try a batch size of 1, another attention back end, or float32."
    return Finding(name, WRONG, f"{what} another vector (least cosine {least:.3f}).", fix)


def _prompt(client: EmbeddingClient, target: ServerTarget, full: FloatMatrix, reference: Encoder | None) -> Finding:
    """Whether queries come out as the model's own query side; only a copy of the model can tell."""
    if reference is None:
        return Finding("prompt", UNKNOWN, "whether a prompt is applied: give the same model here with --reference.")
    ours = reference.encode_queries(list(PROBE_TEXTS))
    if ours.shape[1] != full.shape[1]:
        says = f"the reference has {ours.shape[1]} numbers, the server's model {full.shape[1]}: they are not one model."
        return Finding("prompt", WRONG, says, "Name the same model twice.")
    bare = float(np.mean((normalise(full) * ours).sum(axis=1)))
    if bare >= _SAME:
        return Finding("prompt", RIGHT, f"queries equal the model's own query side (mean cosine {bare:.5f}).")
    given = client.embed([target.query_prompt + text for text in PROBE_TEXTS]) if target.query_prompt else full
    prompted = float(np.mean((normalise(given) * ours).sum(axis=1)))
    if prompted >= _SAME:
        fix = f"Put {target.query_prompt!r} before every query yourself."
        return Finding("prompt", WRONG, f"the server adds no query prompt (mean cosine {bare:.3f} without it).", fix)
    fix = "Other weights, another pooling or another prompt: give --query-prompt, compare the model files."
    return Finding("prompt", WRONG, f"queries are not the reference's (mean cosine {bare:.3f}).", fix)
