from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from mrl_demo.core.config import CODE_ROOT
from mrl_demo.search import exact
from mrl_demo.search.exact import SKETCH_FROM, ExactIndex
from tests.search.brute_force import random_vectors


def wait_for_sketch() -> None:
    for thread in threading.enumerate():
        if thread.name == "sketch":
            thread.join(60)


def test_only_large_indexes_get_a_sketch() -> None:
    vectors = random_vectors(SKETCH_FROM, 64)
    small, large = ExactIndex(vectors[:-1]), ExactIndex(vectors)
    for index in (small, large):
        assert index.nbytes == index.scan.nbytes  # Nothing yet: who searches once should not wait.
        assert index.bytes_read(64) == 4 * 64 * index.n
        index.warm_up()
        index.warm_up()
    assert small.nbytes == small.scan.nbytes
    assert large.nbytes - large.scan.nbytes == pytest.approx(vectors.nbytes / 4, rel=0.1)
    assert large.bytes_read(64) == (64 + 4) * large.n


def test_the_sketch_is_made_after_a_few_searches_and_changes_no_result() -> None:
    vectors, query = random_vectors(3_000, 32), random_vectors(1, 32, seed=1)[0]
    index = ExactIndex(vectors, sketch_from=3_000)
    before = [index.search(query, 32, 5) for _ in range(exact._SCANS_FIRST)]
    assert index.nbytes == index.scan.nbytes
    index.search(query, 32, 5)
    wait_for_sketch()
    assert index.nbytes > index.scan.nbytes
    after = index.search(query, 32, 5)
    assert after.indices.tolist() == before[0].indices.tolist()
    np.testing.assert_allclose(after.scores, before[0].scores, atol=2e-6)


def test_without_a_sketch_the_scan_goes_on(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(exact, "SketchIndex", fail)
    index = ExactIndex(random_vectors(300, 16), sketch_from=1)
    tops = [index.search(np.ones(16, np.float32), 16, 3).indices.tolist() for _ in range(30)]
    wait_for_sketch()
    assert tops == [tops[0]] * 30
    assert "searches go on by the full scan" in caplog.text


def test_a_small_index_loads_no_compiler() -> None:
    code = (
        "import sys, numpy as np; from mrl_demo.search.exact import ExactIndex; "
        "index = ExactIndex(np.eye(9, dtype=np.float32)); index.warm_up(); "
        "[index.search(np.ones(9), 9, 1) for _ in range(30)]; sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=CODE_ROOT, check=False).returncode == 0
