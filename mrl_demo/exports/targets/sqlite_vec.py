"""sqlite-vec: a virtual table over the prefix, the long rows beside it."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "sqlite_vec_index.py"


def sqlite_vec_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "sqlite-vec",
    "sqlite-vec",
    ("float32", "int8", "binary"),
    sqlite_vec_files,
    reranks=True,
    needs="pip install sqlite-vec",
    was_run=True,
)
