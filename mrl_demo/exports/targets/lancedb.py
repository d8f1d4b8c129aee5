"""LanceDB: both lengths as columns of one table."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "lancedb_index.py"


def lancedb_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "lancedb", "LanceDB", ("float32", "float16"), lancedb_files, reranks=True, needs="pip install lancedb", was_run=True
)
