"""numpy: exact search without an engine, for up to a million vectors or so."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "numpy_index.py"


def numpy_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "numpy",
    "numpy",
    ("float32", "float16", "int8", "binary"),
    numpy_files,
    reranks=True,
    needs="pip install numpy",
    was_run=True,
)
