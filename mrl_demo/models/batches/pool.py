"""Many texts over several devices: processes that each have the model, and take the next texts when they are done.

Each process runs the same code as one process does (`SentenceEncoder`): vectors, precision and cache keys are the
same. The pool of sentence-transformers multiplies in float32 over padded batches, which takes several times as long
(figures in dev/LOG.md).
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue

import numpy as np

from mrl_demo.core.errors import ModelError
from mrl_demo.core.process import prepare_process
from mrl_demo.core.types import Encoder, FloatMatrix, IntMatrix, Progress

#: Texts that a process takes at a time: enough to fill a GPU's batches, few enough that all end together.
_TEXTS_AT_ONCE = 512
#: Fewer texts than this are not worth the way to another process.
FEWEST_FOR_POOL = 256


class EncoderPool:
    """Processes with one model, one for each of `devices` ("cpu", "cuda", "cuda:1"); they start with the first texts.

    `make` loads the model called `name`, whose vectors have `dimension` numbers, on "cpu", "cuda" or "mps" in its
    process: a function that can be pickled. Safe to share between threads.

    >>> EncoderPool(print, "mine", 384, ("cpu", "cpu")).encode([]).shape  # No text, no process.
    (0, 384)
    """

    def __init__(self, make: Callable[[str], Encoder], name: str, dimension: int, devices: Sequence[str]) -> None:
        self._make, self._name, self._dimension, self._devices = make, name, dimension, tuple(devices)
        self._executor: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatMatrix:
        """`(n, dimension)` float32 unit rows of documents, as `SentenceEncoder.encode_documents` gives them.

        The longest texts are begun first. Raises `ModelError` if a process ended, and what `progress` raises.
        """
        vectors = np.empty((len(texts), self._dimension), dtype=np.float32)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        parts = [order[start : start + _TEXTS_AT_ONCE] for start in range(0, len(order), _TEXTS_AT_ONCE)]
        if not parts:
            return vectors
        executor = self._start()
        waiting: dict[Future[FloatMatrix], IntMatrix] = {
            executor.submit(_encode_part, [texts[row] for row in rows]): rows for rows in parts
        }
        done = 0
        try:
            for future in as_completed(waiting):
                rows = waiting[future]
                vectors[rows] = future.result()
                done += len(rows)
                if progress:
                    says = f"Encoding {done:,} of {len(texts):,} documents with {self._name}"
                    progress(done / len(texts), f"{says} on {len(self._devices)} processes")
        except BrokenProcessPool as error:
            self.close()
            raise ModelError(
                f"A process that encodes with {self._name} ended: not enough memory, most likely. Use fewer "
                f"devices than {', '.join(self._devices)}."
            ) from error
        finally:
            for future in waiting:
                future.cancel()
        return vectors

    def close(self) -> None:
        """End the processes; the next texts start new ones."""
        with self._lock:
            if self._executor:
                self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _start(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                context = multiprocessing.get_context("spawn")  # A forked process cannot use CUDA.
                devices = context.SimpleQueue()
                for device in self._devices:
                    devices.put(device)
                self._executor = ProcessPoolExecutor(len(self._devices), context, _start_worker, (self._make, devices))
            return self._executor


class _Worker:
    """What a process of a pool knows: how to load the model, on which device, and the model once it is loaded."""

    make: Callable[[str], Encoder]
    kind: str
    encoder: Encoder | None = None


def _start_worker(make: Callable[[str], Encoder], devices: SimpleQueue[str]) -> None:
    """Take the next free device, in a process of its own that ends with the one that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare_process()
    _Worker.make = staticmethod(make)
    _Worker.kind, _, number = devices.get().partition(":")
    if number:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpu(int(number))


def _encode_part(texts: Sequence[str]) -> FloatMatrix:
    if _Worker.encoder is None:  # Here, so that whoever waits for the vectors hears why a model cannot be loaded.
        _Worker.encoder = _Worker.make(_Worker.kind)
    return _Worker.encoder.encode_documents(texts)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # Killed, it told nobody.


def visible_gpu(number: int) -> str:
    """What CUDA_VISIBLE_DEVICES must be for a process to see the `number`-th GPU that this one sees.

    >>> visible_gpu(1) if "CUDA_VISIBLE_DEVICES" not in os.environ else "1"
    '1'
    """
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return visible[number] if number < len(visible) else str(number)
