"""Vectors in a folder of plain `.npy` files, so many rows each: written as they come, read block by block.

A folder holds `vectors-00000.npy`, `vectors-00001.npy`, ... (`(rows, d)` float16 or float32; rows are counted through
all of them, in the order of the names) and `shards.json`, which says what they are. Any folder of such files can be
read; without `shards.json` its arm is called after the folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mrl_demo.core.errors import CorpusError
from mrl_demo.core.storage import atomic_path, sha256_text
from mrl_demo.core.types import FloatMatrix, IntMatrix

#: 13 MB of float16 at 384 numbers: what is lost if a machine goes down while it encodes.
ROWS_A_SHARD = 16_384
SHARD_TYPES = ("float16", "float32")
_ABOUT = "shards.json"
_FORMAT = "1"


class ShardError(CorpusError):
    """A folder of shards that cannot be read as it is."""


@dataclass(frozen=True)
class ShardAbout:
    """What a folder's vectors are: arm, collection, and how many rows and shards there are once it is complete.

    `rows` and `shards` are 0 if nobody said.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> ShardAbout("mine", rows=3).write(folder)
    >>> (folder / "shards.json").is_file()
    True
    """

    arm: str
    corpus: str = ""
    rows: int = 0
    shards: int = 0
    dtype: str = "float16"
    trained_dims: tuple[int, ...] = ()
    stand_ins: str = ""
    notes: tuple[str, ...] = ()

    def write(self, folder: Path) -> None:
        """Write `shards.json`; raises `CacheError`."""
        with atomic_path(folder / _ABOUT) as temporary:
            temporary.write_text(json.dumps({"format": _FORMAT, **asdict(self)}, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> ShardAbout:
        """What `shards.json` says, or the folder's name if there is none; raises `ShardError` if it is damaged."""
        path = folder / _ABOUT
        if not path.is_file():
            return cls(folder.resolve().name)
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw.pop("format") != _FORMAT:
                raise ShardError(f"{path} is of another version of the lab: write the shards again with mrl embed.")
            return cls(**{**raw, "trained_dims": tuple(raw["trained_dims"]), "notes": tuple(raw["notes"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ShardError):
                raise
            raise ShardError(f"{path} cannot be read ({error}): write the shards again with mrl embed.") from error


@dataclass(frozen=True)
class ShardFolder:
    """Vectors on disk as `n` rows of `dimension` numbers; nothing of them is read before it is wanted.

    `starts` `(shards + 1,)` int64 has the first row of each file.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with ShardWriter(folder, ShardAbout("mine", dtype="float32"), rows_a_shard=2) as writer:
    ...     writer.append(np.eye(3, dtype=np.float32))
    >>> shards = ShardFolder.open(folder)
    >>> shards.n, len(shards.paths), shards.read_rows([2, 0]).tolist()
    (3, 2, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """

    folder: Path
    about: ShardAbout
    paths: tuple[Path, ...]
    starts: IntMatrix
    dimension: int

    @classmethod
    def open(cls, folder: Path) -> ShardFolder:
        """Look at the head of every file; raises `ShardError` naming what is missing or does not fit."""
        if not folder.is_dir():
            raise ShardError(f"There is no folder {str(folder)!r}: write one with mrl embed --shards FOLDER.")
        about, paths = ShardAbout.read(folder), tuple(sorted(folder.glob("vectors-*.npy")))
        if not paths:
            raise ShardError(f"{folder} has no vectors-*.npy: write them with mrl embed --shards, or bring your own.")
        heads = [_open_shard(path).shape for path in paths]
        dimension = heads[0][1]
        for path, shape in zip(paths, heads, strict=True):
            if shape[1] != dimension:
                raise ShardError(f"{path.name} has {shape[1]} numbers a row and {paths[0].name} {dimension}.")
        starts = np.concatenate([[0], np.cumsum([rows for rows, _ in heads])]).astype(np.int64)
        if (about.shards and len(paths) != about.shards) or (about.rows and int(starts[-1]) != about.rows):
            raise ShardError(
                f"{folder} has {len(paths):,} of {about.shards:,} shards and {int(starts[-1]):,} of {about.rows:,} "
                "rows: run the same mrl embed --shards again, which goes on where it stopped."
            )
        return cls(folder, about, paths, starts, dimension)

    @property
    def n(self) -> int:
        """Rows of all shards."""
        return int(self.starts[-1])

    @property
    def name(self) -> str:
        """What its vectors are called: their arm."""
        return self.about.arm

    @property
    def nbytes(self) -> int:
        """Bytes of all shards on disk."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def fingerprint(self) -> str:
        """Changes if a file is written anew: hex sha256 of names, sizes and times, not of the contents."""
        facts = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self.paths]
        return sha256_text(*(str(fact) for fact in facts))

    def blocks(self, rows: int, start: int = 0, stops: Sequence[int] = ()) -> Iterator[tuple[int, FloatMatrix]]:
        """Rows from `start` on as `(at most rows, d)` float32 with the number of their first; none crosses a stop.

        One file is mapped at a time, so that what was read leaves memory again. Raises `ShardError` for NaN.
        """
        edges = np.unique([*self.starts[1:], *(stop for stop in stops if 0 < stop < self.n)])
        for shard, path in enumerate(self.paths):
            first, last = int(self.starts[shard]), int(self.starts[shard + 1])
            if last <= start:
                continue
            mapped = _open_shard(path)
            at = max(first, start)
            while at < last:
                end = min(at + rows, int(edges[np.searchsorted(edges, at, "right")]))
                yield (
                    at,
                    _check_finite(mapped[at - first : end - first].astype(np.float32), np.arange(at, end), self.folder),
                )
                at = end

    def read_rows(self, indices: Sequence[int] | IntMatrix) -> FloatMatrix:
        """Single rows, `(m, d)` float32 in the order asked for; raises `ShardError` for NaN."""
        wanted = np.asarray(indices, dtype=np.int64)
        vectors = np.empty((len(wanted), self.dimension), dtype=np.float32)
        shard_of = np.searchsorted(self.starts, wanted, "right") - 1
        for shard in np.unique(shard_of):
            places = np.flatnonzero(shard_of == shard)
            mapped = _open_shard(self.paths[shard])
            vectors[places] = mapped[wanted[places] - self.starts[shard]]
        return _check_finite(vectors, wanted, self.folder)


class ShardWriter:
    """Takes vectors as they come and writes a file whenever a shard is full: one shard is in memory, never all.

    Use it in a `with` block: at its end the last shard and `shards.json` are written; after an error `shards.json` is
    missing. What the folder had before goes. Raises `ShardError` for rows that do not fit or that are not finite.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with ShardWriter(folder, ShardAbout("mine"), rows_a_shard=2) as writer:
    ...     writer.append(np.eye(3, dtype=np.float32))
    >>> [np.load(path).shape for path in sorted(folder.glob("vectors-*"))]
    [(2, 3), (1, 3)]
    """

    def __init__(self, folder: Path, about: ShardAbout, rows_a_shard: int = ROWS_A_SHARD) -> None:
        self._folder, self._about, self._rows_a_shard = folder, about, rows_a_shard
        self._parts: list[FloatMatrix] = []
        self._waiting = self._shards = self._rows = 0

    def __enter__(self) -> Self:
        for path in (*self._folder.glob("vectors-*"), self._folder / _ABOUT):
            path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        if self._waiting:
            self._flush(self._waiting)
        about = {**asdict(self._about), "rows": self._rows, "shards": self._shards}
        ShardAbout(**about).write(self._folder)

    def append(self, vectors: FloatMatrix) -> None:
        """Add `(m, d)` rows."""
        self._parts.append(np.asarray(vectors))
        self._waiting += len(vectors)
        while self._waiting >= self._rows_a_shard:
            self._flush(self._rows_a_shard)

    def _flush(self, rows: int) -> None:
        waiting = np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
        write_shard(self._folder, self._shards, waiting[:rows], self._about.dtype)
        self._parts = [waiting[rows:].copy()] if len(waiting) > rows else []
        self._waiting, self._shards, self._rows = self._waiting - rows, self._shards + 1, self._rows + rows


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / f"vectors-{number:05d}.npy"


def write_shard(folder: Path, number: int, vectors: FloatMatrix, dtype: str, key: str = "") -> None:
    """Write one shard whole or not at all; `key` stands beside it and tells a second run that it is done.

    Raises `ShardError` for rows that are not finite in `dtype`, `CacheError` if the folder cannot be written.
    """
    if dtype not in SHARD_TYPES:
        raise ShardError(f"Shards of {dtype!r} are not possible: choose {' or '.join(SHARD_TYPES)}.")
    path = shard_path(folder, number)
    with np.errstate(over="ignore"):
        stored = _check_finite(np.ascontiguousarray(vectors, dtype=dtype), np.arange(len(vectors)), path)
    mark = path.with_suffix(".key")
    mark.unlink(missing_ok=True)  # A new shard never stands beside an old key.
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, stored, allow_pickle=False)
    if key:
        with atomic_path(mark) as temporary:
            temporary.write_text(key, encoding="ascii")


def has_shard(folder: Path, number: int, key: str) -> bool:
    """Whether a shard of that key is there."""
    path = shard_path(folder, number)
    with suppress(OSError):
        return path.is_file() and path.with_suffix(".key").read_text(encoding="ascii") == key
    return False


def _open_shard(path: Path) -> NDArray[np.floating]:
    """A mapped matrix; raises `ShardError` if it is none of float16 or float32 with rows of numbers."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ShardError(f"{path} cannot be read as a .npy file ({error}): write that shard again.") from error
    if mapped.ndim != 2 or mapped.dtype.name not in SHARD_TYPES or 0 in mapped.shape:
        raise ShardError(
            f"{path} holds {mapped.dtype} of shape {mapped.shape}: a shard is a (rows, numbers) matrix of "
            f"{' or '.join(SHARD_TYPES)}."
        )
    return np.asarray(mapped) if mapped.flags.c_contiguous else np.ascontiguousarray(mapped)


def _check_finite(vectors: FloatMatrix, rows: IntMatrix, path: Path) -> FloatMatrix:
    is_finite = np.isfinite(vectors).all(axis=1)
    if not is_finite.all():
        row = int(rows[np.argmin(is_finite)])
        raise ShardError(f"Row {row:,} of {path} holds NaN or infinity: encode that text again.")
    return vectors
