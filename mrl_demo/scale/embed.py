"""A collection encoded into shards by one process or many: each does its share, a second run what is missing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mrl_demo.arms.arm import Arm
from mrl_demo.arms.spaces import SpaceBuilder, encode_distinct
from mrl_demo.core.errors import LabError
from mrl_demo.core.shards import ROWS_A_SHARD, SHARD_TYPES, ShardAbout, ShardError, has_shard, shard_path, write_shard
from mrl_demo.core.storage import atomic_path, sha256_text, unwritable
from mrl_demo.core.types import Corpus, FloatMatrix, Progress
from mrl_demo.corpora.ordering import canonical_order
from mrl_demo.evaluation.judging.judged import judged_set
from mrl_demo.scale.questions import ShardQuestions

#: Vectors of the documents `start` to `stop`, in canonical order.
_Part: TypeAlias = Callable[[int, int, Progress | None], FloatMatrix]
_IDS_FILE = "ids.txt"
_FORMAT = "1"


@dataclass(frozen=True)
class WorkShare:
    """Which of `count` processes this one is: it encodes every `count`-th shard, beginning with its `rank`.

    >>> WorkShare.from_environment({"RANK": "1", "WORLD_SIZE": "4"})
    WorkShare(rank=1, count=4)
    """

    rank: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.count:
            raise LabError(f"Process {self.rank} of {self.count} is not possible: ranks count from 0.")

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] | None = None) -> WorkShare:
        """What `torchrun` says in RANK and WORLD_SIZE, one process without it; raises `LabError`.

        With LOCAL_RANK it leaves this process the GPU of that number alone, by CUDA_VISIBLE_DEVICES.
        """
        environ = os.environ if environ is None else environ
        try:
            share = cls(int(environ.get("RANK", 0)), int(environ.get("WORLD_SIZE", 1)))
            local = int(environ.get("LOCAL_RANK", 0))
        except ValueError as error:
            raise LabError(f"RANK and WORLD_SIZE must be whole numbers, as torchrun sets them ({error}).") from error
        visible = environ.get("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6,7").split(",")
        if share.count > 1 and "LOCAL_RANK" in environ and local < len(visible):
            environ["CUDA_VISIBLE_DEVICES"] = visible[local]
        return share


@dataclass(frozen=True)
class ShardJob:
    """Where an arm's vectors go and in which form; raises `ShardError` for a type or size that is not possible.

    >>> ShardJob(Path("out"), dtype="int8")
    Traceback (most recent call last):
        ...
    mrl_demo.core.shards.ShardError: Shards of 'int8' are not possible: choose float16 or float32.
    """

    folder: Path
    dtype: str = "float16"
    rows_a_shard: int = ROWS_A_SHARD
    split: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in SHARD_TYPES:
            raise ShardError(f"Shards of {self.dtype!r} are not possible: choose {' or '.join(SHARD_TYPES)}.")
        if self.rows_a_shard < 1:
            raise ShardError(f"rows_a_shard is {self.rows_a_shard}: a shard holds 1 row or more.")


@dataclass(frozen=True)
class EmbeddedShards:
    """What one process did: of `shards` in all it wrote `written` in `seconds`; `missing` are still to come."""

    arm: str
    folder: Path
    rows: int
    dimension: int
    shards: int
    written: int
    missing: int
    seconds: float

    def sentence(self) -> str:
        """For a terminal."""
        done = f"{self.arm}: {self.written:,} of {self.shards:,} shards written in {self.seconds:.1f} s"
        if self.missing:
            return f"{done}; {self.missing:,} are still missing in {self.folder}: other processes have them, or had."
        return f"{done}; {self.rows:,} vectors of {self.dimension} numbers are whole in {self.folder}."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "folder": str(self.folder), "seconds": round(self.seconds, 3)}


def embed_shards(
    builder: SpaceBuilder,
    corpus: Corpus,
    arm: Arm,
    job: ShardJob,
    share: WorkShare | None = None,
    progress: Progress | None = None,
) -> EmbeddedShards:
    """Encode this process's share of a collection's shards, and by the first process its questions and ids.

    Documents stand in canonical order: the first so many are as good as drawn by lot. Shards that are there for the
    same texts, model and type are left alone. An arm without a fit on the collection never holds more than a shard.
    Raises `CacheError` if the folder cannot be written, and as `SpaceBuilder` does.
    """
    share, started = share or WorkShare(), time.perf_counter()
    if not arm.has_vectors:
        raise LabError(f"{arm.name!r} has no vectors to write: name another arm.")
    arm = replace(arm, transform=arm.transform.variants()[0])
    ordered = replace(corpus, documents=tuple(corpus.documents[row] for row in canonical_order(corpus.documents)))
    part = _from_space(builder, corpus, arm) if _needs_all(builder, corpus, arm) else _encoding(builder, ordered, arm)
    _make_folder(job.folder)
    shards = -(-len(ordered) // job.rows_a_shard)
    if share.rank == 0:
        _write_beside(builder, corpus, ordered, arm, job, shards)
    own = list(range(share.rank, shards, share.count))
    written = 0
    for done, number in enumerate(own):
        start, stop = number * job.rows_a_shard, min(len(ordered), (number + 1) * job.rows_a_shard)
        key = _shard_key(builder, ordered, arm, job, start, stop)
        if not has_shard(job.folder, number, key):
            write_shard(job.folder, number, part(start, stop, _within(progress, done, len(own))), job.dtype, key)
            written += 1
    missing = sum(not shard_path(job.folder, number).is_file() for number in range(shards))
    dimension, seconds = builder.encoders.encoder(arm.encoder).dimension, time.perf_counter() - started
    return EmbeddedShards(arm.name, job.folder, len(ordered), dimension, shards, written, missing, seconds)


def _needs_all(builder: SpaceBuilder, corpus: Corpus, arm: Arm) -> bool:
    """Whether vectors come from memory: they are stored already, or the arm is fitted on all of them."""
    return arm.transform.fitted_on.is_corpus or builder.is_ready(arm, corpus)


def _from_space(builder: SpaceBuilder, corpus: Corpus, arm: Arm) -> _Part:
    order = canonical_order(corpus.documents)
    spaces: list[FloatMatrix] = []

    def take(start: int, stop: int, progress: Progress | None) -> FloatMatrix:
        """Rows of the space, which is built at the first call."""
        if not spaces:
            spaces.append(builder.space(arm, corpus, progress).documents)
        return spaces[0][order[start:stop]]

    return take


def _encoding(builder: SpaceBuilder, ordered: Corpus, arm: Arm) -> _Part:
    encoder = builder.encoders.encoder(arm.encoder)
    fitted = builder.fit(arm, ordered, np.empty((0, encoder.dimension), np.float32))

    def encode(start: int, stop: int, progress: Progress | None) -> FloatMatrix:
        """Vectors of the documents from `start` to `stop`, mapped as the arm says."""
        texts = [document.content for document in ordered.documents[start:stop]]
        return fitted.apply(encode_distinct(texts, lambda distinct: encoder.encode_documents(distinct, progress)))

    return encode


def _shard_key(builder: SpaceBuilder, ordered: Corpus, arm: Arm, job: ShardJob, start: int, stop: int) -> str:
    """Everything that a shard's bytes depend on; for an arm that is fitted on the collection, all of its texts."""
    encoder = builder.encoders.encoder(arm.encoder)
    documents = ordered.documents[start:stop]
    fitted_on = ordered.fingerprint if arm.transform.fitted_on.is_corpus else ""
    named = _FORMAT, encoder.fingerprint, encoder.document_precision, arm.transform.name, fitted_on, job.dtype
    return sha256_text(*named, *(document.content for document in documents))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def _write_beside(builder: SpaceBuilder, corpus: Corpus, ordered: Corpus, arm: Arm, job: ShardJob, shards: int) -> None:
    """What stands beside the shards: questions with their answers, ids, and what all of it is."""
    canonical = replace(ordered, queries=tuple(corpus.queries[row] for row in canonical_order(corpus.queries)))
    judged = judged_set(canonical, job.split)
    known = builder.judged_queries(arm.encoder, corpus, judged.queries)
    space = _query_map(builder, corpus, ordered, arm)
    ids = tuple(query.id for query in judged.queries)
    ShardQuestions(space(known), judged.relevant, ids, judged.own_document).write(job.folder)
    with atomic_path(job.folder / _IDS_FILE) as temporary:
        lines = (document.id.replace("\n", " ") + "\n" for document in ordered.documents)
        temporary.write_text("".join(lines), encoding="utf-8")
    for path in job.folder.glob("vectors-*"):
        if int(path.stem.removeprefix("vectors-")) >= shards:  # Of a longer collection.
            path.unlink(missing_ok=True)
    cut = builder.encoders.encoder(arm.encoder).count_cut([doc.content for doc in ordered.documents], "document")
    said = cut.describe(len(ordered), "documents", arm.encoder)
    notes = (*judged.notes, *([said] if said else []), f"Vectors are kept in {job.dtype}.")
    about = ShardAbout(arm.name, corpus.name, len(ordered), shards, job.dtype, arm.trained_dims, corpus.stand_ins)
    replace(about, notes=notes).write(job.folder)


def _query_map(
    builder: SpaceBuilder, corpus: Corpus, ordered: Corpus, arm: Arm
) -> Callable[[FloatMatrix], FloatMatrix]:
    if _needs_all(builder, corpus, arm):
        return builder.space(arm, corpus).map_queries
    dimension = builder.encoders.encoder(arm.encoder).dimension
    return builder.fit(arm, ordered, np.empty((0, dimension), np.float32)).apply


def _within(progress: Progress | None, done: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda share, line: progress((done + share) / count, f"shard {done + 1:,} of {count:,}: {line}")


def shard_folders(folder: Path, arms: Sequence[str]) -> dict[str, Path]:
    """Where each arm's shards go: the folder itself for one arm, a folder of its name in it for several.

    >>> [path.as_posix() for path in shard_folders(Path("out"), ["base", "tuned"]).values()]
    ['out/base', 'out/tuned']
    """
    return {arm: folder if len(arms) == 1 else folder / arm.replace("/", "-") for arm in arms}
