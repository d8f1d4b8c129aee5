from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mrl_demo.core.errors import InvalidDimensionError
from mrl_demo.core.vectors import check_dimension, normalise, truncate

matrices = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 12)),
    elements=st.floats(-100, 100, width=32, allow_subnormal=False),
)


@given(matrices, st.data())
def test_a_cut_is_the_prefix_at_unit_length(vectors: np.ndarray, data: st.DataObject) -> None:
    dim = data.draw(st.integers(1, vectors.shape[1]))
    cut = truncate(vectors, dim)
    assert cut.shape == (len(vectors), dim)
    assert cut.dtype == np.float32
    for row, whole in zip(cut, vectors, strict=True):
        length = float(np.linalg.norm(whole[:dim].astype(np.float64)))
        if length > 1e-3:
            assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
            np.testing.assert_allclose(row * length, whole[:dim], atol=1e-3)


def test_zero_rows_stay_zero_instead_of_nan() -> None:
    assert not np.isnan(normalise(np.zeros((2, 3), np.float32))).any()


@pytest.mark.parametrize("dim", [0, -1, 385, 2.5, "abc", None, True, math.nan, math.inf, "", [3]])
def test_a_bad_dimension_is_named_with_the_range(dim: object) -> None:
    with pytest.raises(InvalidDimensionError, match="1 to 384") as caught:
        check_dimension(dim, 384)
    assert repr(dim) in str(caught.value)


@pytest.mark.parametrize("dim", [1, 384, 64.0, np.int64(8)])
def test_whole_numbers_in_range_pass(dim: object) -> None:
    assert check_dimension(dim, 384) == int(dim)  # type: ignore[call-overload]
