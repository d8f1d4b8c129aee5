"""sentence-transformers: cut and re-normalise, the rotation as a bias-free Dense layer."""

from __future__ import annotations

from mrl_demo.exports.setting import ExportSetting
from mrl_demo.exports.target import Target, fill_script

_SCRIPT = "sentence_transformers_model.py"


def sentence_transformers_files(setting: ExportSetting) -> dict[str, str]:
    """The script that loads the model and encodes documents and queries."""
    return {_SCRIPT: fill_script(_SCRIPT, setting)}


TARGET = Target(
    "sentence-transformers",
    "sentence-transformers",
    ("float32",),
    sentence_transformers_files,
    needs="pip install sentence-transformers",
    was_run=True,
)
