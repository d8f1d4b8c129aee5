"""How a person names an API model, and where it is: `PROVIDER:MODEL`, or `http://HOST/v1#MODEL` for any server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mrl_demo.core.errors import ModelError
from mrl_demo.models.api.providers import COMPATIBLE, PROVIDERS, ApiModel, Provider

_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class ApiAddress:
    """A model of a provider at an address; the key is not part of it.

    >>> address = ApiAddress.parse("openai:text-embedding-3-small", environ={})
    >>> address.url, address.model, address.about.dollars
    ('https://api.openai.com/v1/embeddings', 'text-embedding-3-small', 0.02)
    """

    provider: Provider
    model: str
    url: str

    @classmethod
    def parse(cls, given: str, environ: Mapping[str, str] | None = None) -> ApiAddress:
        """Read what a person named; raises `ModelError` that says what is missing."""
        environ = os.environ if environ is None else environ
        if given.startswith(("http://", "https://")):
            base, _, model = given.partition("#")
            provider = COMPATIBLE
        else:
            name, _, model = given.partition(":")
            provider = PROVIDERS[name]
            base = environ.get(provider.base_variable) or provider.base
        if not model or not model.isprintable():
            raise ModelError(f"{given!r} names no model: write {_HOW}.")
        places = {name: environ.get(f"GOOGLE_CLOUD_{name.upper()}", "") for name in ("project", "location")}
        template = base.rstrip("/") + provider.path
        for place, value in places.items():
            if f"{{{place}}}" in template and not value:
                raise ModelError(f"{given!r} needs the environment variable GOOGLE_CLOUD_{place.upper()}.")
        url = template.format(model=model, **places) if provider is not COMPATIBLE else template
        return cls(provider, model, _checked(url, given))

    @property
    def about(self) -> ApiModel:
        """What is known of the model."""
        return self.provider.models.get(self.model, ApiModel())

    @property
    def host(self) -> str:
        """Whose machine reads the texts."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether that is this machine, so that nothing is sent away or paid for."""
        return self.host in _LOCAL

    def key(self, environ: Mapping[str, str] | None = None) -> str:
        """The key as the environment has it, "" for a server that needs none; raises `ModelError` naming the variable.

        It is read anew for every request and kept nowhere.
        """
        environ = os.environ if environ is None else environ
        value = next((environ[name].strip() for name in self.provider.keys if environ.get(name, "").strip()), "")
        if not value and self.provider.is_key_needed:
            raise ModelError(
                f"{self.provider.name}:{self.model} needs a key: put it into the environment variable "
                f"{self.provider.keys[0]}."
            )
        if not (value.isascii() and value.isprintable()):
            raise ModelError(f"{self.provider.keys[0]} holds characters that no key has: copy the key again.")
        return value


_HOW = "PROVIDER:MODEL (" + ", ".join(PROVIDERS) + "), or http://HOST/v1#MODEL (OpenAI's protocol)"


def is_api(given: str) -> bool:
    """Whether a person's word for a model is that of an API.

    >>> [is_api(word) for word in ("openai:text-embedding-3-small", "http://localhost:8080/v1#bge", "BAAI/bge-m3")]
    [True, True, False]
    """
    return given.startswith(("http://", "https://")) or (given.partition(":")[0] in PROVIDERS and ":" in given)


def _checked(url: str, given: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit("http://"), False
    if parts.username is not None or parts.query:
        where = given.partition("#")[0].rpartition("@")[2].partition("?")[0]
        raise ModelError(f"The address at {where} holds a user or a key: put the key into MRL_API_KEY.")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ModelError(f"{given!r} is no address: write {_HOW}.")
    return url
