"""The folder of a finished run: whole or absent, with the key that says what it was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrl_demo.core.storage import sha256_file, unwritable
from mrl_demo.models import run_folder
from training.errors import RunError

_KEY_FILE = "key.txt"
#: A LoRA run writes some 50 MB of checkpoints; less than this and it would stop in the middle.
_FREE_BYTES = 300_000_000


@dataclass(frozen=True)
class RunFolder:
    """`out` is where the finished run goes; `work` beside it is where it is made."""

    out: Path

    @property
    def work(self) -> Path:
        """Hidden sibling of `out`: checkpoints and half-made results, removed when the run is published."""
        return self.out.parent / f".{self.out.name}.training"

    @property
    def result(self) -> Path:
        """Where the finished files gather before they move to `out` in one step."""
        return self.work / "result"

    def is_finished(self, key: str) -> bool:
        """Whether `out` holds the whole result of the run with that key."""
        try:
            raw = json.loads((self.out / run_folder.SEAL).read_text(encoding="utf-8"))
            return raw["key"] == key and all(
                sha256_file(self.out / name) == value for name, value in raw["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def open(self, key: str, resume: bool) -> bool:
        """Make the work folder; True if an interrupted run of the same key is there and is to go on.

        Raises `RunError` if nothing can be written or too little space is left.
        """
        mark = self.work / _KEY_FILE
        going_on = resume and mark.is_file() and mark.read_text(encoding="utf-8") == key
        try:
            if not going_on:
                shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.work).free
            mark.write_text(key, encoding="utf-8")
        except OSError as error:
            raise unwritable(self.work, error) from error
        if free < _FREE_BYTES:
            raise RunError(
                f"{self.work.parent} has {free / 1e6:.0f} MB free, and a run needs {_FREE_BYTES / 1e6:.0f} MB: "
                "free some space or choose another --out."
            )
        return going_on

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that is whole; half-written ones are removed."""
        found = sorted(self.work.glob("checkpoint-*"), key=lambda path: int(path.name.rsplit("-", 1)[-1]), reverse=True)
        for path in found:
            if _is_whole(path):
                return path
            shutil.rmtree(path, ignore_errors=True)
        return None

    def publish(self, key: str, about: Mapping[str, Any]) -> None:
        """Seal `result` with the hashes of its files (the card may change) and move it to `out` in one step."""
        files = {
            p.relative_to(self.result).as_posix(): sha256_file(p)
            for p in sorted(self.result.rglob("*"))
            if p.is_file() and p.name != run_folder.CARD
        }
        for path in self.result.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        seal = {"key": key, **about, "files": files}
        (self.result / run_folder.SEAL).write_text(json.dumps(seal, indent=2) + "\n", encoding="utf-8")
        old = self.work / "replaced"
        try:
            if self.out.exists():
                self.out.rename(old)
            self.result.rename(self.out)
        except OSError as error:
            raise unwritable(self.out, error) from error
        shutil.rmtree(self.work, ignore_errors=True)


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint's files can all be read: state, optimiser, schedule and weights."""
    import torch
    from safetensors import safe_open

    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        for name in ("optimizer.pt", "scheduler.pt"):
            torch.load(checkpoint / name, weights_only=True, map_location="cpu")
        weights = list(checkpoint.rglob("*.safetensors"))
        for path in weights:
            with safe_open(path, framework="numpy") as handle:
                handle.keys()
        return bool(weights)
    except Exception:  # Whatever cannot be read is not whole; torch and safetensors raise many kinds.
        return False
