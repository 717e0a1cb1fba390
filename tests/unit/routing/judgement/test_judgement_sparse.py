"""The products of sparse rows agree with those of the same rows written out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.judgement.sparse import Sparse, gram, offsets, products


def sparse(dense: npt.NDArray[np.float32]) -> Sparse:
    owners, columns = np.nonzero(dense)
    counts = np.bincount(owners, minlength=len(dense))
    return Sparse(offsets(counts), columns.astype(np.int32), dense[owners, columns], dense.shape[1])


def filled(rows: int, columns: int, seed: int) -> npt.NDArray[np.float32]:
    draw = np.random.default_rng(seed)
    # Some columns full, most nearly empty, as runs in texts are.
    share = draw.random(columns) ** 4
    return np.where(draw.random((rows, columns)) < share, draw.random((rows, columns)), 0).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 150), st.integers(1, 700), st.integers(0, 99))
def test_the_product_of_every_row_with_every_other(rows: int, columns: int, seed: int) -> None:
    dense = filled(rows, columns, seed)
    assert np.allclose(gram(sparse(dense)), dense @ dense.T, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 99))
def test_the_product_of_one_row_with_a_turned_matrix(rows: int, columns: int, seed: int) -> None:
    dense = filled(rows, columns, seed)
    matrix = sparse(dense)
    found, owners, parts = products(*matrix.row(0), matrix.turned())
    assert np.allclose(found, dense @ dense[0], atol=1e-4)
    assert np.allclose(np.bincount(owners, parts, minlength=rows), found, atol=1e-4)


def test_what_is_turned_twice_is_as_it_was() -> None:
    matrix = sparse(filled(30, 50, 3))
    again = matrix.turned().turned()
    assert np.array_equal(again.columns, matrix.columns)
    assert np.array_equal(again.values, matrix.values)
    assert np.array_equal(again.starts, matrix.starts)
