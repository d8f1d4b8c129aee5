"""One request to an embedding API: paced, repeated with back-off if that can help, and checked number by number."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import numpy as np

from mrl_demo.core.errors import ModelError, ServiceError
from mrl_demo.core.types import FloatMatrix, TextTask
from mrl_demo.models.api.address import ApiAddress

if TYPE_CHECKING:
    import httpx

_OK = 200
_ATTEMPTS = 6
_TIMEOUT_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 60.0
#: Asked too often, or a server's bad moment: the same request may do.
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}


class ApiClient:
    """Sends texts to one model. `requests_a_minute` paces it; `sleep` takes seconds (a test's does not wait).

    >>> client = ApiClient(ApiAddress.parse("http://localhost:1/v1#none"), sleep=lambda seconds: None)
    >>> client.embed(["bees"], "query")
    Traceback (most recent call last):
        ...
    mrl_demo.core.errors.ServiceError: localhost did not answer (ConnectError) in 6 attempts: check the address and \
try again later.
    """

    def __init__(
        self,
        address: ApiAddress,
        requests_a_minute: int = 300,
        timeout: float = _TIMEOUT_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._interval, self._timeout, self._sleep = 60 / requests_a_minute, timeout, sleep
        self._next_at = 0.0
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], task: TextTask) -> FloatMatrix:
        """`(n, d)` float32 full-length vectors of one batch, as the API gives them.

        Raises `ModelError` for a refused key, a refused request, silence, and answers that are not one finite vector a
        text.
        """
        import httpx

        address, error = self.address, ""
        body = address.provider.body(address.model, texts, task, address.about.fields)
        for attempt in range(_ATTEMPTS):
            self._keep_pace()
            try:
                answer = httpx.post(address.url, json=body, headers=self._headers(), timeout=self._timeout)
            except (httpx.TransportError, httpx.InvalidURL) as problem:
                error, wait = f"{address.host} did not answer ({type(problem).__name__})", _back_off(attempt)
            else:
                if answer.status_code not in _AGAIN:
                    return self._vectors(answer, len(texts))
                error = f"{address.host} answers {answer.status_code} ({self._said(answer.text)})"
                wait = _retry_after(answer.headers.get("retry-after", "")) or _back_off(attempt)
            if attempt + 1 < _ATTEMPTS:
                self._sleep(min(wait, _LONGEST_WAIT_SECONDS))
        raise ServiceError(f"{error} in {_ATTEMPTS} attempts: check the address and try again later.")

    def _headers(self) -> dict[str, str]:
        key, name = self.address.key(), self.address.provider.header
        return {name: f"Bearer {key}" if name == "Authorization" else key} if key else {}

    def _vectors(self, answer: httpx.Response, count: int) -> FloatMatrix:
        address = self.address
        if answer.status_code in {401, 403}:
            keys = " or ".join(address.provider.keys)
            raise ModelError(f"{address.host} refuses the key ({answer.status_code}): check {keys} in the environment.")
        if answer.status_code != _OK:
            raise ModelError(
                f"{address.host} refuses {address.model} ({answer.status_code}: {self._said(answer.text)}): check the "
                "model's name and the texts' length."
            )
        try:
            rows = address.provider.vectors(answer.json())
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelError(
                f"{address.host} answered in another protocol than {address.provider.name}'s: check the address."
            ) from error
        return _checked_rows(rows, count, f"{address.model} at {address.host}")

    def _said(self, text: str) -> str:
        """What the server said, in one short line without the key."""
        key = self.address.key()
        line = " ".join(text.split())
        return (line.replace(key, "...") if key else line)[:160]

    def _keep_pace(self) -> None:
        with self._lock:
            now = time.monotonic()
            wait, self._next_at = self._next_at - now, max(now, self._next_at) + self._interval
        if wait > 0:
            self._sleep(wait)


def _checked_rows(rows: list[list[float]], count: int, who: str) -> FloatMatrix:
    if len(rows) != count:
        raise ModelError(f"{who} gave {len(rows)} vectors for {count} texts: nothing of them is kept. Try again.")
    if len({len(row) for row in rows}) > 1:
        raise ModelError(f"{who} gave vectors of different lengths: nothing of them is kept. Check the server.")
    try:
        with np.errstate(over="ignore"):
            vectors = np.asarray(rows, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{who} gave something else than numbers: check the server.") from error
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ModelError(f"{who} gave empty vectors: check the server.")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
    if len(bad):
        raise ModelError(
            f"{who} gave a vector of NaN, infinity or zeros for text {bad[0] + 1} of {count}: nothing of them is kept. "
            "Check the server and that text."
        )
    return vectors


def _retry_after(value: str) -> float:
    """Seconds that a server asks to wait, 0 if it does not say."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _back_off(attempt: int) -> float:
    return float(0.5 * 2**attempt * (1 + random.random()))  # noqa: S311 - spreads callers, hides nothing
