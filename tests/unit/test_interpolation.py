"""Interpolation: ends are the sources, circles keep their radius, lines stay lines."""

from __future__ import annotations

import numpy as np
import pytest

from engine.interpolation import linear, row, slerp


def noise(seed: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, 64, 43)).astype(dtype)


@pytest.mark.parametrize("way", [linear, slerp])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_begin_and_end_with_the_sources_to_the_bit(way, dtype) -> None:
    a, b = noise(0, dtype), noise(1, dtype)
    found = row(a, b, 5, way)
    assert found.shape == (5, *a.shape)
    assert found.dtype == dtype
    assert np.array_equal(found[0], a)
    assert np.array_equal(found[-1], b)
    found[0] += 1
    assert np.array_equal(a, noise(0, dtype))


def test_slerp_of_noise_keeps_its_deviation_where_a_line_loses_it() -> None:
    a, b = noise(0), noise(1)
    assert slerp(a, b, 0.5).std() == pytest.approx(1.0, abs=0.02)
    assert linear(a, b, 0.5).std() == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_slerp_turns_evenly() -> None:
    x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for t in (0.25, 0.5, 0.9):
        angle = t * np.pi / 2
        np.testing.assert_allclose(slerp(x, y, t), [np.cos(angle), np.sin(angle)], atol=1e-12)


def test_linear_by_hand() -> None:
    np.testing.assert_allclose(linear(np.array([0.0, 4.0]), np.array([2.0, 0.0]), 0.25), [0.5, 3.0])


@pytest.mark.parametrize("b", [[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]])
def test_parallel_opposite_and_zero_vectors_are_joined_by_a_line(b: list[float]) -> None:
    a, other = np.array([1.0, 2.0]), np.array(b)
    np.testing.assert_allclose(slerp(a, other, 0.5), 0.5 * (a + other), atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"from shape \(2,\) to \(3,\)"):
        slerp(np.zeros(2), np.zeros(3), 0.5)
    with pytest.raises(ValueError, match="row of 1 points"):
        row(np.zeros(2), np.zeros(2), 1, linear)
