"""Balls hold what they should, and what is not proved is refused."""

import doctest
import importlib
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import ctx

from rnn_lit.activations import Activation, sigmoid, sine, tanh
from rnn_lit.certify import (
    Ball,
    Undecided,
    balls,
    boxed,
    certify_forecasts,
    certify_gradient,
    certify_minimum,
    certify_zero,
    decimals,
    equation_in_units,
    greatest,
    precision,
    row_norm,
    standardised_exactly,
)
from rnn_lit.equation import canonical_form, in_units
from rnn_lit.model import Parameters, forward, initialise
from rnn_lit.training import flatten, unflatten

#: Eleven yearly sunspot numbers, 1700 to 1710: a problem small enough for mpmath.
SERIES = [5.0, 11.0, 16.0, 23.0, 36.0, 58.0, 29.0, 20.0, 10.0, 8.0, 3.0]
PENALTY = Fraction(1, 50)


def held(ball, number, digits=60):
    """Whether a ball holds a number of mpmath's, known to so many digits."""
    low, high = (mpmath.mpf(end.numerator) / end.denominator for end in ball.ends())
    slack = mpmath.mpf(10) ** -digits * max(1, abs(number))
    return low - slack <= number <= high + slack


@pytest.fixture(autouse=True)
def many_digits():
    with mpmath.workdps(90):
        yield


# Examples.


@pytest.mark.parametrize("name", ["arithmetic", "minimum", "gradients", "plane", "cycle"])
def test_the_examples_print_what_they_say(name):
    module = importlib.import_module(f"rnn_lit.certify.{name}")
    own = {key: value for key, value in vars(module).items() if not key.startswith("__")}
    assert doctest.testmod(module, globs={"np": np, "initialise": initialise} | own).failed == 0


# Balls.


@pytest.mark.parametrize("bits", [32, 64, 160])
def test_arithmetic_holds_the_exact_result(bits):
    draw = np.random.default_rng(bits)

    def number():
        return Fraction(int(draw.integers(-99, 100)), int(draw.integers(1, 50)))

    with precision(bits):
        for _ in range(300):
            p, q, radius = number(), number() or Fraction(2), abs(number()) / 1000
            inside = p + radius * Fraction(int(draw.integers(-8, 9)), 8)
            ball = Ball(p, radius)
            pairs = [
                (ball + q, inside + q), (q + ball, q + inside),
                (ball - q, inside - q), (q - ball, q - inside),
                (ball * q, inside * q), (ball / q, inside / q),
                (-ball, -inside), (abs(ball), abs(inside)),
                (ball**3, inside**3), (ball * ball + 1 - ball, inside**2 + 1 - inside),
            ]  # fmt: skip
            for result, exact in pairs:
                low, high = result.ends()
                assert low <= exact <= high
            if ball.ends()[0] > 0 or ball.ends()[1] < 0:
                low, high = (q / ball).ends()
                assert low <= q / inside <= high


@pytest.mark.parametrize(
    "name", ["tanh", "exp", "log", "sqrt", "sin", "cos", "expm1", "log1p"]
)
def test_functions_hold_mpmaths_values(name):
    for value in (Fraction(1, 7), Fraction(22, 7), Fraction(5, 1000)):
        with precision(100):
            ball = getattr(Ball(value, Fraction(1, 10**6)), name)()
        for shift in (-1, 0, 1):
            x = value + Fraction(shift, 10**6)
            x = mpmath.mpf(x.numerator) / x.denominator
            assert held(ball, getattr(mpmath, name)(x))
        assert ball.radius() < Fraction(1, 10**3)  # and not by being useless


def test_a_radius_is_kept_when_a_text_or_a_fraction_is_no_binary_number():
    low, high = Ball("0.1").ends()
    assert low <= Fraction(1, 10) <= high and low != high
    assert Ball(0.1).ends() == (Fraction(0.1), Fraction(0.1))


def test_the_radius_is_not_lost_to_a_float():
    ball = Ball(1, "0.1")
    for cast in (float, int, complex, round, np.float64):
        with pytest.raises(TypeError, match="drop its radius"):
            cast(ball)
    with pytest.raises(TypeError):
        balls([1, 2]).astype(float)
    with pytest.raises(TypeError):
        np.zeros(1)[0:1].__setitem__(0, ball)
    with pytest.raises(TypeError, match="meets the float 0.1"):
        ball * 0.1
    with pytest.raises(TypeError, match="meets the float"):
        np.float64(0.1) * ball


def test_what_the_balls_leave_open_is_refused_and_what_they_settle_is_not():
    wide = Ball(0, 1)
    for question in (
        lambda: wide < 0, lambda: wide <= Fraction(1, 2), lambda: 0 > wide, lambda: wide >= wide,
        lambda: wide == 0, lambda: wide != wide, lambda: bool(wide), lambda: max(wide, Ball(0)),
        lambda: sorted([wide, Ball(0)]), lambda: np.maximum(balls([wide]), 0),
        lambda: np.where(balls([wide]) > 0, 1, -1), lambda: np.argsort(balls([wide, Ball(0)])),
    ):  # fmt: skip
        with pytest.raises(Undecided):
            question()
    assert wide < 2 and not wide > 2 and 2 > wide and wide != 2 and Ball(2) == 2
    assert np.maximum(balls([Ball(3, 1)]), 0)[0].ends()[1] >= 4
    assert Ball(1, "0.1").inside(Ball(1, "0.2")) and not wide.inside(wide)


def test_no_ball_is_nan_or_infinite():
    for calculate in (
        lambda: Ball(float("nan")), lambda: Ball(float("inf")), lambda: 1 / Ball(0, 1),
        lambda: Ball(1) / Ball(0), lambda: Ball(0, 1).log(), lambda: Ball(-1).sqrt(),
        lambda: balls([1.0, np.nan]),
    ):  # fmt: skip
        with pytest.raises(ArithmeticError):
            calculate()
    with pytest.raises(ValueError, match="radius is -1"):
        Ball(0, -1)
    with pytest.raises(TypeError, match="value is None"):
        Ball(None)


def test_the_precision_is_put_back_also_after_an_error():
    before = ctx.prec
    with precision(200):
        assert ctx.prec == 200
    assert ctx.prec == before
    with pytest.raises(ZeroDivisionError), precision(300):
        raise ZeroDivisionError
    assert ctx.prec == before
    for bits in (16, 64.0, True, 2**30):
        with pytest.raises(ValueError, match="bits is"), precision(bits):
            pass


def test_digits_are_the_correctly_rounded_ones():
    draw = np.random.default_rng(5)
    with precision(200):
        for _ in range(300):
            exponent = int(draw.integers(-30, 30))
            number = Fraction(7 * int(draw.integers(-(10**9), 10**9)) + 1, 7)  # no ties
            number *= Fraction(10) ** exponent
            count = int(draw.integers(1, 12))
            rounding = Context(prec=count, rounding=ROUND_HALF_EVEN)
            wanted = rounding.create_decimal(Decimal(number.numerator) / number.denominator)
            assert Decimal(Ball(number, Fraction(1, 10**60)).digits(count)) == wanted
        assert Ball("9.996").digits(3) == "1.00e1" and Ball(-2).digits(1) == "-2e0"
        with pytest.raises(Undecided, match="too wide for 3"):
            Ball("0.1235", "1e-9").digits(3)


# The minimum.


def small_problem(penalty=PENALTY):
    """A minimum in floats of the problem of one unit, found by mpmath's own derivatives."""
    values, _, _ = standardised_exactly(SERIES)
    u = [mpmath.mpf(v.ends()[0].numerator) / v.ends()[0].denominator for v in values]

    def J(*theta):
        a, total = mpmath.mpf(0), 0
        for s, following in zip(u, u[1:]):
            a = mpmath.tanh(theta[0] * a + theta[1] * s + theta[2])
            total += (theta[3] * a + theta[4] - following) ** 2
        factor = mpmath.mpf(penalty.numerator) / penalty.denominator
        return total / (len(u) - 1) + factor * sum(w * w for w in theta)

    return values, J


@pytest.fixture(scope="module")
def solved():
    """Values, J, and the minimiser to 60 digits: independent of the package."""
    with mpmath.workdps(90):
        values, J = small_problem()
        unit = [tuple(int(i == j) for j in range(5)) for i in range(5)]

        def gradient(*theta):
            return [mpmath.diff(J, theta, order) for order in unit]

        start = [0.1, 1.0, 0.1, 1.0, 0.0]
        float_J = lambda theta: float(J(*map(mpmath.mpf, theta.tolist())))  # noqa: E731
        from scipy.optimize import minimize

        rough = minimize(float_J, start, method="BFGS", options={"gtol": 1e-9}).x
        exact = mpmath.findroot(gradient, rough.tolist(), tol=1e-100, maxsteps=30)
    return values, J, [exact[i] for i in range(5)]


def shaped(theta):
    like = initialise(1, 1, 1, np.random.default_rng(0))
    return unflatten(np.array([float(t) for t in theta]), like)


def certify(solved, move=0.0, penalty=PENALTY, radius="1e-5", **others):
    values, _, exact = solved
    x, y = values[:-1, None], values[1:, None]
    at = Parameters(*(w + move for w in shaped(exact)))
    return certify_minimum(at, x, y, penalty, radius, **others)


def test_the_minimum_is_enclosed(solved):
    _, J, exact = solved
    found = certify(solved)
    for ball, number in zip(flatten(found.parameters), exact):
        assert held(ball, number, digits=40)
        assert ball.radius() < Fraction(1, 10**35)
    assert held(found.objective, J(*exact), digits=40)
    assert found.contraction < 1 and found.definiteness < 1 and found.curvature > 0
    orders = [[0] * 5 for _ in range(25)]
    for k, order in enumerate(orders):
        order[k // 5] += 1
        order[k % 5] += 1
    H = mpmath.matrix(5, 5)
    for k, order in enumerate(orders):
        H[k // 5, k % 5] = mpmath.diff(J, exact, tuple(order))
    lowest = min(mpmath.eigsy(H, eigvals_only=True))
    assert float(lowest) / 10 < found.curvature.middle() < float(lowest)


def test_the_digits_do_not_depend_on_where_the_box_lies(solved):
    one = flatten(certify(solved).parameters)
    other = flatten(certify(solved, move=1e-6).parameters)
    assert [b.digits(14) for b in one] == [b.digits(14) for b in other]


CAST = Activation(
    "cast", lambda z: balls(np.tanh(z.astype(float))), lambda z, a: 1 - a * a
)
RELU = Activation("relu", lambda z: np.maximum(z, 0), lambda z, a: np.where(z > 0, 1, 0))


@pytest.mark.parametrize(
    "refused, error, words",
    [
        (dict(move=1e-3), Undecided, "nowhere 0"),
        (dict(penalty=PENALTY * Fraction(11, 10)), Undecided, "no zero is proved"),
        (dict(radius=1), ArithmeticError, "wanted a finite one"),
        (dict(radius="1e-2"), Undecided, "the box is too large"),
        (dict(radius=Fraction(1, 10**17)), Undecided, "a step from the middle|nowhere 0"),
        (dict(bits=32, radius="1e-9"), Undecided, "is proved in the box"),
        (dict(g_1=CAST), TypeError, "drop its radius"),
        (dict(g_1=RELU, radius="1e-1"), Undecided, "overlap"),
        (dict(penalty=0.02), TypeError, "penalty is the float 0.02"),
        (dict(radius=0), ValueError, "radius is 0"),
        (dict(bits=8), ValueError, "bits is 8"),
    ],
)
def test_what_is_no_proof_is_refused(solved, refused, error, words):
    before = ctx.prec
    with pytest.raises(error, match=words):
        certify(solved, **refused)
    assert ctx.prec == before


def test_a_branch_that_the_box_leaves_open_is_refused_and_a_decided_one_is_not():
    box = balls([Ball("0.5", "0.1"), Ball("-0.5", "0.1")])
    positive, zero = RELU.f(box)
    assert positive.ends() == box[0].ends() and zero == 0
    with pytest.raises(Undecided):
        RELU.f(balls([Ball(0, "0.1")]))


@pytest.mark.parametrize("distance", ["0.1", "0.5", "0.88"])
def test_a_zero_is_inside_even_if_the_steps_hardly_converge(distance):
    """F(x) = 0.9 (x − d); the slopes are only said to lie in [0.8, 3.2], so C = 1/2, q = 0.6."""
    d, slopes = Fraction(distance), np.array([[Ball(2, "1.2")]])

    def function(x):
        return np.array([(x[0] - d) * Fraction(9, 10)])

    zero = certify_zero(function, slopes, np.zeros(1), Fraction(1))
    low, high = zero.point[0].ends()
    assert low <= d <= high and abs(zero.contraction.middle() - 0.6) < 1e-7
    assert zero.error <= Fraction(9, 8) * d + Fraction(1, 10**6)


@pytest.mark.parametrize("distance", ["0.9", "1.1"])
def test_a_zero_that_the_step_does_not_reach_is_refused(distance):
    d, slopes = Fraction(distance), np.array([[Ball(2, "1.2")]])

    def function(x):
        return np.array([(x[0] - d) * Fraction(9, 10)])

    with pytest.raises(Undecided, match="no zero is proved"):
        certify_zero(function, slopes, np.zeros(1), Fraction(1))
    with pytest.raises(Undecided, match="contraction"):
        certify_zero(function, np.array([[Ball(2, 2)]]), np.zeros(1), Fraction(1))


def test_data_that_are_no_numbers_are_refused(solved):
    values, _, exact = solved
    x, y = values[:-1, None], values[1:, None].copy()
    y[3, 0] = float("nan")
    with pytest.raises(ArithmeticError):
        certify_minimum(shaped(exact), x, y, PENALTY, "1e-5")
    with pytest.raises(ValueError, match="finite floats"):
        certify_minimum(shaped([*exact[:4], float("nan")]), x, x, PENALTY, "1e-5")


def test_a_saddle_is_no_minimum():
    at = Parameters(*(np.zeros(s) for s in ((1, 1), (1, 1), (1,), (1, 1), (1,))))
    values, _, _ = standardised_exactly(SERIES)
    # At 0 both weights of input and output vanish, and the targets have the mean 0: stationary.
    with pytest.raises(Undecided, match="eigenvalue"):
        certify_minimum(at, values[:, None], values[:, None], 0, "1e-6")


def test_standardised_exactly_is_the_standardisation():
    values, mean, scale = standardised_exactly(SERIES)
    assert mean == Fraction("219") / 11
    floats = (np.array(SERIES) - np.mean(SERIES)) / np.std(SERIES)
    assert all(abs(v.middle() - f) < 1e-14 for v, f in zip(values, floats))
    assert abs(scale.middle() - np.std(SERIES)) < 1e-13
    assert decimals([0.1])[0] == Fraction(1, 10)
    with pytest.raises(ValueError, match="constant"):
        standardised_exactly([2.0, 2.0, 2.0])


def test_equation_in_units_is_the_shipped_one():
    draw = np.random.default_rng(3)
    parameters = initialise(3, 1, 1, draw)
    given = Parameters(*(balls(w) for w in parameters))
    ours = equation_in_units(given, Fraction(7, 2), Ball("5.25"))
    theirs = canonical_form(in_units(parameters, 3.5, 5.25))
    for ball, number in zip(flatten(ours), flatten(theirs)):
        assert abs(ball.middle() - number) < 1e-13
    tied = given._replace(W_ya=boxed([[1.0, 1.0, 2.0]], "0.1"))
    with pytest.raises(Undecided):
        equation_in_units(tied, 0, Ball(1))


# Gradients and forecasts.


def mpmath_gradient(parameters, x, y):
    """∂L/∂θ by forward differentiation of the loss in mpmath's numbers, direction by direction."""
    n, m, k = len(parameters.b_a), parameters.W_ax.shape[1], len(parameters.b_y)
    theta = [mpmath.mpf(float(v)) for v in flatten(parameters)]
    slopes = []
    for j in range(len(theta)):
        dot = [int(i == j) for i in range(len(theta))]
        value = unflatten(np.array(theta, dtype=object), parameters)
        slope = unflatten(np.array(dot, dtype=object), parameters)
        a, da, total = [mpmath.mpf(0)] * n, [mpmath.mpf(0)] * n, mpmath.mpf(0)
        for t in range(len(x)):
            xs = [mpmath.mpf(float(v)) for v in x[t]]
            new, dnew = [], []
            for i in range(n):
                z = sum(value.W_aa[i, l] * a[l] for l in range(n)) + value.b_a[i]
                z += sum(value.W_ax[i, l] * xs[l] for l in range(m))
                dz = slope.b_a[i] + sum(slope.W_ax[i, l] * xs[l] for l in range(m))
                dz += sum(slope.W_aa[i, l] * a[l] + value.W_aa[i, l] * da[l] for l in range(n))
                new.append(mpmath.tanh(z))
                dnew.append((1 - new[-1] ** 2) * dz)
            a, da = new, dnew
            for i in range(k):
                o = value.b_y[i] + sum(value.W_ya[i, l] * a[l] for l in range(n))
                do = slope.b_y[i] + sum(
                    slope.W_ya[i, l] * a[l] + value.W_ya[i, l] * da[l] for l in range(n)
                )
                total += 2 * (o - mpmath.mpf(float(y[t, i]))) * do
        slopes.append(total / len(x))
    return slopes


@pytest.mark.parametrize("gain, T", [(1.0, 12), (4.0, 40)])
def test_the_error_of_a_float_gradient_is_enclosed(gain, T):
    draw = np.random.default_rng(int(gain))
    parameters = initialise(3, 2, 2, draw)
    parameters = parameters._replace(W_aa=gain * parameters.W_aa, W_ax=parameters.W_ax / gain)
    x, y = draw.standard_normal((T, 2)), draw.standard_normal((T, 2))
    found = certify_gradient(parameters, x, y)
    exact = mpmath_gradient(parameters, x, y)
    for number, ball, error, digits, floating in zip(
        exact, *(flatten(w) for w in (found.exact, found.error, found.digits, found.gradient))
    ):
        assert held(ball, number) and found.digits.b_y.dtype.kind == "i"
        distance = abs(mpmath.mpf(float(floating)) - number)
        bound = error.ends()[1]
        bound = mpmath.mpf(bound.numerator) / bound.denominator
        assert distance <= bound <= distance * 1.1 + mpmath.mpf(10) ** -19
        assert distance <= abs(number) * mpmath.mpf(10) ** -int(digits) / 2
        assert distance > abs(number) * mpmath.mpf(10) ** -int(digits + 2) / 2 or not distance


def test_a_wrong_gradient_would_have_no_digits(monkeypatch):
    from rnn_lit.certify import gradients

    right = gradients.loss_and_gradient

    def wrong(parameters, *rest, **named):
        L, gradient = right(parameters, *rest, **named)
        if parameters.W_aa.dtype.kind == "f":
            gradient = gradient._replace(W_aa=gradient.W_aa.T)
        return L, gradient

    monkeypatch.setattr(gradients, "loss_and_gradient", wrong)
    draw = np.random.default_rng(0)
    found = certify_gradient(
        initialise(3, 1, 1, draw), draw.standard_normal((9, 1)), draw.standard_normal((9, 1))
    )
    assert found.digits.W_aa[0, 1] <= 1 and found.digits.W_aa[0, 0] > 10


def test_the_precision_is_doubled_until_it_is_enough_and_not_for_ever():
    draw = np.random.default_rng(2)
    parameters = initialise(4, 1, 1, draw)
    parameters = parameters._replace(W_aa=6 * parameters.W_aa, W_ax=parameters.W_ax / 100)
    x, y = draw.standard_normal((120, 1)), draw.standard_normal((120, 1))
    assert certify_gradient(parameters, x, y).bits > 128
    with pytest.raises(Undecided, match="with 128 bits the precision is too low"):
        certify_gradient(parameters, x, y, most=128)
    with pytest.raises(Undecided, match="too low"):
        certify_forecasts(parameters, x, tolerance="1e-60", most=128)


def test_a_gradient_that_floats_get_exactly_is_certified_too():
    """Zero weights give tanh(0) = 0, and every product is one of small integers."""
    zeros = Parameters(*(np.zeros(s) for s in ((2, 2), (2, 1), (2,), (1, 2), (1,))))
    found = certify_gradient(zeros, np.ones((4, 1)), np.full((4, 1), 3.0))
    assert found.gradient.b_y[0] == -6.0 and found.bits == 128
    assert all(error.ends() == (0, 0) for error in flatten(found.error))


@pytest.mark.parametrize("g", [tanh, sigmoid, sine])
def test_gradients_of_other_activations_are_certified(g):
    draw = np.random.default_rng(1)
    x, y = draw.standard_normal((9, 1)), draw.standard_normal((9, 1))
    found = certify_gradient(initialise(2, 1, 1, draw), x, y, g_1=g)
    assert flatten(found.digits).min() > 10


def test_forecasts_are_enclosed_and_open_ones_are_refused():
    draw = np.random.default_rng(4)
    parameters = initialise(2, 1, 1, draw)
    x = draw.standard_normal((20, 1))
    y_hat = certify_forecasts(parameters, x, tolerance="1e-20")
    floats = forward(parameters, x).y_hat
    assert greatest(y_hat - balls(floats)) < Fraction(1, 10**13)
    assert max(ball.radius() for ball in y_hat.ravel()) <= Fraction(1, 10**20)
    a = [mpmath.mpf(0)] * 2
    for t in range(20):
        W = parameters
        z = [mpmath.mpf(float(W.W_ax[i, 0])) * float(x[t, 0]) for i in range(2)]
        z = [z[i] + sum(float(W.W_aa[i, l]) * a[l] for l in range(2)) for i in range(2)]
        a = [mpmath.tanh(z[i] + float(W.b_a[i])) for i in range(2)]
        o = sum(mpmath.mpf(float(W.W_ya[0, l])) * a[l] for l in range(2)) + float(W.b_y[0])
        assert held(y_hat[t, 0], o)
    vague = parameters._replace(b_y=boxed(parameters.b_y, "1e-6"))
    with pytest.raises(Undecided, match="radii of the arguments"):
        certify_forecasts(vague, x)
    assert row_norm(balls([[1, -2], [0, 1]])) == 3
