"""Qdrant: named vectors of both lengths and a nested prefetch that re-ranks on the server."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "qdrant_index.py"


def qdrant_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "qdrant",
    "Qdrant",
    ("float32", "float16", "int8", "binary"),
    qdrant_files,
    reranks=True,
    needs="pip install qdrant-client; a Qdrant server",
    was_run=True,
)
