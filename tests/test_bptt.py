"""The backward sweep against derivatives that come from elsewhere: complex step, SymPy, by hand."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import rnn_lit.bptt
from rnn_lit import (
    Activation,
    Parameters,
    States,
    backward,
    forward,
    identity,
    initialise,
    jacobian_product_gradient,
    loss_and_gradient,
    mean_squared_error,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    tanh,
)
from rnn_lit.activations import ACTIVATIONS
from rnn_lit.bptt import backward_in_pieces

CUBIC = Activation("cubic", lambda z: z - z * z * z / 3, lambda z, a: 1 - z * z)
ENTRYWISE = [g for g in ACTIVATIONS.values() if g.df is not None]


def problem(n, m, k, T, batch=(), seed=0):
    """Parameters, inputs, targets and a first state, all at random."""
    rng = np.random.default_rng(seed)
    shapes = (n, n), (n, m), (n,), (k, n), (k,)
    parameters = Parameters(*(0.6 * rng.standard_normal(shape) for shape in shapes))
    x, y = rng.standard_normal((T, *batch, m)), rng.standard_normal((T, *batch, k))
    return parameters, x, y, rng.standard_normal((*batch, n))


def fractions(*arrays):
    exact = np.frompyfunc(lambda v: Fraction(round(16 * float(v)), 16), 1, 1)
    return [
        Parameters(*(exact(w) for w in array)) if isinstance(array, tuple) else exact(array)
        for array in arrays
    ]


def complex_step(loss, arrays):
    """The derivative of loss(*arrays) by every number of every array."""
    found = [np.empty(array.shape) for array in arrays]
    for which, array in enumerate(arrays):
        for index in np.ndindex(array.shape):
            moved = [a.astype(complex) for a in arrays]
            moved[which][index] += 1e-30j
            found[which][index] = loss(*moved).imag / 1e-30
    return found


def close(found, wanted, tolerance=1e-12):
    """Whether the arrays agree, relative to the largest number among those wanted."""
    scale = max(abs(w).max() for w in wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape
        assert abs(one - other).max() <= tolerance * scale
    return True


@pytest.mark.parametrize("g_1", ENTRYWISE, ids=lambda g: g.name)
@pytest.mark.parametrize("batch", [(), (3,)], ids=["single", "batch"])
def test_the_gradient_is_the_complex_step_of_the_loss(g_1, batch):
    parameters, x, y, a_0 = problem(4, 3, 2, 6, batch)

    def loss(*arrays):
        states = forward(Parameters(*arrays[:5]), x, arrays[5], g_1, tanh)
        return mean_squared_error(states, y, tanh)[0]

    states = forward(parameters, x, a_0, g_1, tanh)
    _, e = mean_squared_error(states, y, tanh)
    gradient, r_0 = backward(parameters, x, states, e, g_1)
    assert close([*gradient, r_0], complex_step(loss, [*parameters, a_0]))


@pytest.mark.parametrize("batch", [(), (3,)], ids=["single", "batch"])
def test_cross_entropy_too(batch):
    parameters, x, y, a_0 = problem(3, 2, 4, 5, batch, seed=1)
    y = np.eye(4)[y.argmax(axis=-1)]

    def loss(*arrays):
        o = forward(Parameters(*arrays), x, a_0).o
        return -(y * (o - np.log(np.exp(o).sum(axis=-1, keepdims=True)))).sum() / y[..., 0].size

    L, gradient = loss_and_gradient(parameters, x, y, a_0, g_2=softmax, loss=softmax_cross_entropy)
    assert L == pytest.approx(loss(*parameters), rel=1e-13)
    assert close(gradient, complex_step(loss, parameters))


def test_a_loss_that_is_no_sum_over_time():
    parameters, x, _, a_0 = problem(3, 2, 2, 5, seed=2)

    def of_the_mean(states, y, g_2):
        mean = states.o.mean(axis=0)
        return (mean * mean).sum(), np.broadcast_to(2 * mean / len(states.o), states.o.shape)

    def loss(*arrays):
        return of_the_mean(forward(Parameters(*arrays), x, a_0), None, identity)[0]

    _, gradient = loss_and_gradient(parameters, x, None, a_0, loss=of_the_mean)
    assert close(gradient, complex_step(loss, parameters))


def test_what_comes_in_from_later_times_is_added_to_the_loss():
    parameters, x, y, a_0 = problem(4, 2, 3, 5, seed=3)
    r = np.arange(4.0) - 1.3

    def loss(*arrays):
        states = forward(Parameters(*arrays[:5]), x, arrays[5], sigmoid)
        return mean_squared_error(states, y)[0] + (r * states.a[-1]).sum()

    states = forward(parameters, x, a_0, sigmoid)
    _, e = mean_squared_error(states, y)
    gradient, r_0 = backward(parameters, x, states, e, sigmoid, r)
    assert close([*gradient, r_0], complex_step(loss, [*parameters, a_0]))
    assert r.tolist() == (np.arange(4.0) - 1.3).tolist()


def test_against_sympy_on_letters():
    """L as one expression in letters, written without the package, differentiated by SymPy."""
    n, m, k, T = 2, 1, 1, 2
    names = {"W_aa": (n, n), "W_ax": (n, m), "b_a": (n,), "W_ya": (k, n), "b_y": (k,)}
    letters = [*(sp.symarray(name, shape) for name, shape in names.items()), sp.symarray("a", n)]
    numbers = fractions(*problem(n, m, k, T, seed=10))
    theta, x, y, a_0 = numbers
    W_aa, W_ax, b_a, W_ya, b_y, state = map(sp.Matrix, letters)
    L = 0
    for t in range(T):
        z = W_aa * state + W_ax * sp.Matrix(x[t]) + b_a
        state = z.applyfunc(lambda number: number - number**3 / 3)
        miss = W_ya * state + b_y - sp.Matrix(y[t])
        L += miss.dot(miss) / T
    place = {
        letter: sp.Rational(number)
        for array, values in zip(letters, [*theta, a_0], strict=True)
        for letter, number in zip(array.flat, values.flat, strict=True)
    }
    states = forward(theta, x, a_0, CUBIC)
    found, e = mean_squared_error(states, y)
    gradient, r_0 = backward(theta, x, states, e, CUBIC)
    assert L.subs(place) == sp.Rational(found)
    for array, derivative in zip(letters, [*gradient, r_0], strict=True):
        for letter, number in zip(array.flat, derivative.flat, strict=True):
            assert sp.diff(L, letter).subs(place) == sp.Rational(number)


def test_two_steps_by_hand():
    # a_1 = x_1 = 3, a_2 = 2 a_1 + 1 = 7, o = 5 a: 15 and 35; targets 14 and 37; e = 1 and -2
    one = np.array([[1.0]])
    parameters = Parameters(2 * one, one, 0 * one[0], 5 * one, 0 * one[0])
    x, y = np.array([[3.0], [1.0]]), np.array([[14.0], [37.0]])
    L, gradient = loss_and_gradient(parameters, x, y, g_1=identity)
    # delta_2 = -10, r_1 = -20, delta_1 = 5 - 20 = -15
    assert L == 2.5
    assert [w.item() for w in gradient] == [-10 * 3, -15 * 3 - 10 * 1, -25, 1 * 3 - 2 * 7, -1]


@pytest.mark.parametrize("batch", [(), (2,)], ids=["single", "batch"])
def test_the_double_sum_exactly(batch):
    parameters, x, y, a_0 = fractions(*problem(3, 2, 2, 4, batch, seed=4))
    _, gradient = loss_and_gradient(parameters, x, y, a_0, CUBIC, CUBIC)
    literal = jacobian_product_gradient(parameters, x, y, a_0, CUBIC, CUBIC)
    for one, other in zip(gradient, literal, strict=True):
        assert (one == other).all() and one.dtype == object


def test_a_batch_is_the_sum_of_its_members_exactly():
    parameters, x, y, a_0 = fractions(*problem(3, 2, 2, 4, (3,), seed=5))
    states = forward(parameters, x, a_0, CUBIC)
    _, e = mean_squared_error(states, y)
    gradient, r_0 = backward(parameters, x, states, e, CUBIC)
    members = [
        backward(parameters, x[:, b], States(*(v[:, b] for v in states)), e[:, b], CUBIC)
        for b in range(3)
    ]
    for i, whole in enumerate(gradient):
        assert (whole == sum(member[i] for member, _ in members)).all()
    assert (r_0 == np.array([first for _, first in members])).all()


def test_pieces_join_exactly():
    parameters, x, y, a_0 = fractions(*problem(2, 1, 1, 5, seed=6))
    states = forward(parameters, x, a_0, CUBIC)
    _, e = mean_squared_error(states, y)
    whole, r_0 = backward(parameters, x, states, e, CUBIC)
    for s in range(1, 5):
        z, a, o, y_hat = states
        late = States(z[s:], a[s:], o[s:], y_hat[s:])
        early = States(z[:s], a[: s + 1], o[:s], y_hat[:s])
        second, r_s = backward(parameters, x[s:], late, e[s:], CUBIC)
        first, start = backward(parameters, x[:s], early, e[:s], CUBIC, r_s)
        assert (start == r_0).all()
        for w, f, g in zip(whole, first, second, strict=True):
            assert (w == f + g).all()


def test_the_complex_step_of_backward_is_a_symmetric_hessian():
    """Second derivatives by complex steps, against differences of gradients."""
    parameters, x, y, a_0 = problem(2, 1, 1, 4, seed=7)
    flat = np.concatenate([w.ravel() for w in parameters])

    def gradient_at(vector):
        cuts = np.cumsum([w.size for w in parameters])[:-1]
        moved = Parameters(
            *(v.reshape(w.shape) for v, w in zip(np.split(vector, cuts), parameters, strict=True))
        )
        return np.concatenate([g.ravel() for g in loss_and_gradient(moved, x, y, a_0)[1]])

    H = np.array([gradient_at(flat + 1e-30j * unit).imag / 1e-30 for unit in np.eye(flat.size)])
    assert abs(H - H.T).max() < 1e-13 * abs(H).max()
    step = 1e-5 * np.linspace(-1, 1, flat.size)
    change = (gradient_at(flat + step) - gradient_at(flat - step)) / 2
    assert abs(change - H @ step).max() < 1e-9 * abs(change).max()


def test_nothing_is_changed_in_place():
    parameters, x, y, a_0 = problem(3, 2, 2, 4, seed=8)
    states = forward(parameters, x, a_0)
    _, e = mean_squared_error(states, y)
    arrays = [*parameters, x, *states, e]
    before = [array.copy() for array in arrays]
    gradient, r_0 = backward(parameters, x, states, e)
    assert all((one == other).all() for one, other in zip(arrays, before, strict=True))
    assert not any(np.shares_memory(g, a) for g in (*gradient, r_0) for a in arrays)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, complex])
def test_the_type_of_the_numbers_is_kept(dtype):
    parameters, x, y, a_0 = problem(3, 2, 2, 4, seed=9)
    parameters = Parameters(*(w.astype(dtype) for w in parameters))
    _, gradient = loss_and_gradient(parameters, x.astype(dtype), y.astype(dtype), a_0.astype(dtype))
    assert {g.dtype for g in gradient} == {np.dtype(dtype)}


@pytest.mark.parametrize(
    "name, change",
    [
        ("e", {"e": np.zeros((4, 3))}),
        ("r", {"r": np.zeros(2)}),
        ("x", {"x": np.zeros((4, 5))}),
        ("z", {"x": np.zeros((3, 2))}),
        ("W_ya", {"W_ya": np.zeros((2, 4))}),
    ],
)
def test_a_wrong_shape_is_named(name, change):
    parameters, x, y, a_0 = problem(3, 2, 2, 4)
    states = forward(parameters, x, a_0)
    _, e = mean_squared_error(states, y)
    if "W_ya" in change:
        parameters = parameters._replace(W_ya=change.pop("W_ya"))
    arguments = {"parameters": parameters, "x": x, "states": states, "e": e} | change
    with pytest.raises(ValueError, match=rf"^{name} has shape .* wanted"):
        backward(**arguments)


def test_softmax_is_refused_for_the_state():
    parameters, x, y, a_0 = problem(3, 2, 2, 4)
    states = forward(parameters, x, a_0)
    with pytest.raises(ValueError, match="g_1 is softmax"):
        backward(parameters, x, states, y, softmax)


def test_a_nan_in_the_data_is_named():
    parameters, x, y, a_0 = problem(3, 2, 2, 4)
    x[2, 1] = np.nan
    with pytest.raises(ValueError, match="x holds nan"):
        loss_and_gradient(parameters, x, y, a_0)


def pieces_problem(T=7, batch=(2,), numbers=None):
    rng = np.random.default_rng(31)
    parameters = initialise(3, 2, 2, rng)
    parameters = parameters._replace(b_a=rng.standard_normal(3))
    x, e = rng.standard_normal((2, T, *batch, 2))
    r = rng.standard_normal((*batch, 3))
    if numbers is not None:
        parameters = Parameters(*map(numbers, parameters))
        x, e, r = map(numbers, (x, e, r))
    g_1 = CUBIC if numbers is not None else tanh
    return parameters, x, forward(parameters, x, g_1=g_1), e, g_1, r


@pytest.mark.parametrize("batch", [(), (2,)])
def test_the_sweep_in_pieces_is_the_sweep(batch):
    exactly = np.frompyfunc(lambda v: Fraction(round(8 * v), 8), 1, 1)
    for numbers, tolerance in ((exactly, 0), (None, 1e-14)):
        arguments = pieces_problem(7, batch, numbers)
        whole, r_0 = backward(*arguments)
        for length in (1, 2, 3, 7, 1000, np.int64(5)):
            found, first = backward_in_pieces(*arguments, length=length)
            for one, other in zip((*whole, r_0), (*found, first), strict=True):
                assert one.dtype == other.dtype and one.shape == other.shape
                assert abs(one - other).max() <= tolerance


def test_a_long_series_is_swept_in_pieces_and_holds_less(monkeypatch):
    """The gradient of `loss_and_gradient` is that of one sweep, at every size of a piece."""
    parameters, x, states, _, _, _ = pieces_problem(50, (4,))
    y = np.cos(x)
    L, e = rnn_lit.mean_squared_error(states, y)
    whole, _ = backward(parameters, x, states, e)
    lengths = []
    plain = rnn_lit.bptt.backward

    def seen(parameters, x, *others):
        lengths.append(len(x))
        return plain(parameters, x, *others)

    monkeypatch.setattr(rnn_lit.bptt, "backward", seen)
    for size, wanted in ((2**21, [50]), (1600, [16, 17, 17]), (96, [2] * 25), (8, [1] * 50)):
        lengths.clear()
        monkeypatch.setattr(rnn_lit.bptt, "_PIECE", size)
        again, gradient = loss_and_gradient(parameters, x, y)
        assert again == L and lengths == wanted
        assert max(abs(u - v).max() for u, v in zip(whole, gradient, strict=True)) < 1e-14


@pytest.mark.parametrize("length", [0, -1, 2.0, "3"])
def test_a_piece_of_no_length_is_refused(length):
    with pytest.raises(ValueError, match="length is"):
        backward_in_pieces(*pieces_problem(), length=length)


def test_in_pieces_a_wrong_shape_is_named_too():
    parameters, x, states, e, g_1, r = pieces_problem()
    for changed, told in (
        ((parameters, x, states, e[:-1], g_1, r), "e has shape"),
        ((parameters, x, states._replace(a=states.a[1:]), e, g_1, r), "a has shape"),
        ((parameters, x, states, e, g_1, r[:1]), "r has shape"),
        ((parameters, x, states, e, softmax, r), "g_1 is softmax"),
    ):
        with pytest.raises(ValueError, match=told):
            backward_in_pieces(*changed, length=2)
