"""The folder of a finished run: whole or absent, with the key that says what it was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrl_demo.core.storage import atomic_folder, replace_folder, sha256_file, unwritable
from mrl_demo.models import run_folder
from training.errors import RunError

NOTHING_TO_RESUME = "There is no interrupted run of this configuration and data: it starts from the beginning."
#: Where a checkpoint says how far its run was.
CHECKPOINT_STATE = "trainer_state.json"
_KEY_FILE, _SPENT_FILE = "key.txt", "seconds.txt"
#: What the trainer keeps beside weights and state.
_TRAINER_PARTS = ("optimizer.pt", "scheduler.pt")
#: A LoRA run writes some 50 MB of checkpoints; less than this and it would stop in the middle.
_FREE_BYTES = 300_000_000
#: Two checkpoints of all weights with two moments each, one more while it is written, and the result.
_WHOLE_COPIES = 10


@dataclass(frozen=True)
class RunFolder:
    """Where a finished run goes, whole or not at all.

    >>> RunFolder(Path("nowhere")).is_finished("a key")
    False
    """

    out: Path

    def is_finished(self, key: str) -> bool:
        """Whether `out` holds the whole result of the run with that key."""
        try:
            raw = json.loads((self.out / run_folder.SEAL).read_text(encoding="utf-8"))
            return raw["key"] == key and all(
                sha256_file(self.out / name) == value for name, value in raw["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def open(self, key: str, resume: bool, trained_bytes: int = 0) -> RunWork:
        """Make the work folder beside `out`, or take up that of an interrupted run of the same key with `resume`.

        `trained_bytes` are those of the weights if all of them are trained. Raises `CacheError` if nothing can be
        written and `RunError` if too little space is left.
        """
        path = self.out.parent / f".{self.out.name}.training"
        mark = path / _KEY_FILE
        is_resumed = resume and mark.is_file() and mark.read_text(encoding="utf-8") == key
        try:
            spent = _go_on(path) if is_resumed else _begin(path, key)
            free = shutil.disk_usage(path).free
        except OSError as error:
            raise unwritable(path, error) from error
        needed = _FREE_BYTES + _WHOLE_COPIES * trained_bytes
        if free < needed:
            raise RunError(
                f"{path.parent} has {free / 1e6:.0f} MB free, and a run needs {needed / 1e6:.0f} MB: "
                "free some space or choose another --out."
            )
        return RunWork(self.out, path, key, is_resumed, spent)


@dataclass(frozen=True)
class RunWork:
    """The hidden folder `path` beside `out` where the run of `key` is made; it goes when the run is published.

    `spent` are the seconds that a resumed run took before, each time until it wrote its last checkpoint.
    """

    out: Path
    path: Path
    key: str
    is_resumed: bool
    spent: float = 0.0

    @property
    def result(self) -> Path:
        """Where the finished files gather before they move to `out` in one step."""
        return self.path / "result"

    def make_result(self) -> Path:
        """An empty `result`; what an interrupted run left there is removed."""
        shutil.rmtree(self.result, ignore_errors=True)
        self.result.mkdir()
        return self.result

    def last_checkpoint(self, parts: Sequence[str] = _TRAINER_PARTS) -> Path | None:
        """The newest checkpoint that is whole and has those `parts`; half-written ones are removed."""
        for path in reversed(self._checkpoints()):
            if _is_whole(path, parts):
                return path
            shutil.rmtree(path, ignore_errors=True)
        return None

    def new_checkpoint(self, step: int) -> AbstractContextManager[Path]:
        """A folder to write that of `step` into, which takes its name when the block ends well."""
        return atomic_folder(self.path / f"checkpoint-{step}")

    def keep_checkpoints(self, count: int) -> None:
        """Remove all but the newest `count`."""
        for path in self._checkpoints()[:-count]:
            shutil.rmtree(path, ignore_errors=True)

    def _checkpoints(self) -> list[Path]:
        return sorted(self.path.glob("checkpoint-*"), key=lambda path: int(path.name.rsplit("-", 1)[-1]))

    def publish(self, about: Mapping[str, Any]) -> None:
        """Seal `result` with the hashes of its files (the card may change) and move it to `out` in one step."""
        seal_run(self.result, {"key": self.key, **about})
        replace_folder(self.out, self.result)
        shutil.rmtree(self.path, ignore_errors=True)


def seal_run(folder: Path, about: Mapping[str, Any]) -> None:
    """Write the seal of a run's files, all but its card, with what it is `about`."""
    files = {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {run_folder.CARD, run_folder.SEAL}
    }
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / run_folder.SEAL).write_text(json.dumps({**about, "files": files}, indent=2) + "\n", encoding="utf-8")


def _begin(path: Path, key: str) -> float:
    """Make an empty work folder for the run of `key`; the seconds spent on it, none."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    (path / _KEY_FILE).write_text(key, encoding="utf-8")
    return 0.0


def _go_on(path: Path) -> float:
    """Note and return the seconds that the run in that work folder took, as far as what it wrote tells."""
    before = 0.0
    with suppress(OSError, ValueError):  # The first time there are none, and a kill may have left half of the file.
        before = float((path / _SPENT_FILE).read_text(encoding="utf-8"))
    last = max(written.stat().st_mtime for written in path.rglob("*") if written.is_file())
    spent = before + max(0.0, last - (path / _KEY_FILE).stat().st_mtime)
    (path / _SPENT_FILE).write_text(f"{spent:.1f}", encoding="utf-8")
    (path / _KEY_FILE).touch()  # It says when this part of the run began; written again, it might be cut short.
    return spent


def _is_whole(checkpoint: Path, parts: Sequence[str]) -> bool:
    """Whether a checkpoint's files can all be read: state, `parts` and weights."""
    import torch
    from safetensors import safe_open

    try:
        json.loads((checkpoint / CHECKPOINT_STATE).read_text(encoding="utf-8"))
        for name in parts:
            torch.load(checkpoint / name, weights_only=True, map_location="cpu")
        weights = list(checkpoint.rglob("*.safetensors"))
        for path in weights:
            with safe_open(path, framework="numpy") as handle:
                handle.keys()
        return bool(weights)
    except Exception:  # Whatever cannot be read is not whole; torch and safetensors raise many kinds.
        return False
