"""The printed equation: evaluated from its text, rearranged, linearised; and the data it leaves."""

import json
import re
from fractions import Fraction
from html import unescape
from itertools import permutations, product
from math import factorial
from pathlib import Path

import nbformat
import numpy as np
import pytest
import sympy as sp

from rnn_lit import (
    Forecaster,
    Parameters,
    equation,
    forward,
    initialise,
)
from rnn_lit._series import lagged
from rnn_lit.training import flatten, unflatten

pytestmark = pytest.mark.filterwarnings("ignore:the search")
ROOT = Path(__file__).resolve().parents[1]
BOOK, DATA = ROOT / "book", ROOT / "src" / "rnn_lit" / "_book"


def random_parameters(n, m, seed=0):
    rng = np.random.default_rng(seed)
    p = initialise(n, m, 1, rng)
    return p._replace(b_a=rng.standard_normal(n), b_y=rng.standard_normal(1))


def evaluate(lines, values, n):
    """Forecasts by the printed lines, read as text: each decimal is exactly what is printed."""
    exact = [
        line.rhs.xreplace({f: sp.Rational(str(f)) for f in line.rhs.atoms(sp.Float)})
        for line in lines
    ]
    symbols = sorted(set().union(*(e.free_symbols for e in exact)), key=str)
    functions = [sp.lambdify(symbols, e, "math") for e in exact]
    state, forecasts = [0.0] * n, []
    lags = [i for i in range(9) if any(str(s) == name(i) for s in symbols)]
    for t in range(max(lags), len(values)):
        known = {name(i): values[t - i] for i in lags}
        known |= {state_name(i, "t-1", n): a for i, a in enumerate(state)}
        known |= dict.fromkeys((str(s) for s in symbols if str(s) not in known), float("nan"))
        state = [f(*(known[str(s)] for s in symbols)) for f in functions[:-1]]
        known |= {state_name(i, "t", n): a for i, a in enumerate(state)}
        forecasts.append(functions[-1](*(known[str(s)] for s in symbols)))
    return np.array(forecasts)


def name(lag):
    return "s_t" if lag == 0 else f"s_{{t-{lag}}}"


def state_name(i, time, n):
    return f"a_{{{time}}}" if n == 1 else f"a_{{{i + 1},{time}}}"


def sunspots():
    from statsmodels.datasets import sunspots

    data = sunspots.load_pandas().data
    return data["YEAR"].to_numpy().astype(int), data["SUNACTIVITY"].to_numpy()


# Rounding


@pytest.mark.parametrize("n, lags", [(1, 1), (2, 1), (3, 1), (2, 3)])
def test_the_printed_equation_forecasts_within_the_bound(n, lags):
    _, series = sunspots()
    f = Forecaster(n, linear=0, lags=lags, penalty=1e-2, starts=4, rounds=200).fit(series[:221])
    p = equation.canonical_form(equation.in_units(f.parameters_, f.mean_, f.scale_))
    x, _ = lagged(series, lags)
    for digits in (2, 3, 5):
        printed = evaluate(f.equation(digits=digits), series, n)
        deviation = abs(printed[:-1] - f.one_step(series)[lags:])
        bound = equation.rounding_bound(p, x[:-1], digits)
        assert (deviation <= bound * (1 + 10.0 ** (1 - digits))).all()
        assert deviation.max() > 0
    tolerance = f.scale_ * f.residuals_.std() / 10
    default = evaluate(f.equation(), series[:221], n)[:-1]
    assert abs(default - f.one_step(series[:221])[lags:]).max() <= tolerance


def test_half_units_and_rounding():
    p = Parameters(*map(np.array, ([[0.0]], [[123.456]], [-0.00995], [[1.0]], [9.996])))
    assert flatten(equation.rounded(p, 3)).tolist() == [0, 123, -0.00995, 1, 10]
    assert equation.half_units(p, 3) == pytest.approx([0, 0.5, 5e-6, 5e-3, 5e-3])
    assert (abs(flatten(equation.rounded(p, 2)) - flatten(p)) <= equation.half_units(p, 2)).all()


def test_sensitivity_is_the_derivative():
    p = random_parameters(2, 2)
    x = np.random.default_rng(1).standard_normal((7, 2))
    slopes, theta, h = equation.sensitivity(p, x), flatten(p), 1e-6
    for j, unit in enumerate(np.eye(len(theta))):
        up, down = (forward(unflatten(theta + s * unit, p), x).y_hat[:, 0] for s in (h, -h))
        assert slopes[:, j] == pytest.approx((up - down) / (2 * h), abs=1e-8)


def test_digits_needed_are_the_fewest_and_may_be_too_many():
    p = random_parameters(2, 1)
    x = np.random.default_rng(1).standard_normal((20, 1))
    for tolerance in (1.0, 1e-2, 1e-5):
        d = equation.digits_needed(p, x, tolerance)
        assert equation.rounding_bound(p, x, d).max() <= tolerance
        assert d == 1 or equation.rounding_bound(p, x, d - 1).max() > tolerance
    with pytest.raises(ValueError, match="tolerance is 0, wanted one that 15 digits can keep"):
        equation.digits_needed(p, x, 0)


# Forms


def test_the_same_network_has_one_canonical_form():
    p = random_parameters(3, 2)
    x = np.random.default_rng(1).standard_normal((9, 2))
    wanted = flatten(equation.canonical_form(p))
    count = 0
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        moved = equation.rearrange(p, order, signs)
        assert forward(moved, x).y_hat == pytest.approx(forward(p, x).y_hat, abs=1e-14)
        assert np.array_equal(flatten(equation.canonical_form(moved)), wanted)
        count += 1
    assert count == 2**3 * factorial(3)
    (weights,) = equation.canonical_form(p).W_ya
    assert (weights > 0).all() and (np.diff(weights) < 0).all()


def test_units_of_the_series_are_exact_on_fractions():
    p = Parameters(
        *(
            np.vectorize(lambda v: Fraction(round(16 * v), 16), otypes=[object])(w)
            for w in random_parameters(2, 2)
        )
    )
    s = np.array([[Fraction(3 * i * i % 7), Fraction(i, 2)] for i in range(5)])
    from rnn_lit import identity

    inner = forward(p, (s - 11) / Fraction(3), g_1=identity).y_hat
    assert (
        forward(equation.in_units(p, 11, Fraction(3)), s, g_1=identity).y_hat == 11 + 3 * inner
    ).all()


def test_nested_is_the_components_substituted():
    p = random_parameters(1, 2)
    state, output = equation.components(p, 4)
    past = sp.Symbol("a_{t-1}")
    shifted = state.rhs.xreplace(
        {
            sp.Symbol("s_{t-1}"): sp.Symbol("s_{t-2}"),
            sp.Symbol("s_t"): sp.Symbol("s_{t-1}"),
            past: sp.Symbol("a_{t-2}"),
        }
    )
    wanted = output.rhs.xreplace({state.lhs: state.rhs.xreplace({past: shifted})})
    (line,) = equation.nested(p, 4, depth=2)
    assert line.rhs.doit() == wanted  # both evaluated: SymPy may move a sign out of a tanh
    assert str(equation.nested(p, 4, depth=1)[0].rhs.atoms(sp.Symbol) & {past}) == "{a_{t-1}}"


def test_nested_wants_one_unit():
    with pytest.raises(ValueError, match="the network has 2 units, wanted 1"):
        equation.nested(random_parameters(2, 1), 3)
    with pytest.raises(ValueError, match="the network has 2 units, wanted 1"):
        _, series = sunspots()
        Forecaster(2, linear=0, penalty=1e-2, starts=1, rounds=20).fit(series).equation("nested")


# Near the fixed point


@pytest.mark.parametrize("n, m", [(1, 1), (2, 1), (2, 2), (3, 3)])
def test_the_linear_form_is_the_network_near_its_fixed_point(n, m):
    p = random_parameters(n, m, seed=n + m)
    linear = equation.linearise(p, 0.0)
    assert forward(p, np.full((1, m), linear.s), linear.a).y_hat[0, 0] == pytest.approx(linear.s)
    rng, size = np.random.default_rng(5), 1e-4
    deviations = size * rng.standard_normal(60)
    x, _ = lagged(np.concatenate([np.zeros(m - 1), deviations]), m)
    exact = forward(p, linear.s + x, linear.a).y_hat[:, 0] - linear.s
    chi = np.append(linear.chi, np.zeros(len(linear.phi) - len(linear.chi)))
    for t in range(n + m, 60):
        predicted = sum(w * deviations[t - i] for i, w in enumerate((chi - linear.phi)[1:]))
        predicted -= sum(w * exact[t - 1 - i] for i, w in enumerate(linear.chi[1:]))
        assert predicted == pytest.approx(exact[t], abs=100 * size**2)


@pytest.mark.parametrize("n, m", [(2, 1), (2, 3)])
def test_the_closed_loop_has_the_roots_of_phi(n, m):
    p = random_parameters(n, m, seed=3)
    linear = equation.linearise(p, 0.0)

    def step(v):  # the state and the last inputs, one forecast fed back
        x = np.append(p.W_ya[0] @ v[:n] + p.b_y[0], v[n:])
        return np.concatenate([np.tanh(p.W_aa @ v[:n] + p.W_ax @ x + p.b_a), x[:-1]])

    rest = np.append(linear.a, np.full(m - 1, linear.s))
    h = 1e-6
    jacobian = np.stack(
        [(step(rest + h * e) - step(rest - h * e)) / (2 * h) for e in np.eye(len(rest))], 1
    )
    assert linear.closed == pytest.approx(jacobian, abs=1e-8)
    assert np.poly(np.linalg.eigvals(jacobian)).real == pytest.approx(linear.phi, abs=1e-6)


def test_the_linear_line_keeps_the_fixed_point():
    p = random_parameters(2, 1, seed=3)
    linear = equation.linearise(p, 0.0)
    line = equation.linear(linear, 12)
    at_rest = line.rhs.xreplace(
        {symbol: sp.Float(linear.s, 15) for symbol in line.rhs.free_symbols}
    )
    assert float(at_rest) == pytest.approx(linear.s, rel=1e-9)
    assert {str(s) for s in line.rhs.free_symbols} == {
        "s_t",
        "s_{t-1}",
        r"\hat{s}_t",
        r"\hat{s}_{t-1}",
    }


def test_a_fixed_point_that_is_not_found_is_reported():
    p = Parameters(*map(np.array, ([[0.0]], [[0.0]], [0.0], [[0.0]], [np.inf])))
    with np.errstate(invalid="ignore"), pytest.raises((ArithmeticError, ValueError)):
        equation.fixed_point(p, 0.0)


# What is refused


def test_an_exact_fit_is_printed_with_all_its_digits():
    alternating = np.tile([0.0, 1.0], 30)
    f = Forecaster(1, linear=0, penalty=0, rounds=2000, starts=5).fit(alternating)
    lines = f.equation()
    assert evaluate(lines, alternating, 1)[:-1] == pytest.approx(alternating[1:], abs=1e-3)
    assert equation.digits_needed(random_parameters(1, 1), np.ones((3, 1)), 0, otherwise=15) == 15


def two_outputs():
    p = random_parameters(2, 1)
    return p._replace(W_ya=np.ones((2, 2)), b_y=np.ones(2))


ONE_OUTPUT = {
    "in_units": lambda p: equation.in_units(p, 1.0, 2.0),
    "canonical_form": equation.canonical_form,
    "components": lambda p: equation.components(p, 3),
    "nested": lambda p: equation.nested(p, 3),
    "sensitivity": lambda p: equation.sensitivity(p, np.ones((3, 1))),
    "rounding_bound": lambda p: equation.rounding_bound(p, np.ones((3, 1)), 3),
    "digits_needed": lambda p: equation.digits_needed(p, np.ones((3, 1)), 0.1),
    "fixed_point": lambda p: equation.fixed_point(p, 0.0),
    "linearise": lambda p: equation.linearise(p, 0.0),
}


@pytest.mark.parametrize("name", ONE_OUTPUT)
def test_further_outputs_are_not_passed_over(name):
    with pytest.raises(ValueError, match="parameters has 2 outputs, wanted 1"):
        ONE_OUTPUT[name](two_outputs())
    p = random_parameters(2, 1)
    with pytest.raises(ValueError, match="b_a holds nan"):
        ONE_OUTPUT[name](p._replace(b_a=np.array([0.0, np.nan])))
    with pytest.raises(ValueError, match="W_ax has shape"):
        ONE_OUTPUT[name](p._replace(W_ax=np.ones((3, 1))))


@pytest.mark.parametrize(
    "order, signs, message",
    [
        ([0, 0], [1, 1], "order is .*, wanted the numbers 0 to 1, each once"),
        ([0], [1, 1], "order is"),
        ([0, 2], [1, 1], "order is"),
        ([-1, 0], [1, 1], "order is"),
        ([0.5, 1], [1, 1], "order is"),
        ([1, 0], [1, 2], "signs are .*, wanted 2 numbers 1 or -1"),
        ([1, 0], [1], "signs are"),
        ([1, 0], [1, 0], "signs are"),
    ],
)
def test_what_is_no_signed_permutation_is_refused(order, signs, message):
    with pytest.raises(ValueError, match=message):
        equation.rearrange(random_parameters(2, 1), order, signs)


@pytest.mark.parametrize("digits", [0, -3, 2.5, "3", None])
def test_digits_are_a_whole_number_from_1_on(digits):
    p = random_parameters(1, 1)
    near = equation.linearise(p, 0.0)
    for use in (
        lambda: equation.components(p, digits),
        lambda: equation.nested(p, digits),
        lambda: equation.linear(near, digits),
        lambda: equation.rounded(p, digits),
        lambda: equation.half_units(p, digits),
        lambda: equation.rounding_bound(p, np.ones((3, 1)), digits),
    ):
        with pytest.raises(ValueError, match="digits is .*, wanted a whole number from 1 on"):
            use()


def test_other_numbers_are_checked_by_name():
    p, x = random_parameters(1, 1), np.ones((3, 1))
    for scale in (0, -1.0, np.inf, "1"):
        with pytest.raises(ValueError, match="scale is .*, wanted a positive number"):
            equation.in_units(p, 0.0, scale)
    with pytest.raises(ValueError, match="mean is nan, wanted a finite number"):
        equation.in_units(p, np.nan, 1.0)
    with pytest.raises(ValueError, match="guess is nan, wanted a finite number"):
        equation.fixed_point(p, np.nan)
    for tolerance in (-1, np.nan, "0.1", [0.1]):
        with pytest.raises(ValueError, match="tolerance is .*, wanted a number from 0 on"):
            equation.digits_needed(p, x, tolerance)
    for depth in (0, -1, 1.5, 6, 60, 10**6):
        with pytest.raises(ValueError, match="depth is .*, wanted a whole number from 1"):
            equation.nested(p, 3, depth=depth)


def test_the_deepest_nesting_is_the_state_substituted_so_often():
    p = random_parameters(1, 2)
    (line,) = equation.nested(p, 3, depth=5)
    assert sp.latex(line).count("tanh") == 5
    symbols = sorted(line.rhs.free_symbols, key=str)
    value = sp.lambdify(symbols, line.rhs, "math")(*[0.3] * len(symbols))
    a = 0.3
    q = equation.rounded(p, 3)
    for _ in range(5):
        a = np.tanh(q.W_aa[0, 0] * a + q.W_ax[0].sum() * 0.3 + q.b_a[0])
    assert value == pytest.approx(q.W_ya[0, 0] * a + q.b_y[0], rel=1e-12)


# What the chapter leaves for other pages


def stored_text(kind="text/latex", chapter="08-sunspots"):
    """What a chapter's cells print, and what they show as LaTeX or HTML."""
    notebook = nbformat.read(BOOK / f"{chapter}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "\n".join(o.get("text", "") + o.get("data", {}).get(kind, "") for o in outputs)


def test_the_equation_kept_is_the_equation_shown_and_has_the_scores_shown():
    kept = json.loads((DATA / "equation.json").read_text(encoding="utf-8"))
    shown = stored_text()
    assert all(line in shown for line in kept["latex"])
    p = Parameters(*(np.array(kept["parameters"][name]) for name in Parameters._fields))
    assert [sp.latex(line) for line in equation.components(p, kept["digits"])] == kept["latex"]
    years, series = sunspots()
    x, y = lagged(series, kept["lags"])
    error = (forward(p, x[:-1]).y_hat - y)[:, 0] ** 2
    for period, score in kept["arv"].items():
        first = int(period[:4])
        last = int(period[5:]) if len(period) == 9 else first // 100 * 100 + int(period[5:])
        chosen = (years[1:] >= first) & (years[1:] <= last)
        assert error[chosen].mean() / 1535 == pytest.approx(float(score), abs=2e-3)
        assert f"{period} ARV {score}" in " ".join(shown.split())


def test_the_front_page_says_that_its_scores_are_those_before_rounding():
    """They are: the printed equation, run here, may score a unit of the last digit more."""
    kept = json.loads((DATA / "equation.json").read_text(encoding="utf-8"))
    p = Parameters(*(np.array(kept["parameters"][name]) for name in Parameters._fields))
    years, series = sunspots()
    x, y = lagged(series, kept["lags"])
    error = (forward(p, x[:-1]).y_hat - y)[:, 0] ** 2 / 1535
    last = dict(zip(kept["arv"], (1955, 1979, 2008), strict=True))
    printed = {
        period: f"{error[(years[1:] >= int(period[:4])) & (years[1:] <= end)].mean():.3f}"
        for period, end in last.items()
    }
    assert printed == {"1921–55": "0.133", "1956–79": "0.577", "1980–2008": "0.244"}
    assert printed != kept["arv"]
    said = {
        "index": "With coefficients that are not rounded, the equation scores",
        "vi-index": "với các hệ số chưa làm tròn",
    }
    for name, words in said.items():
        page = nbformat.read(BOOK / f"{name}.ipynb", as_version=4)
        shown = " ".join(o["data"]["text/markdown"] for c in page.cells if c.cell_type == "code"
                         for o in c.outputs if "text/markdown" in o.get("data", {}))  # fmt: skip
        shown += " ".join(c.source for c in page.cells if c.id.endswith("-vi"))
        assert words in shown


def test_the_table_kept_is_the_table_shown():
    kept = json.loads((DATA / "sunspot_table.json").read_text(encoding="utf-8"))
    shown = [
        [unescape(cell) for cell in re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", row)]
        for row in re.findall(r"<tr.*?</tr>", stored_text("text/html", "10-decide"), re.S)
    ]
    assert len(kept["rows"]) >= 10
    assert ["", *kept["header"][1:]] in shown
    for row in kept["rows"]:
        assert len(row) == len(kept["header"])
        assert row in shown
