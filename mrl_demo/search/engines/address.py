"""Addresses of engines: what the scheme, host, file and collection of an `--index` URL are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from mrl_demo.search.engines.errors import EngineError

SCHEMES = {"postgresql": "PostgreSQL", "postgres": "PostgreSQL", "qdrant": "Qdrant", "milvus": "Milvus", "file": "file"}
DEFAULT_COLLECTION = "documents"
_COLLECTION = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_MEMORY = ":memory:"


@dataclass(frozen=True)
class EngineAddress:
    """Where a collection lies. `shown` is what people may see: no user, no password, no host.

    >>> address = EngineAddress.parse("qdrant://:secret@db:6333/manuals")
    >>> address.product, address.host, address.port, address.collection, address.password, address.shown
    ('Qdrant', 'db', 6333, 'manuals', 'secret', 'Qdrant, collection manuals')
    >>> EngineAddress.parse("milvus:///data/lab.db?collection=manuals").path
    '/data/lab.db'
    """

    scheme: str
    host: str
    port: int | None
    path: str
    collection: str
    user: str = ""
    password: str = ""
    url: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """No password in a traceback or a log."""
        return f"EngineAddress({self.shown})"

    @property
    def product(self) -> str:
        """The engine's name."""
        return SCHEMES[self.scheme]

    @property
    def shown(self) -> str:
        """The engine and its collection, for anybody's eyes."""
        return "a folder of vectors" if self.scheme == "file" else f"{self.product}, collection {self.collection}"

    @property
    def is_local(self) -> bool:
        """Whether the engine runs in this process, over a file or in memory."""
        return self.scheme == "file" or (self.scheme in {"qdrant", "milvus"} and not self.host)

    def http_url(self, port: int) -> str:
        """Where an HTTP server answers: its `port` if the address names none, TLS if it says `?tls=1`."""
        return f"{'https' if self.option('tls') == '1' else 'http'}://{self.host}:{self.port or port}"

    def option(self, name: str) -> str:
        """A value of the URL's query, "" if it has none."""
        return dict(self.options).get(name, "")

    @classmethod
    def parse(cls, text: str) -> EngineAddress:
        """Read an `--index` URL; raises `EngineError` that never repeats a password."""
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError as error:
            raise EngineError(f"This index URL has no port that is a number from 0 to 65535; {_FORMS}") from error
        if parts.scheme not in SCHEMES:
            raise EngineError(f"{parts.scheme or text.split(':')[0][:20]!r} is no engine's scheme; {_FORMS}")
        options = dict(parse_qsl(parts.query))
        named = options.pop("collection", "")
        path, collection = _path_and_collection(parts, named)
        if not _COLLECTION.fullmatch(collection):
            raise EngineError(
                f"{collection!r} is no collection's name: use small letters, digits and _, at most 40, no digit first."
            )
        return cls(
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=port,
            path=path,
            collection=collection,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            url=urlunsplit(parts._replace(query=urlencode(options))),
            options=tuple(options.items()),
        )


_FORMS = (
    "write postgresql://USER:PASSWORD@HOST/DATABASE?collection=NAME, qdrant://HOST:6333/NAME, "
    "milvus://HOST:19530/NAME, milvus:///FILE.db, qdrant:///FOLDER or file:FOLDER."
)


def _path_and_collection(parts: SplitResult, named: str) -> tuple[str, str]:
    """The file or folder of a local engine, and the collection: the path of a server's URL or `?collection=`."""
    path = unquote(parts.path)
    if parts.scheme == "file":
        if not path.strip("/") or parts.netloc not in {"", "localhost"}:
            raise EngineError(f"file: names no folder on this machine; {_FORMS}")
        return path, named or DEFAULT_COLLECTION
    if parts.scheme in {"postgresql", "postgres"}:
        return "", named or DEFAULT_COLLECTION
    if parts.hostname:
        return "", named or path.strip("/") or DEFAULT_COLLECTION
    path = _MEMORY if path.lstrip("/") in {"", _MEMORY} else path
    if parts.scheme == "milvus" and not path.endswith(".db"):
        raise EngineError(f"milvus:// without a host needs a file that ends in .db; {_FORMS}")
    return path, named or DEFAULT_COLLECTION
