"""One address that takes JSON and answers JSON, and one line for whatever goes wrong there."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import httpx

from mrl_demo.core.errors import LabError

_FIXES = {
    401: "the key is missing or wrong: name the environment variable that holds it with --api-key-env",
    403: "the key may not use this model: ask its owner, or name another key with --api-key-env",
    404: "there is no such address or model there: check --url (it ends in /v1 as a rule) and --model",
    413: "the texts are too long for it: start it with a larger limit",
    422: "it does not understand the request: is it an OpenAI-compatible server?",
    429: "it takes no more requests now: wait, or raise its limit",
}
_SHOWN = 200


class ServerError(LabError, RuntimeError):
    """A server that gives no usable answer; `status` is its HTTP status, 0 if there was none."""

    status: int = 0


def check_address(url: str, timeout_s: float) -> None:
    """Raise `ServerError` for an address that is none, and for a wait of no seconds."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ServerError(f"{url!r} is no address: write it as in http://127.0.0.1:8000/v1.")
    if not timeout_s > 0:
        raise ServerError(f"timeout is {timeout_s}: give it seconds above 0, as in 30.")


class JsonEndpoint:
    """Posts JSON to one address; a key is read from the environment variable named, never shown or kept elsewhere.

    Raises `ServerError` if that variable is empty.

    >>> JsonEndpoint("http://127.0.0.1:9/v1/embeddings", timeout_s=30).close()
    """

    def __init__(self, address: str, timeout_s: float, key_variable: str = "") -> None:
        self._address, self._timeout_s = address, timeout_s
        headers = {"Authorization": f"Bearer {_key_in(key_variable)}"} if key_variable else {}
        self._http = httpx.Client(timeout=timeout_s, headers=headers, follow_redirects=False)

    def post(self, body: dict[str, Any]) -> object:
        """The JSON that comes back; raises `ServerError` for anything else."""
        address = self._address
        try:
            reply = self._http.post(address, json=body)
        except httpx.TimeoutException:
            raise ServerError(
                f"{address} gave no answer in {self._timeout_s:g} s: is it still loading? Raise --timeout."
            ) from None
        except httpx.HTTPError as error:
            raise ServerError(f"{address} cannot be reached ({error}): start the server, or check --url.") from None
        if reply.status_code != 200:
            raise self._refusal(reply)
        try:
            return reply.json()
        except ValueError:
            says = f"{address} answered with something that is no JSON ({_start_of(reply)}): check --url."
            raise ServerError(says) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _refusal(self, reply: httpx.Response) -> ServerError:
        fix = _FIXES.get(reply.status_code, "read its log, and try again when it is well")
        error = ServerError(f"{self._address} answered {reply.status_code} ({_start_of(reply)}): {fix}.")
        error.status = reply.status_code
        return error


def _key_in(variable: str) -> str:
    key = os.environ.get(variable, "")
    if not key:
        raise ServerError(f"The environment variable {variable!r} is empty: put the key into it.")
    return key


def _start_of(reply: httpx.Response) -> str:
    text = " ".join(reply.text[: 2 * _SHOWN].split())
    return text[:_SHOWN] or "no text"
