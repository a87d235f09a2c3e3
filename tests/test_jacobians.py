"""The product of Jacobians against complex steps, sums written out by hand, and exact numbers."""

import inspect
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import rnn_lit.gradients
from rnn_lit import (
    Activation,
    Parameters,
    forward,
    identity,
    initialise,
    jacobian_product_gradient,
    mean_squared_error,
    sigmoid,
    sine,
    softmax,
    softmax_cross_entropy,
    tanh,
)
from rnn_lit.gradients import jacobian_product
from rnn_lit.verify.peeling import Descending, peel, written_out
from rnn_lit.verify.printing import Formula, Immediate, Total

STEP = 1e-30j
CASES = [  # n, m, k, T, batch, g_1, g_2, loss
    (1, 1, 1, 1, (), tanh, identity, mean_squared_error),
    (3, 2, 2, 5, (), tanh, sigmoid, mean_squared_error),
    (2, 3, 1, 7, (), sine, identity, mean_squared_error),
    (4, 1, 3, 4, (), sigmoid, softmax, softmax_cross_entropy),
    (3, 2, 2, 4, (3,), tanh, tanh, mean_squared_error),
    (2, 1, 3, 3, (2,), tanh, softmax, softmax_cross_entropy),
]
each_case = pytest.mark.parametrize("case", CASES, ids=[f"case {c}" for c in range(len(CASES))])


def build(n, m, k, T, batch, g_1, g_2, loss, seed=0):
    rng = np.random.default_rng(seed)
    parameters = initialise(n, m, k, rng)
    parameters = Parameters(*(w + 0.3 * rng.normal(size=w.shape) for w in parameters))
    x, a_0 = rng.normal(size=(T, *batch, m)), rng.normal(size=(*batch, n))
    y = rng.uniform(0.1, 1, (T, *batch, k))
    if g_2 is softmax:
        y /= y.sum(axis=-1, keepdims=True)
    return parameters, x, y, a_0, g_1, g_2, loss


def complex_step(parameters, x, y, a_0, g_1, g_2, loss):
    """The gradient from the loss alone, one parameter at a time."""
    gradient = Parameters(*(np.empty_like(w) for w in parameters))
    for name, w, dw in zip(Parameters._fields, parameters, gradient, strict=True):
        for at in np.ndindex(w.shape):
            moved = w.astype(complex)
            moved[at] += STEP
            states = forward(parameters._replace(**{name: moved}), x, a_0, g_1, g_2)
            dw[at] = loss(states, y, g_2)[0].imag / STEP.imag
    return gradient


@each_case
def test_the_oracle_is_the_derivative(case):
    arguments = build(*case)
    gradient, expected = jacobian_product_gradient(*arguments), complex_step(*arguments)
    for name, dw, true in zip(Parameters._fields, gradient, expected, strict=True):
        assert dw.shape == true.shape, name
        np.testing.assert_allclose(dw, true, rtol=1e-12, atol=1e-15, err_msg=name)


def test_three_steps_written_out_by_hand():
    """The example with three terms, its immediate derivatives as arrays of three indices."""
    parameters, x, y, a_0, g_1, g_2, loss = build(
        3, 2, 1, 3, (), tanh, identity, mean_squared_error
    )
    states = forward(parameters, x, a_0)
    a, W = states.a, parameters.W_aa
    D = [None] + [np.diag(1 - a[t] ** 2) for t in (1, 2, 3)]
    J = [None] + [D[t] @ W for t in (1, 2, 3)]
    now = [None] + [np.einsum("lp,q->lpq", D[t], a[t - 1]) for t in (1, 2, 3)]  # ∂⁺a_t/∂W_aa
    by_state = [None] + [
        2 / 3 * (states.y_hat[t - 1] - y[t - 1]) @ parameters.W_ya for t in (1, 2, 3)
    ]
    expected = (
        np.einsum("l,lpq->pq", by_state[1], now[1])
        + np.einsum("l,lpq->pq", by_state[2], now[2])
        + np.einsum("l,li,ipq->pq", by_state[2], J[2], now[1])
        + np.einsum("l,lpq->pq", by_state[3], now[3])
        + np.einsum("l,li,ipq->pq", by_state[3], J[3], now[2])
        + np.einsum("l,li,ij,jpq->pq", by_state[3], J[3], J[2], now[1])
    )
    found = jacobian_product_gradient(parameters, x, y, a_0).W_aa
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_exact_on_fractions():
    """With a polynomial for g_1 every number is a fraction, and SymPy's diff gives the same."""
    cubic = Activation("cubic", lambda z: z - z * z * z / 3, lambda z, a: 1 - z * z)
    line = Activation("line", lambda o: o, lambda o, y_hat: o * 0 + 1)
    rng = np.random.default_rng(1)

    def fractions(shape):
        pairs = zip(rng.integers(-5, 6, shape).flat, rng.integers(1, 4, shape).flat, strict=True)
        return np.array([Fraction(int(p), int(q)) for p, q in pairs], dtype=object).reshape(shape)

    shapes = [(2, 2), (2, 1), (2,), (1, 2), (1,)]
    parameters = Parameters(*map(fractions, shapes))
    x, y = fractions((3, 1)), fractions((3, 1))
    found = jacobian_product_gradient(parameters, x, y, g_1=cubic, g_2=line)
    symbols = Parameters(
        *(
            np.array(sp.symbols(f"{name}:{np.prod(shape)}"), dtype=object).reshape(shape)
            for name, shape in zip(Parameters._fields, shapes, strict=True)
        )
    )
    rational = np.frompyfunc(sp.Rational, 1, 1)
    L, _ = mean_squared_error(forward(symbols, rational(x), g_1=cubic), rational(y), line)
    at = {
        s: sp.Rational(v)
        for ss, vs in zip(symbols, parameters, strict=True)
        for s, v in zip(ss.flat, vs.flat, strict=True)
    }
    for ss, dws in zip(symbols, found, strict=True):
        for s, dw in zip(ss.flat, dws.flat, strict=True):
            assert isinstance(dw, Fraction) and sp.Rational(dw) == L.diff(s).subs(at)


@pytest.mark.parametrize("batch", [(), (2,)], ids=["one series", "a batch"])
@pytest.mark.parametrize("t, s", [(1, 0), (4, 0), (4, 2), (3, 3), (0, 0)])
def test_the_product_is_the_derivative_of_a_later_state(t, s, batch):
    parameters, x, _, a_0, g_1, _, _ = build(3, 2, 1, 4, batch, tanh, identity, None)
    states = forward(parameters, x, a_0, g_1)
    product = jacobian_product(parameters.W_aa, g_1.df(states.z, states.a[1:]), t, s)
    assert product.shape == (*batch, 3, 3)
    for column in range(3):
        a_s = states.a[s].astype(complex)
        a_s[..., column] += STEP
        a_t = forward(parameters, x[s:t], a_s, g_1).a[-1] if t > s else a_s
        np.testing.assert_allclose(
            product[..., column], a_t.imag / STEP.imag, rtol=1e-12, atol=1e-16
        )


@pytest.mark.parametrize("t, s", [(1, 2), (5, 0), (3, -1)])
def test_times_out_of_order_are_refused(t, s):
    with pytest.raises(ValueError, match=f"s is {s} and t is {t}, wanted 0 <= s <= t <= 4"):
        jacobian_product(np.eye(2), np.zeros((4, 2)), t, s)


def test_bad_arguments_are_refused_by_name():
    parameters, x, y, a_0, *_ = build(2, 1, 1, 3, (), tanh, identity, mean_squared_error)
    with pytest.raises(ValueError, match=r"y has shape \(2, 1\), wanted \(3, 1\)"):
        jacobian_product_gradient(parameters, x, y[:2])
    with pytest.raises(ValueError, match=r"a_0 has shape \(3,\), wanted \(2,\)"):
        jacobian_product_gradient(parameters, x, y, np.zeros(3))
    with pytest.raises(ValueError, match="x holds nan"):
        jacobian_product_gradient(parameters, x * np.nan, y)


def test_the_arguments_are_left_alone():
    parameters, x, y, a_0, g_1, g_2, loss = build(*CASES[1])
    before = [v.copy() for v in (*parameters, x, y, a_0)]
    jacobian_product_gradient(parameters, x, y, a_0, g_1, g_2, loss)
    assert all((v == w).all() for v, w in zip((*parameters, x, y, a_0), before, strict=True))


def test_total_derivatives_in_the_double_sum_overrate_old_causes():
    """Total derivatives by forward recursion; their sum has the weights t − s + 1 of the book."""
    parameters, x, _, a_0, *_ = build(3, 1, 1, 5, (), tanh, identity, None)
    states = forward(parameters, x, a_0)
    d = tanh.df(states.z, states.a[1:])
    now = [np.einsum("lp,q->lpq", np.diag(1 - states.a[t + 1] ** 2), states.a[t]) for t in range(5)]
    total = [now[0]]
    for t in range(1, 5):
        total.append(now[t] + np.einsum("l,li,ipq->lpq", d[t], parameters.W_aa, total[-1]))
    T = 5

    def through(s, v):
        return np.einsum("li,ipq->lpq", jacobian_product(parameters.W_aa, d, T, s), v)

    read = sum(through(s, total[s - 1]) for s in range(1, T + 1))
    weighted = sum((T - s + 1) * through(s, now[s - 1]) for s in range(1, T + 1))
    true = sum(through(s, now[s - 1]) for s in range(1, T + 1))
    np.testing.assert_allclose(read, weighted, rtol=1e-12)
    np.testing.assert_allclose(true, total[-1], rtol=1e-12)
    assert abs(read - true).max() > 0.1


PLANTED = [
    ("[..., None] * W_aa", "[..., None] * W_aa.T"),
    ("[..., None] * W_aa", "[..., None, :] * W_aa"),
    ("product @ (d[j - 1][..., None] * W_aa)", "(d[j - 1][..., None] * W_aa) @ product"),
    ("range(t, s, -1)", "range(t - 1, s, -1)"),
    ("range(t, s, -1)", "range(t, s - 1, -1)"),
    ("d[j - 1]", "d[j - 2]"),
    ("a[t, b])", "a[t - 1, b])"),
    ("row * d[s - 1, b]", "row * d[t - 1, b]"),
    ("row * d[s - 1, b]", "row"),
    ("np.outer(row, a[s - 1, b])", "np.outer(row, a[s, b])"),
    ("np.outer(row, a[s - 1, b])", "np.outer(a[s - 1, b], row)"),
    ("np.outer(row, x[s - 1, b])", "np.outer(row, x[t - 1, b])"),
    ("gradient.b_a[:] += row", "gradient.b_a[:] -= row"),
    ("gradient.b_y[:] += e", "gradient.b_y[:] = e"),
    ("range(1, t + 1)", "range(1, t)"),
    ("range(1, t + 1)", "range(max(1, t - 1), t + 1)"),
]


@pytest.mark.parametrize("old, new", PLANTED, ids=range(len(PLANTED)))
def test_the_complex_step_sees_planted_bugs(old, new):
    source = inspect.getsource(rnn_lit.gradients)
    assert old in source
    copy = {"__name__": "a_copy"}
    exec(source.replace(old, new), copy)
    arguments = build(*CASES[1])
    gradient = copy["jacobian_product_gradient"](*arguments)
    expected = complex_step(*arguments)
    assert max(abs(dw - true).max() for dw, true in zip(gradient, expected, strict=True)) > 1e-6


# ---- peeling and printing -------------------------------------------------------------------

s, t, j, T = sp.symbols("s t j T", integer=True, positive=True)
F, G = (sp.IndexedBase(sp.Symbol(name, commutative=False)) for name in "FG")


def path_sum(t, weight=sp.S.One):
    return sp.Sum(weight * Descending(F[j], (j, s + 1, t)) * G[s], (s, 1, t))


@pytest.mark.parametrize("N", [1, 2, 3, 5])
def test_written_out_keeps_the_newest_factor_on_the_left(N):
    expected = sp.S.Zero
    for past in range(1, N + 1):
        term = G[past]
        for step in range(past + 1, N + 1):
            term = F[step] * term
        expected += term
    assert written_out(path_sum(t).subs(t, N)) == expected


@pytest.mark.parametrize("N", [1, 2, 3, 5])
@pytest.mark.parametrize("weight", [sp.S.One, t - s + 1, s**2], ids=str)
def test_peeling_keeps_the_value(N, weight):
    total = path_sum(t, weight)
    difference = written_out(peel(total).subs(t, N)) - written_out(total.subs(t, N))
    assert sp.expand(difference) == 0


def test_peeling_proves_the_recursion_and_no_other():
    claim = G[t] + F[t] * path_sum(t - 1)
    assert sp.expand(peel(path_sum(t)) - claim) == 0
    for wrong in (
        G[t] + path_sum(t - 1) * F[t],
        G[t] + F[t - 1] * path_sum(t - 1),
        F[t] * path_sum(t - 1),
        G[t] + F[t] * path_sum(t),
    ):
        assert sp.expand(peel(path_sum(t)) - wrong) != 0


def test_a_product_that_may_be_empty_is_not_peeled():
    with pytest.raises(ValueError, match="may be empty"):
        peel(sp.Sum(Descending(F[j], (j, s + 2, t)) * G[s], (s, 1, t)))
    with pytest.raises(ValueError, match="may be empty"):
        peel(sp.Sum(Descending(F[j], (j, 2 * s, t)) * G[s], (s, 1, t)))


def test_nested_sums_are_written_out_from_the_outside():
    double = sp.Sum(path_sum(t), (t, 1, T))
    found = written_out(double.subs(T, 3))
    assert sp.expand(found - sum(written_out(path_sum(t).subs(t, N)) for N in (1, 2, 3))) == 0
    assert len(sp.Add.make_args(sp.expand(found))) == 6


def test_a_derivative_prints_as_in_a_textbook_and_does_not_commute():
    a = sp.IndexedBase("a")
    theta = sp.Symbol("theta")
    total, now = Total(a[t], a[t - 1]), Immediate(a[s], theta)
    assert sp.latex(total) == r"\frac{\partial {a}_{t}}{\partial {a}_{t - 1}}"
    assert sp.latex(now) == r"\frac{\partial^{+} {a}_{s}}{\partial \theta}"
    assert str(now) == "∂+a[s]/∂theta"
    assert total * now != now * total and total != Immediate(a[t], a[t - 1])
    latex = Formula(total, path_sum(t) / T)._repr_latex_()
    assert latex.startswith(r"$\displaystyle") and r"\frac{1}{T} \sum_{s=1}^{t}" in latex
    assert r"{\prod}}_{j=s + 1}^{t}" in latex
