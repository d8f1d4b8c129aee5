"""A folder that says itself whether it is whole: the hashes and names of all its files, written last."""

from __future__ import annotations

import json
from pathlib import Path

from mrl_demo.core.storage import sha256_file

SEAL_FILE = "complete.json"


def seal_folder(folder: Path) -> None:
    """Write the seal of a finished folder, over all that lies in it."""
    (folder / SEAL_FILE).write_text(json.dumps(_hashes(folder), indent=2) + "\n", encoding="utf-8")


def is_whole(folder: Path) -> bool:
    """Whether the folder holds exactly the files of its seal, as they were then."""
    try:
        sealed = json.loads((folder / SEAL_FILE).read_text(encoding="utf-8"))
        return bool(sealed) and bool(sealed == _hashes(folder))
    except (OSError, ValueError):
        return False


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SEAL_FILE)
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
