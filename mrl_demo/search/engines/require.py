"""Clients of engines are optional: a missing one is named with the line that installs it."""

from __future__ import annotations

import importlib.util

from mrl_demo.search.engines.errors import EngineError


def require_client(package: str, extra: str) -> None:
    """Raise `EngineError` with the line that installs the client unless it is here; nothing is imported.

    >>> require_client("no_such_client", "qdrant")
    Traceback (most recent call last):
        ...
    mrl_demo.search.engines.errors.EngineError: no_such_client is not installed: pip install "matryoshka-lab[qdrant]".
    """
    if importlib.util.find_spec(package) is None:
        raise EngineError(f'{package} is not installed: pip install "matryoshka-lab[{extra}]".')
