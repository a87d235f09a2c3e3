"""Clipping against closed numbers and against other points of the ball."""

import numpy as np
import pytest

from rnn_lit import Parameters, clip, initialise


def gradient_of(*entries):
    """A gradient for n = m = k = 1 from its five entries."""
    W_aa, W_ax, b_a, W_ya, b_y = entries
    return Parameters(
        np.array([[W_aa]]), np.array([[W_ax]]), np.array([b_a]), np.array([[W_ya]]), np.array([b_y])
    )


def flat(gradient):
    return np.concatenate([w.ravel() for w in gradient])


def test_a_quadruple_of_whole_numbers():
    # 2² + 4² + 5² + 6² + 12² = 15²
    clipped, norm = clip(gradient_of(2.0, -4.0, 5.0, 6.0, -12.0), 3.0)
    assert norm == pytest.approx(15, rel=1e-14)
    assert flat(clipped) == pytest.approx([0.4, -0.8, 1.0, 1.2, -2.4], rel=1e-14)


def test_a_short_gradient_is_returned_as_it_is():
    gradient = gradient_of(2.0, -4.0, 5.0, 6.0, -12.0)
    for limit in (15.0 * (1 + 1e-12), 1e9, np.inf):
        clipped, norm = clip(gradient, limit)
        assert clipped is gradient and norm == pytest.approx(15, rel=1e-14)


def test_zero():
    gradient = gradient_of(0.0, 0.0, 0.0, 0.0, 0.0)
    assert clip(gradient, 1.0) == (gradient, 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_no_point_of_the_ball_is_nearer(seed):
    rng = np.random.default_rng(seed)
    gradient = Parameters(*(rng.standard_normal(w.shape) for w in initialise(3, 2, 1, rng)))
    clipped, norm = clip(gradient, 0.7)
    g, p = flat(gradient), flat(clipped)
    assert norm == pytest.approx(np.linalg.norm(g), rel=1e-13)
    assert np.linalg.norm(p) == pytest.approx(0.7, rel=1e-13)
    for distance in (1e-3, 1e-1, 1):
        u = p + distance * rng.standard_normal((2000, len(p)))
        u *= (0.7 / np.maximum(np.linalg.norm(u, axis=1), 0.7))[:, None]
        assert (np.linalg.norm(u - g, axis=1) > np.linalg.norm(p - g)).all()


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1.7e308])
def test_extreme_sizes_neither_overflow_nor_vanish(size):
    clipped, _ = clip(gradient_of(size, size, size, size, -size), size / 10)
    assert flat(clipped) / size == pytest.approx(
        np.array([1, 1, 1, 1, -1]) / 10 / np.sqrt(5), rel=1e-13
    )


def test_entries_of_very_different_sizes_all_negative():
    clipped, norm = clip(gradient_of(-3e200, -4e200, -1e-200, -1e-200, -1e-200), 5.0)
    assert norm == pytest.approx(5e200, rel=1e-14)
    assert flat(clipped) == pytest.approx([-3, -4, 0, 0, 0], rel=1e-14)


def test_the_number_type_stays_and_the_gradient_is_not_changed():
    gradient = Parameters(*(w.astype(np.float32) for w in gradient_of(2.0, 4.0, 5.0, 6.0, 12.0)))
    before = flat(gradient).copy()
    clipped, _ = clip(gradient, 1.0)
    assert all(w.dtype == np.float32 for w in clipped)
    assert (flat(gradient) == before).all()


@pytest.mark.parametrize("limit", [0, -1.0, np.nan])
def test_a_limit_that_is_not_positive_is_refused(limit):
    with pytest.raises(ValueError, match="max_norm"):
        clip(gradient_of(1.0, 1.0, 1.0, 1.0, 1.0), limit)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_refused_by_name(value):
    with pytest.raises(ValueError, match="the gradient's W_ya holds"):
        clip(gradient_of(1.0, 1.0, 1.0, value, 1.0), 1.0)


@pytest.mark.parametrize("place", range(5))
def test_one_entry_that_is_not_zero_is_the_length(place):
    entries = [0.0] * 5
    entries[place] = -3.0
    clipped, norm = clip(gradient_of(*entries), 2.0)
    assert norm == 3 and flat(clipped).tolist() == [e * 2 / 3 for e in entries]
