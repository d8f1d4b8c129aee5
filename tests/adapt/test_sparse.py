"""Sparse codes: few units keep neighbours that as many numbers do not, and files hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrl_demo.adapt.kept import load_fitted
from mrl_demo.adapt.rotation import AdaptError, fit_pca
from mrl_demo.adapt.sparse import SparseCoder, SparseSettings, fit_sparse
from mrl_demo.core.errors import Cancelled, ModelError
from mrl_demo.core.types import FloatMatrix
from mrl_demo.core.vectors import normalise, truncate

QUICK = SparseSettings(units=4, active=(2, 4, 8), steps=60, batch_size=128, learning_rate=3e-3)


def clusters(seed: int = 0) -> tuple[FloatMatrix, np.ndarray]:
    """600 rows around 40 directions of 32 numbers: more directions than a short prefix can tell apart."""
    random = np.random.default_rng(seed)
    centres = normalise(random.normal(size=(40, 32)).astype(np.float32))
    label = random.integers(40, size=600)
    return normalise(centres[label] + 0.1 * random.normal(size=(600, 32)).astype(np.float32)), label


def test_two_units_tell_more_clusters_apart_than_two_numbers_of_a_pca() -> None:
    rows, label = clusters()
    coder = fit_sparse(rows, rows[:0], QUICK)
    codes = coder.encode(rows).cut(2)
    short = truncate(fit_pca(rows).apply(rows), 2)

    def share_of_neighbours_of_one_cluster(scores: np.ndarray) -> float:
        np.fill_diagonal(scores, -2)
        return float((label[scores.argmax(1)] == label).mean())

    ours = share_of_neighbours_of_one_cluster((codes @ codes.T).toarray())
    assert ours > 0.8
    assert ours > share_of_neighbours_of_one_cluster(short @ short.T) + 0.3


def test_a_code_s_units_fall_in_strength_so_that_a_cut_keeps_the_strongest() -> None:
    rows, _ = clusters()
    codes = fit_sparse(rows, rows[:100], SparseSettings(steps=3, active=(4,), batch_size=32)).encode(rows)
    assert (np.diff(codes.values.astype(np.float32), axis=1) <= 0).all()
    assert codes.width == 128
    assert codes.dimension == 32
    cut = codes.cut(4)
    assert cut.getnnz(axis=1).max() <= 4
    assert np.allclose(np.sqrt(np.asarray(cut.power(2).sum(1)).ravel()), 1, atol=1e-5)
    assert codes.bytes_at(4) == 600 * 16


def test_the_same_rows_give_the_same_encoder_and_a_file_gives_it_back(tmp_path: Path) -> None:
    rows, _ = clusters()
    settings = SparseSettings(steps=3, active=(4,), batch_size=32)
    one, other = (fit_sparse(rows, rows[:100], settings) for _ in range(2))
    assert one.fingerprint == other.fingerprint
    path = tmp_path / "codes.safetensors"
    one.save(path, key="mine")
    loaded = load_fitted(path, "mine", 32)
    assert isinstance(loaded, SparseCoder)
    assert (loaded.encode(rows).units == one.encode(rows).units).all()
    with pytest.raises(ModelError, match="fitted for something else"):
        load_fitted(path, "other", 32)


def test_too_few_documents_too_many_units_and_other_lengths_are_refused() -> None:
    rows, _ = clusters()
    with pytest.raises(AdaptError, match="49 documents are too few"):
        fit_sparse(rows[:49], rows[:0])
    with pytest.raises(AdaptError, match="more than two bytes can name"):
        fit_sparse(rows, rows[:0], SparseSettings(units=5_000))
    with pytest.raises(AdaptError, match="reads vectors of 32 numbers"):
        fit_sparse(rows, rows[:0], SparseSettings(steps=1)).encode(rows[:, :8])


def test_a_fit_is_cut_short_by_its_time_and_stopped_by_its_listener() -> None:
    rows, _ = clusters()
    assert fit_sparse(rows, rows[:0], SparseSettings(steps=50, time_limit_s=1e-9)).is_cut_short

    def stop(_share: float, _line: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit_sparse(rows, rows[:0], QUICK, stop)
