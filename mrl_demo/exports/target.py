"""The protocol of a target, the bundle of files that it gives, and how scripts get a setting's values."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mrl_demo.core.config import find_assets
from mrl_demo.exports.setting import ExportError, ExportSetting

_SCRIPTS = "exports"


@dataclass(frozen=True)
class Target:
    """One engine or server that a setting can be exported to; a new one is a module like its neighbours and a row.

    `precisions` are those it stores; `reranks` says whether it can re-rank a shortlist by longer vectors. `needs` is
    what has to be installed or running. `was_run` says that a test runs its script against the real engine; the others
    are checked against the engine's documented schema only. `files` makes them, by name.

    >>> Target("toy", "A toy", ("float32",), lambda setting: {"toy.txt": str(setting.dim)}).reranks
    False
    """

    name: str
    label: str
    precisions: tuple[str, ...]
    files: Callable[[ExportSetting], Mapping[str, str]]
    reranks: bool = False
    needs: str = ""
    was_run: bool = False

    def check(self, setting: ExportSetting) -> None:
        """Raise `ExportError` naming what this target takes if the setting is not for it."""
        if setting.precision not in self.precisions:
            takes = ", ".join(self.precisions)
            says = f"{self.label} does not store {setting.precision} here: choose --precision {takes}."
            raise ExportError(says).about("precision")
        if setting.rescore_dim and not self.reranks:
            says = f"{self.label} does not re-rank (rescore-dim {setting.rescore_dim}): leave it at 0."
            raise ExportError(says).about("rescore_dim")
        if setting.precision == "binary" and setting.dim % 8:
            says = f"Binary vectors fill whole bytes: {setting.dim} numbers do not. Choose a multiple of 8."
            raise ExportError(says).about("dim")


@dataclass(frozen=True)
class Bundle:
    """The files of an export by name, in the order in which they are read; text, or bytes of the rotation.

    >>> Bundle("toy", {"README.md": "Hello"}).text("README.md")
    'Hello'
    """

    target: str
    files: Mapping[str, str | bytes]
    folders: Mapping[str, Path] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The text of one file; raises `KeyError` if there is none of that name."""
        content = self.files[name]
        return content if isinstance(content, str) else content.decode()

    def to_dict(self, *, with_binary: bool = True) -> dict[str, Any]:
        """Plain JSON types: texts as they are, other files in base64 with size and hash (without if not `with_binary`).

        Folders, which are for who has the disk beside them, are left out.
        """
        files = {name: content for name, content in self.files.items() if isinstance(content, str)}
        binary = {
            name: {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "base64": base64.b64encode(content).decode() if with_binary else "",
            }
            for name, content in self.files.items()
            if isinstance(content, bytes)
        }
        return {"target": self.target, "files": files, "binary_files": binary}

    def with_files(self, more: Mapping[str, str | bytes]) -> Bundle:
        """The same bundle with more files."""
        return Bundle(self.target, {**self.files, **more}, self.folders)


def fill_script(name: str, setting: ExportSetting) -> str:
    """A script of `assets/exports` with the setting's values in its lines marked `# setting: ...`."""
    script = (find_assets() / _SCRIPTS / name).read_text(encoding="utf-8")
    model, rotation = setting.model, setting.rotation
    names = "MODEL, REVISION, QUERY_PROMPT, DOCUMENT_PROMPT"
    sizes = f"{setting.dim}, {setting.rescore_dim}, {setting.shortlist}"
    values = {
        "model": f"{names} = {model.name!r}, {model.revision!r}, {model.query_prompt!r}, {model.document_prompt!r}",
        "dims": f"FULL_DIM, DIM, RESCORE_DIM = {setting.full_dim}, {setting.dim}, {setting.rescore_dim}",
        "rotation": f"ROTATION_SHA256 = {rotation.fingerprint if rotation else ''!r}",
        "layer norm": f"LAYER_NORM = {model.layer_norm}",
        "search": f"PRECISION, RESCORE_DIM, SHORTLIST = {setting.precision!r}, {sizes.partition(', ')[2]}",
        "dim and search": f"PRECISION, DIM, RESCORE_DIM, SHORTLIST = {setting.precision!r}, {sizes}",
    }

    def replace_line(match: re.Match[str]) -> str:
        """The value for one place of the script."""
        return values[match["what"]]

    return re.sub(r"^.*  # setting: (?P<what>[a-z ]+)$", replace_line, script, flags=re.MULTILINE)


def rotation_file(setting: ExportSetting) -> bytes:
    """The matrix of the setting's rotation as a `.npy` file without pickled objects."""
    assert setting.rotation is not None, "only for settings that have one"  # noqa: S101
    buffer = io.BytesIO()
    np.save(buffer, setting.rotation.matrix, allow_pickle=False)
    return buffer.getvalue()


def as_json(value: object) -> str:
    """JSON text as it is pasted: two spaces, a line break at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
