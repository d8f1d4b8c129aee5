"""Loading a collection into an engine: in batches, in parallel, and so that a second run sends only what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from mrl_demo.core.types import FloatMatrix, Progress
from mrl_demo.core.vectors import normalise
from mrl_demo.search.engines.errors import EngineDownError, EngineError
from mrl_demo.search.engines.vector_engine import (
    LOADING,
    READY,
    CollectionCard,
    VectorBatch,
    VectorEngine,
)

_LONGEST_WAIT_SECONDS = 20


@dataclass(frozen=True)
class VectorRows:
    """What a collection is to hold, row by row: `keys`, `(n, D)` float32 `vectors`, `attributes` to filter by.

    The vectors may be memory-mapped: a batch at a time is read.

    >>> VectorRows(["a", "b"], np.array([[3, 4], [0, 2]], np.float32), [{}, {}]).batch([1]).vectors.tolist()
    [[0.0, 1.0]]
    """

    keys: Sequence[str]
    vectors: FloatMatrix
    attributes: Sequence[Mapping[str, str]]

    def batch(self, rows: Sequence[int]) -> VectorBatch:
        """Some rows, normalised."""
        vectors = normalise(self.vectors[np.asarray(rows)])
        if not np.isfinite(vectors).all():
            bad = rows[int(np.argmax(~np.isfinite(vectors).all(axis=1)))]
            raise EngineError(f"Vector {bad} holds NaN or infinity: encode that document again before indexing.")
        return VectorBatch([self.keys[row] for row in rows], vectors, [self.attributes[row] for row in rows])


@dataclass(frozen=True)
class LoadOptions:
    """Rows a batch, uploads at once (never more than the engine takes), and attempts before an engine is given up.

    >>> LoadOptions().batch
    1000
    """

    batch: int = 1_000
    workers: int = 4
    attempts: int = 8
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        for name, value in (("batch", self.batch), ("workers", self.workers), ("attempts", self.attempts)):
            if value < 1:
                raise EngineError(f"{name} is {value}: it must be 1 or more.").about(name)


@dataclass(frozen=True)
class LoadReport:
    """What a loading did: rows `sent`, `kept` as they were and `removed`, in `seconds`.

    >>> LoadReport("PostgreSQL", sent=1_000, kept=0, removed=2, seconds=2.0).sentence()
    'PostgreSQL: 1,000 vectors sent, 0 were there, 2 removed, in 2.0 s (500 a second).'
    """

    engine: str
    sent: int
    kept: int
    removed: int
    seconds: float

    def sentence(self) -> str:
        """For a terminal."""
        speed = f" ({self.sent / max(self.seconds, 1e-3):,.0f} a second)" if self.sent else ""
        return (
            f"{self.engine}: {self.sent:,} vectors sent, {self.kept:,} were there, {self.removed:,} removed, in "
            f"{self.seconds:.1f} s{speed}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def load_collection(
    engine: VectorEngine,
    card: CollectionCard,
    rows: VectorRows,
    options: LoadOptions | None = None,
    progress: Progress | None = None,
    *,
    replaces: bool = False,
) -> LoadReport:
    """Make the engine hold exactly `rows` under `card`, and say so in its card once it does.

    What is there is not sent again, what is gone is removed; killed at any point, the next run goes on. An engine that
    does not answer is asked again with back-off. Raises `EngineMismatchError` if the collection holds another model's
    vectors (unless `replaces`, which removes them), `EngineError` for two equal documents, and whatever `progress`
    raises: that cancels, and what was sent stays.
    """
    options, started = options or LoadOptions(), time.perf_counter()
    say = progress or (lambda _share, _line: None)
    place = {key: row for row, key in enumerate(rows.keys)}
    if len(place) != len(rows.keys):
        raise EngineError("Two documents have the same id and text: leave one of them out.")
    retry = _retrying(options)
    say(0.0, f"Looking at what {engine.name} has")
    retry(_open, engine, card, replaces)
    known = retry(engine.keys)
    gone = sorted(known - place.keys())
    for start in range(0, len(gone), options.batch):
        retry(engine.delete, gone[start : start + options.batch])
    missing = [row for key, row in place.items() if key not in known]
    _send(engine, rows, missing, options, say)
    say(0.95, f"Building what {engine.name} searches by")
    retry(engine.finish)
    count = retry(engine.count)
    if count != len(place):
        raise EngineError(
            f"{engine.name} holds {count:,} vectors instead of {len(place):,}: somebody else writes to this collection "
            "too; let one finish, then run this again."
        )
    retry(engine.write_card, card.with_state(READY))
    say(1.0, "Done")
    return LoadReport(engine.name, len(missing), len(place) - len(missing), len(gone), time.perf_counter() - started)


def _open(engine: VectorEngine, card: CollectionCard, replaces: bool) -> None:
    """Make the collection, or check that it is this one's, and mark that it is being loaded."""
    there = None if replaces else engine.read_card()
    if there is not None:
        there.check_same_vectors(card, "name another collection, or give --replace to remove those vectors first.")
        engine.write_card(card.with_state(LOADING))
        return
    if replaces:
        engine.drop()
    engine.create(card.with_state(LOADING))


def _send(
    engine: VectorEngine,
    rows: VectorRows,
    missing: Sequence[int],
    options: LoadOptions,
    say: Progress,
) -> None:
    """Upload rows batch by batch, so many at once; what fails or cancels waits for those under way."""
    retry = _retrying(options)
    batches = (missing[start : start + options.batch] for start in range(0, len(missing), options.batch))
    sent = 0
    workers = min(options.workers, engine.most_workers)
    with ThreadPoolExecutor(workers) as pool:

        def start(rows_of: Sequence[int]) -> Future[int]:
            """Start uploading a batch; gives the number of its rows once it is done."""
            return pool.submit(lambda: (retry.copy()(engine.upload, rows.batch(rows_of)), len(rows_of))[1])

        running = {start(batch) for batch in _first(batches, workers)}
        try:
            while running:
                say(0.9 * sent / len(missing), f"Sent {sent:,} of {len(missing):,} vectors to {engine.name}")
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    sent += future.result()
                    running |= {start(batch) for batch in _first(batches, 1)}
        finally:
            for future in running:
                future.cancel()


def _first(batches: Iterator[Sequence[int]], count: int) -> list[Sequence[int]]:
    return list(islice(batches, count))


def _retrying(options: LoadOptions) -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(EngineDownError),
        wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT_SECONDS),
        stop=stop_after_attempt(options.attempts),
        sleep=options.sleep,
        reraise=True,
    )
