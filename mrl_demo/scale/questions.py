"""The questions beside a folder of shards: their vectors, and which rows answer them, as plain files.

`queries.npy` `(q, d)`, `qrels.tsv` with a line "query, document, grade" of row numbers from 0 (a document of -1 is
judged, and missing), and if there are any `query-ids.txt` and `own-rows.txt`: the row that a question must not find,
-1 for none, a line each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrl_demo.core.shards import ShardError
from mrl_demo.core.storage import atomic_path
from mrl_demo.core.types import FloatMatrix, IntMatrix
from mrl_demo.evaluation.judging.metrics import Relevant

QUERIES_FILE, QRELS_FILE = "queries.npy", "qrels.tsv"
_IDS_FILE, _OWN_FILE = "query-ids.txt", "own-rows.txt"
_HEAD = "query\tdocument\tgrade"


@dataclass(frozen=True)
class ShardQuestions:
    """`vectors` `(q, d)` float32 of questions, what is `relevant` to them (nothing, if nobody judged) and their `ids`.

    `own_row` `(q,)` int64 is the row that is the question itself, -1 for none.
    """

    vectors: FloatMatrix
    relevant: Relevant
    ids: tuple[str, ...]
    own_row: IntMatrix

    @property
    def is_judged(self) -> bool:
        """Whether quality can be measured, and not agreement alone."""
        return bool(len(self.relevant.query))

    def write(self, folder: Path) -> None:
        """Write the files; raises `CacheError`."""
        with atomic_path(folder / QUERIES_FILE) as temporary, temporary.open("wb") as file:
            np.save(file, self.vectors, allow_pickle=False)
        relevant = self.relevant
        lines = (
            f"{query}\t{document}\t{grade:g}"
            for query, document, grade in zip(relevant.query, relevant.document, relevant.grade, strict=True)
        )
        _write_lines(folder / QRELS_FILE, [_HEAD, *lines])
        _write_lines(folder / _IDS_FILE, list(self.ids))
        if (self.own_row >= 0).any():
            _write_lines(folder / _OWN_FILE, [str(row) for row in self.own_row.tolist()])
        else:
            (folder / _OWN_FILE).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path, dimension: int, rows: int) -> ShardQuestions:
        """Read the files beside `rows` vectors of `dimension` numbers; raises `ShardError` for what does not fit."""
        vectors = _read_vectors(folder / QUERIES_FILE, dimension)
        relevant = _read_relevant(folder / QRELS_FILE, len(vectors), rows)
        ids = _read_lines(folder / _IDS_FILE, len(vectors)) or [str(row) for row in range(len(vectors))]
        own = [_whole(line, folder / _OWN_FILE) for line in _read_lines(folder / _OWN_FILE, len(vectors))]
        return cls(vectors, relevant, tuple(ids), np.array(own or [-1] * len(vectors), dtype=np.int64))

    def draw(self, count: int, seed: int) -> ShardQuestions:
        """So many of them, drawn by the seed as an ordinary evaluation draws its queries; all for 0."""
        if not count or count >= len(self.vectors):
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.vectors), count, replace=False))
        place = np.full(len(self.vectors), -1)
        place[rows] = np.arange(count)
        kept = place[self.relevant.query] >= 0
        old = self.relevant
        relevant = Relevant(place[old.query[kept]], old.document[kept], old.grade[kept], count)
        ids = tuple(self.ids[row] for row in rows.tolist())
        return replace(self, vectors=self.vectors[rows], relevant=relevant, ids=ids, own_row=self.own_row[rows])


def _read_vectors(path: Path, dimension: int) -> FloatMatrix:
    if not path.is_file():
        raise ShardError(f"{path} is missing: put the questions' vectors there, (questions, {dimension}) float32.")
    try:
        vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ShardError(f"{path} cannot be read as a .npy file ({error}): write it again.") from error
    if vectors.ndim != 2 or vectors.shape[1] != dimension or not len(vectors) or vectors.dtype.kind != "f":
        raise ShardError(f"{path} holds {vectors.dtype} of shape {vectors.shape}: it must be (questions, {dimension}).")
    if not np.isfinite(vectors).all():
        raise ShardError(f"{path} holds NaN or infinity: encode those questions again.")
    return vectors.astype(np.float32)


def _read_relevant(path: Path, queries: int, rows: int) -> Relevant:
    """Judgements in order of query and document; those without a grade above 0 are none."""
    triples = []
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if number == 1 and not line[:1].isdigit():
            continue
        cells = line.split("\t")
        try:
            query, document, grade = int(cells[0]), int(cells[1]), float(cells[2]) if len(cells) > 2 else 1.0
        except (ValueError, IndexError):
            raise ShardError(f"{path}, line {number}: {line[:60]!r} is no {_HEAD!r} of numbers.") from None
        if not (0 <= query < queries and -1 <= document < rows):
            raise ShardError(
                f"{path}, line {number}: question {query} or document {document} is not there: rows count from 0, up "
                f"to {queries - 1:,} and {rows - 1:,}."
            )
        if grade > 0:
            triples.append((query, document, grade))
    columns = np.array(sorted(triples), dtype=np.float64).reshape(-1, 3).T
    return Relevant(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], queries)


def _read_lines(path: Path, wanted: int) -> list[str]:
    """Lines of a file that need not be there; raises `ShardError` if they are not as many as `wanted`."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) != wanted:
        raise ShardError(f"{path} has {len(lines):,} lines for {wanted:,} questions: it needs one for each.")
    return lines


def _whole(line: str, path: Path) -> int:
    try:
        return int(line)
    except ValueError:
        raise ShardError(f"{path}: {line[:40]!r} is no row number.") from None


def _write_lines(path: Path, lines: list[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
