"""faiss: exhaustive search at the first stage's precision, float32 rows for the second."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "faiss_index.py"


def faiss_files(setting: ExportSetting) -> dict[str, str]:
    """The script that makes, fills and searches the index."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "faiss",
    "faiss",
    ("float32", "float16", "int8", "binary"),
    faiss_files,
    reranks=True,
    needs="pip install faiss-cpu",
    was_run=True,
)
