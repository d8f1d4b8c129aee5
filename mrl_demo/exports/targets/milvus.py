"""Milvus: the vector in two fields, head and tail, so that no number is stored twice."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "milvus_index.py"


def milvus_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "milvus",
    "Milvus",
    ("float32", "float16"),
    milvus_files,
    reranks=True,
    needs="pip install pymilvus; a Milvus server, or milvus-lite",
    was_run=True,
)
