"""The two losses against sums written out, 50 digits, complex steps, and what they refuse."""

import warnings
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from rnn_lit import (
    States,
    forward,
    identity,
    initialise,
    mean_squared_error,
    sigmoid,
    sine,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
)
from rnn_lit.verify import Mutant, plant
from rnn_lit.verify.opaque import opaque_activation
from rnn_lit.verify.sums import B, Entries, T, b, i, j, k, q, resolve, s, t, vectors

SHAPES = [(1, 1), (4, 3), (2, 5), (3, 2, 4), (1, 3, 1)]  # (T, k) or (T, B, k)
ENTRYWISE = [identity, tanh, sigmoid, softplus, sine]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def outputs(o, g_2):
    """The states that matter to a loss."""
    return States(None, None, o, g_2.f(o))


def probabilities(rng, shape):
    """Random rows of positive numbers with sum one."""
    y = rng.uniform(0.1, 1, shape)
    return y / y.sum(axis=-1, keepdims=True)


def complex_step(loss, o, y, g_2):
    """∂L/∂o, entry by entry, without a difference and without the returned e."""
    e = np.empty_like(o)
    for at in np.ndindex(o.shape):
        moved = o.astype(complex)
        moved[at] += 1e-30j
        e[at] = loss(outputs(moved, g_2), y, g_2)[0].imag / 1e-30
    return e


def case(loss, shape, g_2, seed=0):
    rng = np.random.default_rng(seed)
    o = rng.normal(size=shape)
    return o, probabilities(rng, shape) if g_2 is softmax else rng.normal(size=shape)


@each_shape
@pytest.mark.parametrize("g_2", ENTRYWISE, ids=lambda g: g.name)
def test_squared_error_is_the_mean_of_the_squared_distances(shape, g_2):
    o, y = case(mean_squared_error, shape, g_2)
    squares = 0.0
    for at in np.ndindex(shape):
        squares += (float(g_2.f(o[at])) - y[at]) ** 2
    L, _ = mean_squared_error(outputs(o, g_2), y, g_2)
    assert L == pytest.approx(squares / np.prod(shape[:-1]), rel=1e-14)


@each_shape
@pytest.mark.parametrize("g_2", [g for g in ENTRYWISE if g is not softplus], ids=lambda g: g.name)
def test_the_squared_errors_e_is_its_derivative(shape, g_2):
    o, y = case(mean_squared_error, shape, g_2)
    _, e = mean_squared_error(outputs(o, g_2), y, g_2)
    assert e.shape == shape
    np.testing.assert_allclose(e, complex_step(mean_squared_error, o, y, g_2), rtol=1e-13)


@each_shape
def test_the_cross_entropys_e_is_its_derivative(shape):
    o, y = case(softmax_cross_entropy, shape, softmax)
    _, e = softmax_cross_entropy(outputs(o, softmax), y)
    expected = complex_step(softmax_cross_entropy, o, y, softmax)
    np.testing.assert_allclose(e, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(e.sum(axis=-1), 0, atol=1e-15)  # shift invariance, differentiated


@pytest.mark.parametrize("scale", [1, 30, 700, 5000])
def test_cross_entropy_to_fifty_digits(scale):
    """The definition as it is written, which needs 50 digits and a wide exponent."""
    rng = np.random.default_rng(scale)
    o, y = scale * rng.normal(size=(3, 4)), probabilities(rng, (3, 4))
    with mpmath.workdps(50):
        L, e = mpmath.mpf(0), np.empty((3, 4))
        for t in range(3):
            powers = [mpmath.exp(v) for v in o[t]]
            y_hat = [power / mpmath.fsum(powers) for power in powers]
            L -= mpmath.fsum(p * mpmath.log(q) for p, q in zip(y[t], y_hat, strict=True)) / 3
            mass = mpmath.fsum(y[t])
            e[t] = [float((mass * q - p) / 3) for p, q in zip(y[t], y_hat, strict=True)]
        found = softmax_cross_entropy(outputs(o, softmax), y)
    assert found[0] == pytest.approx(float(L), rel=1e-14)
    np.testing.assert_allclose(found[1], e, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("shift", [-1e6, 64.0, 1e6])
def test_moving_all_logits_together_changes_nothing(shift):
    o = np.array([[0.5, -2.0, 3.25], [1.0, 1.0, -0.75]])  # exact in binary, and so is the sum
    y = np.eye(3)[[2, 0]]
    one = softmax_cross_entropy(outputs(o, softmax), y)
    other = softmax_cross_entropy(outputs(o + shift, softmax), y)
    assert one[0] == other[0] and (one[1] == other[1]).all()


@pytest.mark.parametrize(
    "loss, g_2", [(mean_squared_error, tanh), (softmax_cross_entropy, softmax)]
)
def test_a_batch_is_the_mean_over_its_members(loss, g_2):
    o, y = case(loss, (4, 3, 2), g_2)
    L, e = loss(outputs(o, g_2), y, g_2)
    members = [loss(outputs(o[:, b], g_2), y[:, b], g_2) for b in range(3)]
    assert pytest.approx(np.mean([member[0] for member in members]), rel=1e-14) == L
    expected = np.stack([member[1] for member in members], axis=1) / 3
    np.testing.assert_allclose(e, expected, rtol=1e-14)


@pytest.mark.parametrize(
    "loss, g_2", [(mean_squared_error, tanh), (softmax_cross_entropy, softmax)]
)
def test_the_arguments_are_left_alone(loss, g_2):
    o, y = case(loss, (3, 2), g_2)
    states, before = outputs(o, g_2), (o.copy(), y.copy(), g_2.f(o))
    loss(states, y, g_2)
    assert all((x == v).all() for x, v in zip((states.o, y, states.y_hat), before, strict=True))


def test_cross_entropy_looks_at_the_logits_alone():
    rng = np.random.default_rng(5)
    parameters, x = initialise(3, 2, 3, rng), rng.normal(size=(4, 2))
    y = np.eye(3)[[0, 2, 1, 1]]
    one = softmax_cross_entropy(forward(parameters, x, g_2=softmax), y)
    other = softmax_cross_entropy(forward(parameters, x), y)
    assert one[0] == other[0] and (one[1] == other[1]).all()


def test_fractions_stay_fractions():
    """Targets that are integers do not turn exact outputs into floats."""
    o = np.array([[Fraction(1, 3)], [Fraction(5, 2)]])
    L, e = mean_squared_error(outputs(o, identity._replace(df=lambda o, y_hat: 1)), [[1], [2]])
    assert L == (Fraction(4, 9) + Fraction(1, 4)) / 2 and isinstance(L, Fraction)
    assert e.tolist() == [[Fraction(-2, 3)], [Fraction(1, 2)]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_every_width_of_float_keeps_its_width(dtype):
    o, y = np.ones((2, 3), dtype), np.full((2, 3), dtype(1) / dtype(3))
    for loss, g_2 in ((mean_squared_error, tanh), (softmax_cross_entropy, softmax)):
        L, e = loss(outputs(o, g_2), y, g_2)
        assert L.dtype == e.dtype == dtype
        assert abs(e).max() < 1 and np.isfinite(L)


ONE_HOT = np.eye(3)[[0, 2]]
REFUSED = [
    (mean_squared_error, np.zeros((2, 2)), identity, r"y has shape \(2, 2\), wanted \(2, 3\)"),
    (mean_squared_error, np.zeros(3), identity, r"y has shape \(3,\)"),
    (mean_squared_error, np.full((2, 3), np.nan), identity, r"y holds nan at index \(0, 0\)"),
    (mean_squared_error, np.array([["a"] * 3] * 2), identity, "y holds <U1 values"),
    (mean_squared_error, ONE_HOT, softmax, "g_2 is softmax, wanted an activation"),
    (softmax_cross_entropy, ONE_HOT, identity, "g_2 is identity, wanted softmax"),
    (softmax_cross_entropy, 2 * ONE_HOT, softmax, r"y has the row \[2. 0. 0.\] at \(0,\)"),
    (softmax_cross_entropy, [[0.5, 0.7, -0.2], [1, 0, 0]], softmax, "wanted probabilities"),
    (softmax_cross_entropy, [[1, 0, 0], [0, 1, 1]], softmax, r"the row \[0 1 1\] at \(1,\)"),
    (softmax_cross_entropy, [[1, 0, 0], [0, 0.9, 0.09]], softmax, "wanted probabilities"),
    (softmax_cross_entropy, ONE_HOT + 1e-3j, softmax, "wanted probabilities"),
    (softmax_cross_entropy, [[1, 0, 0], [0, np.inf, 0]], softmax, "y holds inf"),
    (softmax_cross_entropy, [0, 2], softmax, r"y has shape \(2,\), wanted \(2, 3\)"),
]


@pytest.mark.parametrize("loss, y, g_2, message", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(loss, y, g_2, message):
    o = np.zeros((2, 3))
    with pytest.raises(ValueError, match=message):
        loss(States(None, None, o, o), y, g_2)


@pytest.mark.parametrize(
    "row", [[0.1] * 10, [1] + [0] * 9, [True] + [False] * 9, [1 / 7] * 7 + [0] * 3]
)
def test_what_is_accepted(row):
    o = np.zeros((1, 10))
    L, _ = softmax_cross_entropy(outputs(o, softmax), [row])
    assert pytest.approx(np.log(10), rel=1e-14) == L


# ---- the proof for every T, B and k -----------------------------------------


def at_sizes(expression, shape, numbers):
    """An expression in sums over t, b and i, at numbers for the sizes."""
    length, *batch, size = shape
    sizes = {T: length, k: size} | ({B: batch[0]} if batch else {})
    return float(expression.subs(sizes).doit().subs(numbers))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 4), (2, 2, 2)], ids=str)
def test_symbolic_shapes_mean_what_they_say(shape):
    """The symbolic L and e, at numbers, are what numbers give."""
    rng = np.random.default_rng(0)
    o_run, y_run = rng.normal(size=shape), probabilities(rng, shape)
    o, y = (vectors(name, batch=len(shape) == 3) for name in "oy")
    numbers = {}
    for name, values in (("o", o_run), ("y", y_run), ("c", 0.7 * np.ones(shape[:-1]))):
        base = sp.IndexedBase(name)
        for at, value in np.ndenumerate(values):
            numbers[base[tuple(place + 1 for place in at)]] = value
    L, e = softmax_cross_entropy(States(None, None, o, None), y)
    L_run, e_run = softmax_cross_entropy(outputs(o_run, softmax), y_run)
    assert at_sizes(L, shape, numbers) == pytest.approx(L_run, rel=1e-12)
    for at, value in np.ndenumerate(e_run):
        entry = e.entry(*(place + 1 for place in at))
        assert at_sizes(entry, shape, numbers) == pytest.approx(value, abs=1e-14)


def test_an_array_of_symbolic_shape_is_never_made_concrete():
    o = vectors("o", batch=True)
    assert o.shape == (T, B, k) and o.size == T * B * k and o.ndim == 3
    assert (o.max(axis=-1, keepdims=True).shape, o.sum(axis=1).shape) == ((T, B, 1), (T, k))
    refused = [
        len,
        list,
        bool,
        float,
        lambda o: o[0],
        lambda o: o[..., 0],
        lambda o: o @ o,
        lambda o: o.reshape(-1),
        lambda o: o.mean(),
        lambda o: o.nbytes,
        lambda o: o.T,
        np.size,
        np.mean,
        np.sum,
        np.add.reduce,
        np.shape,
        lambda o: np.broadcast_to(o, (2, 2)),
        lambda o: o.astype(float),
        lambda o: np.maximum(o, 0),
        lambda o: bool(o > 0),
        lambda o: [row for row in o],
        lambda o: np.exp(o, out=o),
    ]
    for act in refused:
        with pytest.raises(TypeError):
            act(o)
    for other in (vectors("o"), o.sum(axis=-1)):
        with pytest.raises(ValueError, match="do not match"):
            o + other
    with pytest.raises(ValueError, match="y has shape"):
        mean_squared_error(States(None, None, o, o), vectors("y"))


def test_resolving_a_sum_keeps_its_value():
    f, h, u = sp.IndexedBase("f"), sp.IndexedBase("h"), sp.Symbol("u")
    delta = sp.KroneckerDelta
    expression = sp.Sum(
        f[i] * (u + delta(i, j)) * sp.Sum(h[i] * delta(i, j), (i, 1, k)) ** 2, (i, 1, k)
    )
    numbers = {f[1]: 2, f[2]: 3, f[3]: 5, h[1]: 7, h[2]: 11, h[3]: 13, u: 17}
    for at in (1, 2, 3):
        expected = (sum(f[c] * u for c in (1, 2, 3)) + f[at]) * h[at] ** 2
        found = resolve(expression).subs({j: at, k: 3}).doit()
        assert found.subs(numbers) == expected.subs(numbers)
    assert not resolve(expression).has(delta)


def test_a_sum_over_several_indices_is_resolved_from_the_inside():
    f = sp.IndexedBase("f")
    delta = sp.KroneckerDelta
    double = sp.Sum((f[t, i] + 1) * delta(t, s) * delta(i, j), (i, 1, k), (t, 1, T))
    assert resolve(double) == f[s, j] + 1
    split = resolve(sp.Sum(3 * f[t, i] + t, (i, 1, k), (t, 1, T)))
    assert split == 3 * sp.Sum(f[t, i], (i, 1, k), (t, 1, T)) + resolve(
        sp.Sum(t * sp.Sum(1, (i, 1, k)), (t, 1, T))
    )


def differences(loss, batch):
    """L − its definition, ∂L/∂o − e, ∂L/∂c: as chapter 2 has them, zero for every size."""
    o, y = vectors("o", batch), vectors("y", batch)
    g, c = opaque_activation("g_2"), sp.IndexedBase("c")
    squares = loss.__name__ == "mean_squared_error"
    g_2 = g if squares else softmax._replace(f=lambda o: o)
    L, e = loss(States(None, None, o, g_2.f(o)), y, g_2)
    if squares:
        term = (g.f(o).expression - y.expression) ** 2
    else:
        total = sp.Sum(sp.exp(o.expression), (i, 1, k))
        term = -y.expression * (o.expression - sp.log(total))
    limits, count = [(i, 1, k), (t, 1, T)], T
    if batch:
        limits, count = [(i, 1, k), (b, 1, B), (t, 1, T)], T * B
    one = (s, q, j) if batch else (s, j)
    no_c = L.replace(lambda part: part.func is sp.Indexed and part.base == c, lambda part: 0)
    return [
        sp.expand(resolve(sp.expand(no_c - sp.Sum(term, *limits) / count))),
        sp.cancel(resolve(resolve(L.diff(o.entry(*one))) - e.entry(*one))),
        sp.cancel(resolve(sp.expand(L.diff(c[one[:-1]])))),
    ]


LOSSES = [mean_squared_error, softmax_cross_entropy]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("batch", [False, True])
def test_L_is_its_definition_and_e_its_derivative_for_every_size(loss, batch):
    assert isinstance(vectors("o"), Entries)
    assert differences(loss, batch) == [0, 0, 0]


PLANTED = [
    ("mean_squared_error", "residual.size // residual.shape[-1]", "residual.size"),
    ("mean_squared_error", "residual.size // residual.shape[-1]", "residual.shape[0]"),
    ("mean_squared_error", "residual.size // residual.shape[-1]", "len(residual)"),
    ("mean_squared_error", "residual.size // residual.shape[-1]", "1"),
    ("mean_squared_error", "2 * residual", "residual"),
    ("mean_squared_error", "states.y_hat - y\n", "y - states.y_hat\n"),
    ("mean_squared_error", "2 * residual / count", "2 * residual"),
    ("mean_squared_error", " * g_2.df(o, states.y_hat)", ""),
    ("mean_squared_error", "(residual * residual).sum() / count", "(residual * residual).sum()"),
    ("softmax_cross_entropy", "o.size // o.shape[-1]", "o.size"),
    ("softmax_cross_entropy", "o.size // o.shape[-1]", "o.shape[0]"),
    ("softmax_cross_entropy", "exponentials.sum(axis=-1", "exponentials.sum(axis=0"),
    ("softmax_cross_entropy", "(targets / count * (", "-(targets / count * ("),
    ("softmax_cross_entropy", "- targets) / count", "- targets)"),
    ("softmax_cross_entropy", "- targets) / count", "+ targets) / count"),
    ("softmax_cross_entropy", "weight * (", "("),
    ("softmax_cross_entropy", "(exponentials / total)", "exponentials"),
    ("softmax_cross_entropy", "(np.log(total) - shifted)", "(np.log(total) - o)"),
    ("softmax_cross_entropy", "weight * (exponentials / total) -", "-1 / (exponentials / total) *"),
]


@pytest.mark.parametrize("name, old, new", PLANTED, ids=range(len(PLANTED)))
def test_the_proof_sees_planted_bugs(name, old, new):
    code = plant(Mutant(name, "loss", old, new))

    def holds(batch):
        try:
            return not any(differences(getattr(code, name), batch))
        except (TypeError, ValueError):
            return False

    assert not (holds(batch=False) and holds(batch=True))


EXTREME = {  # the largest logits with which o_1 - o_2 overflows
    np.float16: 4e4,
    np.float32: 3e38,
    np.float64: 1.7e308,
}


@pytest.mark.parametrize("dtype", EXTREME, ids=lambda dtype: dtype.__name__)
def test_cross_entropy_of_logits_as_far_apart_as_the_numbers_reach(dtype):
    """0 where the class was certain; where another was, finite and as large as it can be told."""
    size = dtype(EXTREME[dtype])
    o = np.array([[size, -size]])
    sure, wrong = np.eye(2, dtype=dtype)[[0]], np.eye(2, dtype=dtype)[[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (softmax.f(o) == [[1, 0]]).all()
        L, e = softmax_cross_entropy(outputs(o, softmax), sure)
        assert L == 0 and (e == 0).all() and L.dtype == dtype
        L, e = softmax_cross_entropy(outputs(o, softmax), wrong)
        assert 0.8 * size < L <= np.finfo(dtype).max
        assert (e == [[1, -1]]).all() and L.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_cross_entropy_is_finite_for_every_finite_logit(dtype):
    rng, largest = np.random.default_rng(3), np.finfo(dtype).max
    for _ in range(50):
        shape = (int(rng.integers(1, 60)), int(rng.integers(1, 9)))
        o = rng.choice([-largest, -1, 0, 1, largest], size=shape).astype(dtype)
        y = np.eye(shape[1], dtype=dtype)[rng.integers(shape[1], size=shape[0])]
        if rng.random() < 0.5:
            y = np.full(shape, 1 / shape[1], dtype)
        L, e = softmax_cross_entropy(outputs(o, softmax), y)
        assert 0 <= L < np.inf and np.isfinite(e).all()


@pytest.mark.parametrize("T", [11, 34, 35])
def test_a_mean_of_the_largest_losses_does_not_overflow(T):
    """A T-th of the largest float, T times, is beyond it by rounding at these T."""
    o = np.tile([1.7e308, -1.7e308], (T, 1))
    L, _ = softmax_cross_entropy(outputs(o, softmax), np.tile([0.0, 1.0], (T, 1)))
    assert 1.5e308 < L < np.inf
