"""The scan and Newton's method against the loops that they replace."""

from fractions import Fraction

import numpy as np
import pytest

from rnn_lit import (
    Activation,
    Parameters,
    backward,
    forward,
    initialise,
    mean_squared_error,
    sigmoid,
    softmax,
    tanh,
)
from rnn_lit.gradients import newton_forward, newton_step, scan, scan_backward

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33]


def problem(seed, T, n=3, m=2, k=2, batch=()):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((T, *batch, m))
    return initialise(n, m, k, rng), x, rng.standard_normal((T, *batch, k))


def fractions(rng, shape):
    return np.frompyfunc(lambda v: Fraction(int(v), 4), 1, 1)(rng.integers(-4, 5, shape))


@pytest.mark.parametrize("T", LENGTHS)
def test_scan_over_whole_numbers_is_the_loop(T):
    rng = np.random.default_rng(T)
    M = rng.integers(-2, 3, (T, 2, 2)).astype(object)
    c = rng.integers(-9, 10, (T, 2)).astype(object)
    v = np.array([1, -2], dtype=object)
    before = M.copy(), c.copy(), v.copy()
    found = scan(M, c, v)
    for t in range(T):
        v = v @ M[t] + c[t]
        assert (found[t] == v).all()
    assert (M == before[0]).all() and (c == before[1]).all()


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_the_sweep_by_scan(T, batch):
    parameters, x, y = problem(T, T, batch=batch)
    rng = np.random.default_rng(1)
    a_0, r = rng.standard_normal((2, *batch, 3))
    states = forward(parameters, x, a_0)
    _, e = mean_squared_error(states, y)
    for incoming in (None, r):
        (one, r_0), (other, s_0) = (
            function(parameters, x, states, e, tanh, incoming)
            for function in (backward, scan_backward)
        )
        assert s_0 == pytest.approx(r_0, rel=1e-12, abs=1e-13)
        for u, v in zip(one, other, strict=True):
            assert v.shape == u.shape
            assert v == pytest.approx(u, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("T", [1, 5, 8])
def test_the_sweep_by_scan_is_exact_over_fractions(T):
    rng = np.random.default_rng(T)
    parameters = Parameters(*(fractions(rng, w.shape) for w in initialise(2, 1, 1, rng)))
    g_1 = Activation("square", lambda z: z * z, lambda z, a: 2 * z)
    x, e, r = fractions(rng, (T, 1)), fractions(rng, (T, 1)), fractions(rng, 2)
    states = forward(parameters, x / 8, g_1=g_1)
    (one, r_0), (other, s_0) = (
        function(parameters, x, states, e, g_1, r) for function in (backward, scan_backward)
    )
    assert (r_0 == s_0).all() and all((u == v).all() for u, v in zip(one, other, strict=True))


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
@pytest.mark.parametrize("g_1", [tanh, sigmoid])
def test_newton_finds_what_the_loop_computes(T, batch, g_1):
    parameters, x, _ = problem(T, T, batch=batch)
    a_0 = np.random.default_rng(2).standard_normal((*batch, 3))
    true = forward(parameters, x, a_0, g_1, softmax)
    states, iterations = newton_forward(parameters, x, a_0, g_1, softmax)
    assert 1 <= iterations <= T
    for u, v in zip(true, states, strict=True):
        assert v.shape == u.shape
        assert v == pytest.approx(u, abs=1e-11)


def test_after_i_iterations_i_states_are_exact_and_no_more():
    rng = np.random.default_rng(3)
    parameters = Parameters(*(fractions(rng, w.shape) for w in initialise(2, 1, 1, rng)))
    x = fractions(rng, (4, 1))
    g_1 = Activation("square", lambda z: z * z, lambda z, a: 2 * z)
    true = forward(parameters, x, g_1=g_1).a
    a = np.concatenate([true[:1], true[1:] + 1])
    for i in range(1, 5):
        a = newton_step(parameters, x, a, g_1)
        assert (a == true).all(axis=1).tolist() == [True] * (i + 1) + [False] * (4 - i)


def test_a_linear_network_takes_one_iteration_and_one_that_sees_it():
    line = Activation("line", lambda z: z, lambda z, a: 1 + 0 * z)
    rng = np.random.default_rng(4)
    parameters = Parameters(*(fractions(rng, w.shape) for w in initialise(2, 1, 1, rng)))
    x = fractions(rng, (6, 1))
    states, iterations = newton_forward(parameters, x, g_1=line, tolerance=0)
    assert iterations == 2
    assert (states.a == forward(parameters, x, g_1=line).a).all()


def test_where_products_explode_newton_needs_many_iterations_or_says_that_it_fails():
    parameters, x, _ = problem(5, 200, n=8, m=1)
    for scale, fast in ((0.5, True), (6, False)):
        scaled = parameters._replace(W_aa=scale * parameters.W_aa)
        _, iterations = newton_forward(scaled, x)
        assert (iterations < 20) is fast
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match="overflows in iteration 1"),
    ):
        newton_forward(parameters._replace(W_aa=1e4 * parameters.W_aa), x)


def test_bad_arguments_are_named():
    parameters, x, y = problem(6, 5)
    states = forward(parameters, x)
    with pytest.raises(ValueError, match="e has shape"):
        scan_backward(parameters, x, states, y[:4])
    with pytest.raises(ValueError, match="x holds nan"):
        newton_forward(parameters, np.full_like(x, np.nan))
    with pytest.raises(ValueError, match=r"a_0 has shape \(4,\), wanted \(3,\)"):
        newton_forward(parameters, x, np.zeros(4))
