"""From an `--index` URL to the engine behind it."""

from __future__ import annotations

from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.vector_engine import VectorEngine


def open_engine(url: str) -> VectorEngine:
    """The engine of a URL; it is asked for nothing yet.

    Raises `EngineError` for a URL that is none, and with the line that installs a client that is missing.

    >>> open_engine("file:my-vectors").name
    'a file of vectors'
    """
    address = EngineAddress.parse(url)
    if address.scheme == "file":
        from mrl_demo.search.engines.file import FileEngine

        return FileEngine(address)
    if address.scheme == "qdrant":
        from mrl_demo.search.engines.qdrant import QdrantEngine

        return QdrantEngine(address)
    if address.scheme == "milvus":
        from mrl_demo.search.engines.milvus import MilvusEngine

        return MilvusEngine(address)
    from mrl_demo.search.engines.postgresql import PostgresEngine

    return PostgresEngine(address)
