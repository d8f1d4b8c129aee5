"""A folder of vectors, searched exactly by our own prefix index over memory-mapped blocks: nothing is held twice.

Blocks lie as `PrefixIndex` reads them, so that a search at 64 of 384 numbers reads a sixth of the file. What is
uploaded is appended to a staging area first and survives a kill; `finish` writes a new generation of blocks, and only
then does the folder name it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import torch

from mrl_demo.core.errors import CacheError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix
from mrl_demo.search.cascade import Cascade
from mrl_demo.search.engines.address import EngineAddress
from mrl_demo.search.engines.errors import EngineError, EngineFullError, EngineMismatchError, EngineRefusedError
from mrl_demo.search.engines.vector_engine import (
    CollectionCard,
    CollectionLayout,
    EngineBytes,
    Nearest,
    VectorBatch,
    check_cascade,
)
from mrl_demo.search.funnel import FunnelIndex
from mrl_demo.search.prefix import PrefixIndex, even_rows
from mrl_demo.search.topk import TopK, select_top_k

_KEY_BYTES = 16
_ROWS = 16_384
_VECTORS, _KEYS, _ATTRIBUTES = "vectors.f32", "keys.bin", "attributes.jsonl"


class FileEngine:
    """A folder as a `VectorEngine`.

    >>> FileEngine(EngineAddress.parse("file:no-such-folder")).read_card() is None
    True
    """

    name = "a file of vectors"
    most_workers = 1
    has_all_lengths = True

    def __init__(self, address: EngineAddress) -> None:
        self.folder = Path(address.path)
        self._lock = threading.RLock()
        self._opened: _Generation | None = None
        self._known: set[str] | None = None

    def read_card(self) -> CollectionCard | None:
        """As `VectorEngine` has it."""
        path = self.folder / "card.json"
        with _disk():
            if path.is_file():
                return CollectionCard.from_json(path.read_text(encoding="utf-8"))
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise EngineMismatchError("The folder of vectors is not one of the lab's: name an empty or a new one.")
        return None

    def check_loading(self, layout: CollectionLayout) -> None:
        """As `VectorEngine` has it."""
        if layout.is_approximate or layout.parts > 1:
            raise EngineError("A file is searched exactly and in one part: leave --hnsw, --precision and --parts out.")
        with _disk():
            there = next(path for path in (self.folder, *self.folder.absolute().parents) if path.exists())
            problem = errno.EACCES if there.is_dir() else errno.ENOTDIR
            if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
                raise OSError(problem, os.strerror(problem))

    def create(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        self.check_loading(card.layout)
        self.write_card(card)

    def write_card(self, card: CollectionCard) -> None:
        """As `VectorEngine` has it."""
        with _disk(), atomic_path(self.folder / "card.json") as temporary:
            temporary.write_text(card.to_json(), encoding="utf-8")

    def keys(self) -> set[str]:
        """As `VectorEngine` has it."""
        with self._lock:
            staging = self._staging()
            return ({*self._generation().keys} | {*staging.keys()}) - staging.gone()

    def count(self) -> int:
        """As `VectorEngine` has it."""
        return len(self.keys())

    def upload(self, batch: VectorBatch) -> None:
        """As `VectorEngine` has it."""
        with self._lock, _disk():
            staging = self._staging()
            if self._known is None:
                staging.repair()
                self._known = self.keys()
            rows = [row for row, key in enumerate(batch.keys) if key not in self._known]
            staging.append(batch, rows)
            self._known |= {*batch.keys}

    def delete(self, keys: Sequence[str]) -> None:
        """As `VectorEngine` has it."""
        with self._lock, _disk():
            self._staging().remove(keys)
            self._known = None

    def finish(self) -> None:
        """As `VectorEngine` has it: merge what was staged into a new generation of blocks, if anything was."""
        with self._lock, _disk():
            staging, old = self._staging(), self._generation()
            if not staging.folder.exists():
                return
            made = _merge(old, staging, self.folder / f"generation-{old.number + 1:04}", self._dimension())
            with atomic_path(self.folder / "current") as temporary:
                temporary.write_text(made.name, encoding="utf-8")
            self._opened = self._known = None
            for stale in self.folder.glob("generation-*"):
                if stale != made:
                    shutil.rmtree(stale)
            shutil.rmtree(staging.folder)

    def search(self, queries: FloatMatrix, dim: int, k: int, where: Mapping[str, str] | None = None) -> list[Nearest]:
        """As `VectorEngine` has it."""
        generation = self._generation()
        if not generation.keys:
            return [Nearest([], []) for _ in queries]
        index = generation.index
        if not where:
            return generation.answers(index.search(queries, dim, k))
        rows = generation.rows_where(where)
        answers = []
        for query in queries:
            scores = torch.from_numpy(index.scores(query, dim)[0][rows])
            top = select_top_k(scores[None], k)
            answers += generation.answers(TopK(rows[top.indices], top.scores))
        return answers

    def funnel(self, queries: FloatMatrix, cascade: Cascade, k: int) -> list[Nearest]:
        """As `VectorEngine` has it."""
        check_cascade(cascade)
        generation = self._generation()
        return generation.answers(FunnelIndex(generation.index).search(queries, cascade, k))

    def stats(self) -> EngineBytes:
        """As `VectorEngine` has it; there are no indexes beside the vectors."""
        return EngineBytes(sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()), 0)

    def drop(self) -> None:
        """As `VectorEngine` has it; a folder that is not the lab's stays."""
        if self.read_card() is not None:
            self.close()
            shutil.rmtree(self.folder)

    def close(self) -> None:
        """Let go of the memory-mapped file."""
        self._opened = self._known = None

    def _dimension(self) -> int:
        card = self.read_card()
        if card is None:
            raise EngineMismatchError.missing("of vectors")
        return card.layout.dimension

    def _staging(self) -> _Staging:
        return _Staging(self.folder / "staging", self._dimension())

    def _generation(self) -> _Generation:
        """What the folder names as current; read again once another process has named another one."""
        current = self.folder / "current"
        name = current.read_text(encoding="utf-8").strip() if current.is_file() else ""
        with self._lock:
            if self._opened is None or self._opened.folder.name != (name or "generation-0000"):
                self._opened = _Generation.open(self.folder / (name or "generation-0000"), self._dimension())
            return self._opened


@dataclass(frozen=True)
class _Generation:
    """Blocks that are complete: their keys in order, and the index over the memory-mapped file."""

    folder: Path
    keys: list[str]
    index: PrefixIndex

    @property
    def number(self) -> int:
        """The number in the folder's name."""
        return int(self.folder.name.rpartition("-")[2])

    @classmethod
    def open(cls, folder: Path, dimension: int) -> _Generation:
        """The generation in a folder, its vectors mapped; an empty one if there is no folder."""
        if not folder.is_dir():
            return cls(folder, [], PrefixIndex.over(np.zeros((1, dimension, 1), np.float32), 0))
        keys = _keys_in(folder / _KEYS)
        rows = _block_rows(len(keys))
        blocks = -(-len(keys) // rows)
        path = folder / _VECTORS
        if path.stat().st_size != 4 * blocks * dimension * rows:
            raise EngineMismatchError("The folder of vectors is damaged: make it anew with `mrl index --replace`.")
        # Mode "c": torch wants memory that could be written to; nothing is, and nothing would reach the disk.
        mapped = np.memmap(path, np.float32, mode="c", shape=(blocks, dimension, rows))
        return cls(folder, keys, PrefixIndex.over(mapped, len(keys)))

    def answers(self, top: TopK) -> list[Nearest]:
        """Places and scores as keys and scores."""
        return [
            Nearest([self.keys[row] for row in rows.tolist()], scores.tolist())
            for rows, scores in zip(top.indices, top.scores, strict=True)
        ]

    def rows_where(self, where: Mapping[str, str]) -> np.ndarray:
        """Places of the rows that have all these attributes."""
        wanted = where.items()
        with (self.folder / _ATTRIBUTES).open(encoding="utf-8") as lines:
            fits = [row for row, line in enumerate(lines) if wanted <= json.loads(line).items()]
        return np.array(fits, dtype=np.int64)

    def lines(self) -> Iterator[str]:
        """The rows' attributes, a line of JSON each."""
        if self.keys:
            with (self.folder / _ATTRIBUTES).open(encoding="utf-8") as handle:
                yield from handle


@dataclass(frozen=True)
class _Staging:
    """Rows that were uploaded since the last generation: a row counts once its key is written, which is last."""

    folder: Path
    dimension: int

    def keys(self) -> list[str]:
        """Keys that wait to be merged."""
        return _keys_in(self.folder / _KEYS) if self.folder.is_dir() else []

    def gone(self) -> set[str]:
        """Keys that wait to be taken out."""
        path = self.folder / "gone.txt"
        return {*path.read_text(encoding="ascii").split()} if path.is_file() else set()

    @property
    def count(self) -> int:
        """Number of rows that wait."""
        path = self.folder / _KEYS
        return path.stat().st_size // _KEY_BYTES if path.is_file() else 0

    def repair(self) -> None:
        """Cut off what a kill left half-written behind the rows that are whole."""
        n = self.count
        for name, size in ((_VECTORS, 4 * self.dimension * n), (_KEYS, _KEY_BYTES * n)):
            path = self.folder / name
            if path.is_file():
                with path.open("rb+") as handle:
                    handle.truncate(size)
        path = self.folder / _ATTRIBUTES
        if path.is_file():
            with path.open("rb+") as handle:
                for _ in range(n):
                    handle.readline()
                handle.truncate(handle.tell())

    def append(self, batch: VectorBatch, rows: Sequence[int]) -> None:
        """Add rows; those that were to go before they came again stay."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if again := self.gone() & {batch.keys[row] for row in rows}:
            self._write_gone(self.gone() - again)
        for name, written in (
            (_VECTORS, np.ascontiguousarray(batch.vectors[rows], dtype=np.float32).tobytes()),
            (_ATTRIBUTES, "".join(json.dumps(dict(batch.attributes[row])) + "\n" for row in rows).encode()),
            (_KEYS, b"".join(UUID(batch.keys[row]).bytes for row in rows)),
        ):
            with (self.folder / name).open("ab") as handle:
                handle.write(written)

    def remove(self, keys: Sequence[str]) -> None:
        """Name rows that are to go with the next generation."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_gone(self.gone() | {*keys})

    def _write_gone(self, keys: set[str]) -> None:
        with atomic_path(self.folder / "gone.txt") as temporary:
            temporary.write_text("\n".join(sorted(keys)), encoding="ascii")

    def vectors(self) -> FloatMatrix:
        """Vectors that wait, mapped."""
        path, n = self.folder / _VECTORS, self.count
        if not n:
            return np.empty((0, self.dimension), np.float32)
        return np.memmap(path, np.float32, mode="r", shape=(n, self.dimension))

    def lines(self) -> Iterator[str]:
        """Attributes of the rows that wait, a line of JSON each."""
        path = self.folder / _ATTRIBUTES
        if path.is_file():
            with path.open(encoding="utf-8") as handle:
                for _, line in zip(range(self.count), handle, strict=False):
                    yield line


def _merge(old: _Generation, staging: _Staging, folder: Path, dimension: int) -> Path:
    """Write the rows of both that are not gone as one generation; keys and attributes in the order of the blocks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    gone = staging.gone()
    keys = [*old.keys, *staging.keys()]
    last = {key: row for row, key in enumerate(keys)}  # A row that went and came again is in both.
    kept = [last[key] == row and key not in gone for row, key in enumerate(keys)]
    n = sum(kept)
    rows = _block_rows(n)
    if n:
        shape = (-(-n // rows), dimension, rows)
        blocks = np.memmap(folder / _VECTORS, np.float32, mode="w+", shape=shape)
        place = 0
        for part in _parts(old, staging, np.array(kept)):
            place = _write_rows(blocks, part, place)
        blocks.flush()
    else:
        (folder / _VECTORS).touch()
    (folder / _KEYS).write_bytes(b"".join(UUID(key).bytes for key, stays in zip(keys, kept, strict=True) if stays))
    with (folder / _ATTRIBUTES).open("w", encoding="utf-8") as handle:
        lines = (line for part in (old, staging) for line in part.lines())
        handle.writelines(line for line, stays in zip(lines, kept, strict=True) if stays)
    return folder


def _parts(old: _Generation, staging: _Staging, kept: np.ndarray) -> Iterator[FloatMatrix]:
    """Vectors that stay, a block's worth at a time."""
    start = 0
    for part in old.index.parts() if old.keys else ():
        yield part[kept[start : start + len(part)]]
        start += len(part)
    staged = staging.vectors()
    for begin in range(0, len(staged), _ROWS):
        stays = kept[start + begin : start + begin + _ROWS]
        yield np.asarray(staged[begin : begin + _ROWS])[stays]


def _write_rows(blocks: np.ndarray, part: FloatMatrix, place: int) -> int:
    """Put rows into their places in the blocks; gives the next free place."""
    rows = blocks.shape[2]
    while len(part):
        block, at = divmod(place, rows)
        fits = part[: rows - at]
        blocks[block, :, at : at + len(fits)] = fits.T
        place, part = place + len(fits), part[len(fits) :]
    return place


def _block_rows(n: int) -> int:
    return even_rows(n, _ROWS) if n else 1


def _keys_in(path: Path) -> list[str]:
    if not path.is_file():
        return []
    text = path.read_bytes().hex()
    digits = (text[at : at + 32] for at in range(0, len(text) - 31, 32))
    return [f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}" for d in digits]


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except (OSError, CacheError) as error:
        reason = error.__cause__ if isinstance(error, CacheError) else error
        if not isinstance(reason, OSError):
            raise
        if reason.errno == errno.ENOSPC:
            raise EngineFullError.no_room("The disk") from error
        raise EngineRefusedError(
            f"The folder cannot be used ({reason.strerror}): give it to this user to read and write, or name another."
        ) from error
