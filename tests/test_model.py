"""The forward pass and the activations against independent references, and what they refuse."""

import ast
import copy
import inspect
import pickle
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import rnn_lit
import rnn_lit.model
from rnn_lit import Activation, Parameters, forward, identity, initialise, sigmoid, softmax, tanh
from rnn_lit.activations import ACTIVATIONS

SIZES = [(1, 1, 1, 1), (3, 2, 2, 5), (2, 4, 3, 7), (5, 1, 1, 30)]  # n, m, k, T


def parameters_of(n, m, k, rng):
    """Random parameters, biases among them."""
    shapes = [(n, n), (n, m), (n,), (k, n), (k,)]
    return Parameters(*(0.6 * rng.standard_normal(shape) for shape in shapes))


def by_columns(parameters, x, a_0, g_1, g_2):
    """The forward equations by SymPy's column matrices, at 30 digits for floats."""
    W_aa, W_ax, b_a, W_ya, b_y = (sp.Matrix(w) for w in parameters)
    a, states, outputs = sp.Matrix(a_0), [], []
    for x_t in x:
        a = (W_aa * a + W_ax * sp.Matrix(x_t) + b_a).applyfunc(g_1)
        states.append(list(a))
        outputs.append(list((W_ya * a + b_y).applyfunc(g_2)))
    return states, outputs


def deviation(forward, seed=0):
    """How far a forward pass is from the columns, the largest entry over several sizes."""
    rng = np.random.default_rng(seed)
    worst = 0
    for n, m, k, T in SIZES:
        parameters = parameters_of(n, m, k, rng)
        x, a_0 = rng.standard_normal((T, m)), rng.standard_normal(n)
        found = forward(parameters, x, a_0, tanh, sigmoid)
        a, y_hat = by_columns(
            parameters, x, a_0, sp.tanh, lambda o: (1 / (1 + sp.exp(-o))).evalf(30)
        )
        worst = max(
            worst,
            abs(found.a[1:] - np.array(a, float)).max(),
            abs(found.y_hat - np.array(y_hat, float)).max(),
        )
    return worst


def test_forward_is_the_recursion_in_columns():
    assert deviation(forward) < 1e-14


PLANTED = {
    "transpose of W_aa": ("W_aa.T.copy()", "W_aa"),
    "bias of the state": ("    z += b_a\n", ""),
    "bias of the output": ("    o += b_y\n", ""),
    "first state": ("a[0] = a_0", "a[0] = 0"),
    "state before, for the output": ("rows(a[1:])", "rows(a[:-1])"),
    "output activation": ("g_2.f(o)", "o"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault):
    before, after = PLANTED[fault]
    source = inspect.getsource(rnn_lit.model.forward)
    assert source.count(before) == 1
    private = dict(vars(rnn_lit.model))
    exec(source.replace(before, after), private)
    assert deviation(private["forward"]) > 1e-3


def test_every_state_is_returned():
    rng = np.random.default_rng(1)
    n, m, k, T = 4, 2, 3, 6
    p = parameters_of(n, m, k, rng)
    x, a_0 = rng.standard_normal((T, m)), rng.standard_normal(n)
    z, a, o, y_hat = forward(p, x, a_0, g_2=softmax)
    assert (z.shape, a.shape, o.shape, y_hat.shape) == ((T, n), (T + 1, n), (T, k), (T, k))
    assert (a[0] == a_0).all()
    for t in range(T):
        np.testing.assert_allclose(z[t], p.W_aa @ a[t] + p.W_ax @ x[t] + p.b_a, atol=1e-14)
        np.testing.assert_allclose(a[t + 1], np.tanh(z[t]), atol=1e-15)
        np.testing.assert_allclose(o[t], p.W_ya @ a[t + 1] + p.b_y, atol=1e-14)
    np.testing.assert_allclose(y_hat, np.exp(o) / np.exp(o).sum(axis=1)[:, None], atol=1e-14)


def test_a_batch_is_its_series():
    rng = np.random.default_rng(2)
    p = parameters_of(4, 3, 2, rng)
    x, a_0 = rng.standard_normal((9, 5, 3)), rng.standard_normal((5, 4))
    together = forward(p, x, a_0, tanh, softmax)
    for b in range(5):
        alone = forward(p, x[:, b], a_0[b], tanh, softmax)
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[:, b], other, atol=1e-14)


def test_the_first_state_is_zero_by_default():
    rng = np.random.default_rng(3)
    p, x = parameters_of(3, 2, 1, rng), rng.standard_normal((4, 2))
    for one, other in zip(forward(p, x), forward(p, x, np.zeros(3)), strict=True):
        assert (one == other).all()
    assert (forward(p, x).a[0] == 0).all()


def test_the_series_can_be_cut():
    rng = np.random.default_rng(4)
    p, x = parameters_of(3, 2, 1, rng), rng.standard_normal((10, 2))
    whole = forward(p, x)
    first = forward(p, x[:6])
    second = forward(p, x[6:], a_0=first.a[-1])
    np.testing.assert_allclose(whole.a, np.vstack([first.a, second.a[1:]]), atol=1e-14)


def test_nothing_handed_in_is_changed():
    rng = np.random.default_rng(5)
    p, x, a_0 = parameters_of(3, 2, 1, rng), rng.standard_normal((4, 2)), rng.standard_normal(3)
    copied = [w.copy() for w in (*p, x, a_0)]
    states = forward(p, x, a_0)
    for given, kept in zip((*p, x, a_0), copied, strict=True):
        assert (given == kept).all()
        assert not any(np.shares_memory(given, array) for array in states)


def test_fractions_stay_exact():
    rng = np.random.default_rng(6)
    n, m, k, T = 3, 2, 2, 4
    fraction = np.vectorize(lambda v: Fraction(int(v), 7), otypes=[object])
    rational = np.vectorize(lambda v: sp.Rational(v.numerator, v.denominator), otypes=[object])
    shapes = [(n, n), (n, m), (n,), (k, n), (k,), (T, m), (n,)]
    *weights, x, a_0 = (fraction(rng.integers(-9, 10, shape)) for shape in shapes)
    square = Activation("square", lambda z: z * z, lambda z, a: 2 * z)

    found = forward(Parameters(*weights), x, a_0, square)
    a, y_hat = by_columns(map(rational, weights), rational(x), rational(a_0), square.f, identity.f)
    assert all(isinstance(v, Fraction) for array in found for v in array.flat)
    assert (rational(found.a[1:]) == np.array(a)).all()
    assert (rational(found.y_hat) == np.array(y_hat)).all()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.longdouble, np.longdouble),
        (np.complex128, np.complex128),
        (np.int64, np.float64),
        (bool, np.float64),
    ],
)
def test_the_number_type_is_kept(given, wanted):
    p = Parameters(*(np.ones(s, given) for s in [(2, 2), (2, 3), (2,), (1, 2), (1,)]))
    states = forward(p, np.ones((4, 3), given))
    assert {array.dtype for array in states} == {np.dtype(wanted)}


def test_other_arrays_are_taken_as_plain_ones():
    plain = forward(GOOD, X)
    for x in (np.ma.masked_array(X), X[::-1].copy()[::-1], np.asfortranarray(X)):
        states = forward(GOOD, x)
        assert all(type(array) is np.ndarray for array in states)
        assert (states.y_hat == plain.y_hat).all()


def test_lists_are_taken():
    p = ([[0.5]], [[1, 2]], [0], [[3]], [1])
    assert forward(p, [[1, 1], [0, 0]]).y_hat.shape == (2, 1)


MP = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "sine": mpmath.sin,
    "identity": lambda z: z,
}
POINTS = [-800.0, -40.0, -3.7, -0.2, 0.0, 1e-9, 0.6, 2.5, 17.0, 30.0, 800.0]


@pytest.mark.parametrize("name", MP)
def test_activation_against_mpmath(name):
    g = ACTIVATIONS[name]
    z = np.array(POINTS)
    with np.errstate(all="raise", under="ignore"):
        a = g.f(z)
        slopes = g.df(z, a)
    with mpmath.workdps(400):  # enough for 1 + exp(-800)
        values = np.array([float(MP[name](mpmath.mpf(v))) for v in POINTS])
        exact = np.array([float(mpmath.diff(MP[name], mpmath.mpf(v))) for v in POINTS])
    np.testing.assert_allclose(a, values, rtol=4e-16, atol=2e-16)
    np.testing.assert_allclose(slopes, exact, rtol=1e-15, atol=3e-16)


@pytest.mark.parametrize("name", MP)
def test_the_derivative_against_a_complex_step(name):
    g = ACTIVATIONS[name]
    z = np.random.default_rng(7).standard_normal(50)
    slopes = g.df(z, g.f(z))
    np.testing.assert_allclose(slopes, g.f(z + 1e-30j).imag / 1e-30, rtol=1e-13)


def test_softmax_survives_large_outputs():
    o = np.array([[1000.0, 999.0, -1000.0], [0.0, 0.0, 0.0]])
    with np.errstate(over="raise", invalid="raise"):
        y = softmax.f(o)
    e = float(mpmath.e)
    np.testing.assert_allclose(y, [[e / (1 + e), 1 / (1 + e), 0], [1 / 3] * 3], atol=1e-15)
    assert softmax.df is None


def test_every_activation_is_known_by_its_name():
    assert {name: g.name for name, g in ACTIVATIONS.items()} == {name: name for name in ACTIVATIONS}
    assert set(ACTIVATIONS) == {*MP, "softmax"}


def test_initialise():
    p = initialise(40, 24, 30, np.random.default_rng(8))
    assert [w.shape for w in p] == [(40, 40), (40, 24), (40,), (30, 40), (30,)]
    assert not p.b_a.any() and not p.b_y.any()
    for w, terms in ((p.W_aa, 64), (p.W_ax, 64), (p.W_ya, 40)):
        assert w.var() * terms == pytest.approx(1, abs=4 * (2 / w.size) ** 0.5)
    again = initialise(40, 24, 30, np.random.default_rng(8))
    assert all((one == other).all() for one, other in zip(p, again, strict=True))


GOOD = Parameters(np.ones((3, 3)), np.ones((3, 2)), np.ones(3), np.ones((1, 3)), np.ones(1))
X = np.ones((5, 2))


def holed(array, index, value=np.nan):
    """A copy with one value that is not finite."""
    array = array.copy()
    array[index] = value
    return array


REFUSED = {
    "x holds nan at index (2, 1), wanted finite numbers": (GOOD, holed(X, (2, 1))),
    "x holds inf at index (0, 0), wanted finite numbers": (GOOD, holed(X, (0, 0), np.inf)),
    "x holds (nan+0j) at index (1, 0), wanted finite numbers": (
        GOOD,
        holed(X.astype(complex), (1, 0), complex(np.nan, 0)),
    ),
    "x has shape (5, 3), wanted (T, 2) or (T, B, 2) with T and B at least 1": (
        GOOD,
        np.ones((5, 3)),
    ),
    "x has shape (5,), wanted (T, 2) or (T, B, 2) with T and B at least 1": (GOOD, np.ones(5)),
    "x has shape (0, 2), wanted (T, 2) or (T, B, 2) with T and B at least 1": (
        GOOD,
        np.ones((0, 2)),
    ),
    "x has shape (5, 0, 2), wanted (T, 2) or (T, B, 2) with T and B at least 1": (
        GOOD,
        np.ones((5, 0, 2)),
    ),
    "x has shape (), wanted (T, 2) or (T, B, 2) with T and B at least 1": (GOOD, None),
    "x holds <U1 values, wanted numbers": (GOOD, [["a", "b"]]),
    "x holds datetime64[D] values, wanted numbers": (GOOD, np.zeros((5, 2), "datetime64[D]")),
    "x has rows of different lengths, wanted equal ones": (GOOD, [[1, 2], [3]]),
    "x has masked values, wanted a number everywhere": (GOOD, np.ma.masked_equal(X, 1)),
    "x holds None at index (0, 1), wanted finite numbers": (GOOD, [[1, None], [2, 3]]),
    "x holds one at index (1, 0), wanted finite numbers": (
        GOOD,
        np.array([[1, 2], ["one", 2]], object),
    ),
    "x holds nan at index (1, 1), wanted finite numbers": (GOOD, holed(X.astype(object), (1, 1))),
    "W_aa has shape (3, 2), wanted (3, 3)": (GOOD._replace(W_aa=np.ones((3, 2))), X),
    "W_aa has shape (3,), wanted a matrix that is not empty": (GOOD._replace(W_aa=np.ones(3)), X),
    "W_aa has shape (0, 0), wanted a matrix that is not empty": (
        GOOD._replace(W_aa=np.ones((0, 0))),
        X,
    ),
    "W_ax has shape (4, 2), wanted (3, 2)": (GOOD._replace(W_ax=np.ones((4, 2))), X),
    "b_a has shape (1,), wanted (3,)": (GOOD._replace(b_a=np.ones(1)), X),
    "b_a has shape (3, 1), wanted a vector that is not empty": (
        GOOD._replace(b_a=np.ones((3, 1))),
        X,
    ),
    "W_ya has shape (1, 4), wanted (1, 3)": (GOOD._replace(W_ya=np.ones((1, 4))), X),
    "b_y has shape (2,), wanted (1,)": (GOOD._replace(b_y=np.ones(2)), X),
    "W_ya holds nan at index (0, 2), wanted finite numbers": (
        GOOD._replace(W_ya=holed(GOOD.W_ya, (0, 2))),
        X,
    ),
    "parameters holds 4 arrays, wanted 5 as in Parameters": (GOOD[:4], X),
    "a_0 has shape (2,), wanted (3,)": (GOOD, X, np.ones(2)),
    "a_0 has shape (3,), wanted (4, 3)": (GOOD, np.ones((5, 4, 2)), np.ones(3)),
    "a_0 holds -inf at index (1,), wanted finite numbers": (GOOD, X, holed(np.ones(3), 1, -np.inf)),
    "a_0 has rows of different lengths, wanted equal ones": (GOOD, X, [[1], [1, 2]]),
    "g_1 is softmax, wanted one that acts entry by entry": (GOOD, X, None, softmax),
}


@pytest.mark.parametrize("message", REFUSED)
def test_forward_refuses(message):
    with pytest.raises(ValueError) as error:
        forward(*REFUSED[message])
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1), "n is 0, wanted a whole number of at least 1"),
        ((2, -1, 1), "m is -1, wanted a whole number of at least 1"),
        ((2, 1, 1.5), "k is 1.5, wanted a whole number of at least 1"),
        (("2", 1, 1), "n is '2', wanted a whole number of at least 1"),
    ],
)
def test_initialise_refuses_a_size(arguments, message):
    with pytest.raises(ValueError) as error:
        initialise(*arguments, np.random.default_rng(0))
    assert str(error.value) == message


def test_initialise_refuses_a_seed():
    with pytest.raises(ValueError, match="^rng is 7, wanted a numpy.random.Generator$"):
        initialise(2, 1, 1, 7)


def test_every_message_of_the_module_is_tested():
    """A new `raise ValueError` needs its case above."""
    modules = rnn_lit._arrays, rnn_lit.model
    source = ast.parse("\n".join(inspect.getsource(module) for module in modules))
    raised = [
        node.exc
        for node in ast.walk(source)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    ]
    parts = set()
    for call in raised:
        assert call.func.id == "ValueError"
        texts = [
            n.value
            for n in ast.walk(call)
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        parts.add(max(texts, key=len).strip(", "))
    seen = " ".join(
        [
            *REFUSED,
            "wanted a whole number of at least 1",
            "rng is 7, wanted a numpy.random.Generator",
        ]
    )
    assert [part for part in parts if part not in seen] == []


def test_the_loops_are_free_of_floats():
    """What keeps the passes open to every number type: no float literal, no real-only function."""
    for function in (rnn_lit.model.forward, rnn_lit.model.forward_steps, rnn_lit.model.rows):
        for node in ast.walk(ast.parse(inspect.getsource(function))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "np":
                assert node.attr == "empty_like"


def test_the_contract_of_the_package():
    assert list(inspect.signature(rnn_lit.forward).parameters) == [
        "parameters",
        "x",
        "a_0",
        "g_1",
        "g_2",
    ]
    defaults = inspect.signature(rnn_lit.forward).parameters
    assert defaults["a_0"].default is None
    assert defaults["g_1"].default is tanh and defaults["g_2"].default is identity
    assert Parameters._fields == ("W_aa", "W_ax", "b_a", "W_ya", "b_y")
    assert rnn_lit.States._fields == ("z", "a", "o", "y_hat")


@pytest.mark.parametrize("copied", [
    lambda g: pickle.loads(pickle.dumps(g)), copy.copy, copy.deepcopy,
])
def test_activations_survive_being_copied_and_sent_to_a_process(copied):
    z = np.linspace(-2, 2, 6).reshape(3, 2)
    for g in ACTIVATIONS.values():
        other = copied(g)
        assert other == g and (other.f(z) == g.f(z)).all()
        if g.df is not None:
            assert (other.df(z, g.f(z)) == g.df(z, g.f(z))).all()
    with pytest.raises(ValueError, match="g_1 is softmax"):
        forward(GOOD, X, g_1=copied(softmax))


def test_any_activation_without_a_slope_is_refused_for_the_state():
    whole_rows = Activation("normed", lambda z: z / abs(z).sum(-1, keepdims=True), None)
    with pytest.raises(ValueError, match="g_1 is normed, wanted one that acts entry by entry"):
        forward(GOOD, X, g_1=whole_rows)
    assert np.isfinite(forward(GOOD, X, g_2=whole_rows).y_hat).all()


def test_numbers_of_one_type_are_not_copied():
    """A large series is not held twice."""
    x, y = np.arange(3.0), np.arange(2.0)
    one, two = rnn_lit._arrays.common_type(x=x, y=y)
    assert one is x and two is y
