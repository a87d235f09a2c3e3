"""The line's pieces: how many lags, from how many values on, how many digits, which power."""

import warnings
from decimal import Decimal
from math import floor, log10

import numpy as np
import pytest

from rnn_lit import Forecaster, Parameters, _line
from rnn_lit._line import (
    KINDS,
    Line,
    _digits_of_line,
    check_length,
    choose_power,
    fit_line,
    line_after,
    most_lags,
    no_line,
    warn_explosive,
    warn_limits,
)

V = np.random.default_rng(5).standard_normal(80).cumsum()


@pytest.mark.parametrize(
    "length, season, wanted",
    [(9, None, 1), (19, None, 1), (20, None, 2), (99, None, 9), (119, None, 11), (500, None, 12),
     (500, 4, 9), (50, 4, 5), (500, 11, 23), (500, 12, 24)],
)  # fmt: skip
def test_a_line_may_choose_a_tenth_of_the_series_and_at_most_two_seasons(length, season, wanted):
    assert most_lags(length, season) == wanted


def test_no_line_forecasts_nothing():
    assert line_after(no_line(), V).tolist() == [0.0] * 81


@pytest.mark.parametrize("kind, least", [("lags", 6), ("dummies", 10), ("both differences", 13)])
def test_from_so_many_values_on_there_is_a_line(kind, least):
    """With two lags, and a season of four: their columns and three equations more."""
    season = None if kind == "lags" else 4
    columns = {"lags": 1 + 2, "dummies": 4 + 2, "both differences": 4}[kind]
    longest = {"lags": 2, "dummies": 2, "both differences": 5}[kind]
    shift = 5 if kind == "both differences" else 0
    least = columns + 3 + longest + shift
    assert fit_line(V[: least - 1], 2, season, kind) is None
    line = fit_line(V[:least], 2, season, kind)
    assert np.isfinite(line.phi).all() and len(line.phi) == longest + shift


@pytest.mark.parametrize("kind", KINDS)
def test_more_lags_than_values_are_refused_by_name(kind):
    season = None if kind == "lags" else 3
    for length in (2, 9, 20):
        with pytest.raises(ValueError, match=rf"^p is {length + 1}, wanted .* {length}, the len"):
            fit_line(V[:length], length + 1, season, kind)
        assert fit_line(V[:length], length, season, kind) is None


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("season", [4, 12])
def test_a_season_that_reaches_beyond_the_values_leaves_too_few(kind, season):
    """An intercept, two lags of up to season + 1 and three values more make season + 7."""
    for length in range(1, season + 6):
        assert fit_line(V[:length], None, season, kind) is None
        assert fit_line(V[:length], 1, season, kind) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_chooses_its_lags_is_there_from_few_values_on(kind):
    season = None if kind == "lags" else 3
    found = [fit_line(V[:length], None, season, kind) for length in range(2, 40)]
    first = next(i for i, line in enumerate(found) if line is not None)
    assert all(line is None for line in found[:first]) and None not in found[first:]
    if kind == "lags":  # an intercept, the variance and two values more
        assert first + 2 == 4 and not found[first].phi.any()


def test_half_of_the_values_may_be_lags_but_for_four():
    """Each value is twice the last, so a line that may have a lag has it, with no error left."""
    five, six = (fit_line(2.0 ** np.arange(length)) for length in (5, 6))
    assert not five.phi.any() and five.intercepts[0] == pytest.approx(31 / 5)
    assert six.phi == pytest.approx([2.0]) and six.intercepts == pytest.approx([0.0], abs=1e-9)


@pytest.mark.parametrize("end", ["first", "last", "middle"])
def test_the_digits_of_a_line_move_no_forecast_by_more_than_asked(end):
    """Each coefficient is moved by half a unit of its last digit, to the worst side."""
    u = 1 + abs(np.sin(np.arange(40.0)))
    u[{"first": 0, "last": -1, "middle": 20}[end]] = 300.0
    intercepts, phi = np.array([12.3, -0.7, 0.0, 4.56]), np.array([0.31, 0.0, -0.042, 1.7])
    for tolerance in (30.0, 1.0, 1e-2, 1e-5):
        digits = _digits_of_line(intercepts, phi, u, tolerance)

        def moved(digits):
            def half(c):
                return 0.5 * 10.0 ** (floor(log10(abs(c))) - digits + 1) if c else 0.0

            move = Line(np.array([half(c) for c in intercepts]), np.array([half(c) for c in phi]))
            return line_after(move, abs(u)).max()

        assert moved(digits) <= tolerance
    assert _digits_of_line(intercepts, phi, u, 1e-30) == 15
    assert _digits_of_line(np.zeros(1), np.zeros(4), u, 1e-30) == 1


def test_the_digits_of_a_line_are_the_fewest_by_the_bound_written_out():
    rng = np.random.default_rng(6)
    for _ in range(40):
        intercepts, phi = rng.standard_normal(4), rng.standard_normal(3)
        phi *= 10.0 ** rng.integers(-3, 3)
        u, tolerance = 100 * np.ones(30), 10.0 ** rng.uniform(-4, 2)

        def bound(digits, intercepts=intercepts, phi=phi):
            def half(c):
                return Decimal(5) * Decimal(10) ** (Decimal(float(c)).adjusted() - digits)

            return 100 * sum(map(half, phi)) + max(map(half, intercepts))

        wanted = next(d for d in range(1, 30) if bound(d) <= Decimal(tolerance))
        assert _digits_of_line(intercepts, phi, u, tolerance) == wanted


@pytest.mark.parametrize("p", [1, 3, None])
@pytest.mark.parametrize("season", [None, 4])
def test_the_power_is_the_one_of_the_highest_likelihood_written_out(p, season):
    """On the values that the longest line may reach; each line fitted to the transformed series."""
    chosen = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        u = 0.6 * rng.standard_normal(70).cumsum() / (1 + seed) + rng.standard_normal(70) / 9
        y = {0: np.exp(u), 1: (4 + u - u.min()) ** 2, 2: 4 + u - u.min()}[seed % 3]
        scores = {}
        for power in (1.0, 0.5, 0.0):
            z = np.log(y) if power == 0 else y**power
            v = (z - z.mean()) / z.std()
            line = fit_line(v, p, season)
            first = max(len(line.phi), 0 if p else most_lags(70, season) + 2)
            errors = [
                z.std() * (v[t] - line.intercepts[0] - line.phi @ v[t - len(line.phi) : t][::-1])
                for t in range(first, 70)
            ]
            slopes = [1 / s if power == 0 else power * s ** (power - 1) for s in y[first:]]
            square = np.mean(np.square(errors))
            scores[power] = sum(map(np.log, slopes)) - len(errors) / 2 * np.log(square)
        found = choose_power(y, p, season)
        chosen.add(found)
        assert found == max(scores, key=scores.get)
    assert len(chosen) > 1


def test_the_power_is_one_where_a_value_is_not_above_zero_or_the_line_has_too_few():
    y = np.exp(np.random.default_rng(1).standard_normal(400).cumsum() / 9)
    assert choose_power(y, 1, None) == 0
    y[7] = 0.0
    assert choose_power(y, 1, None) == 1
    assert choose_power(np.array([1.0, 8.0, 2.0, 9.0, 1.0]), 3, None) == 1


def test_a_line_explodes_from_a_root_above_one_and_one_over_the_length_on():
    with pytest.warns(RuntimeWarning, match="its largest root is 1.0110, wanted at most 1"):
        warn_explosive(Line(np.zeros(1), np.array([1.011])), 100)
    with pytest.warns(RuntimeWarning, match="largest root is 2.0000"):  # λ² = λ + 2
        warn_explosive(Line(np.zeros(1), np.array([1.0, 2.0])), 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_explosive(Line(np.zeros(1), np.array([1.009])), 100)
        warn_explosive(Line(np.zeros(1), np.array([1.0, -0.99])), 100)
        warn_explosive(no_line(), 100)


def test_a_warning_of_the_ends_names_the_first_step_that_is_near_one():
    network = Parameters(np.zeros((2, 2)), np.zeros((2, 1)), np.zeros(2), np.array([[3.0, -1.0]]),
                         np.array([0.5]))  # fmt: skip
    with pytest.warns(RuntimeWarning, match="forecast 3 steps ahead is within 2 % .* ceiling"):
        warn_limits(np.array([0.0, 4.4, 4.43, -3.49]), network)  # .5 ± .98·4
    with pytest.warns(RuntimeWarning, match="forecast 1 steps ahead is within 2 % .* floor"):
        warn_limits(np.array([-3.43, 4.43]), network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_limits(np.array([4.41, -3.41]), network)
        nothing = network._replace(W_ya=network.W_ya * 1e-4)  # a network without a part in it
        warn_limits(np.array([0.5004]), nothing)


@pytest.mark.parametrize(
    "length, p, season, message",
    [(35, None, 12, "season is 12, wanted at most 11"), (36, None, 12, None),
     (17, 4, None, "at most 3"), (18, 4, None, None), (5, 0, None, None), (5, None, None, None)],
)  # fmt: skip
def test_from_which_length_on_a_line_is_let_pass(length, p, season, message):
    if message is None:
        check_length(length, p, season)
    else:
        with pytest.raises(ValueError, match=message):
            check_length(length, p, season)


def test_a_warning_names_the_line_that_called():
    f = Forecaster(1, linear=0, penalty=1.0, starts=1).fit(np.arange(30.0) % 7)
    f.parameters_ = Parameters(np.zeros((1, 1)), np.zeros((1, 1)), np.array([2.5]),
                               np.array([[3.0]]), np.array([0.5]))  # fmt: skip
    with pytest.warns(RuntimeWarning, match="ceiling") as seen:
        f.predict(5)
    assert [one.filename for one in seen] == [__file__]
    with pytest.warns(RuntimeWarning, match="explodes|stopped after all") as seen:
        Forecaster(1, linear=1, penalty=1e-6, starts=1, rounds=2).fit(np.exp(np.arange(80) / 12))
    assert [one.filename for one in seen] == [__file__] * 2


@pytest.mark.parametrize("season", [None, 4])
def test_the_line_has_as_many_digits_as_half_of_a_tenth_of_the_residuals_asks(season, monkeypatch):
    pytest.importorskip("sympy")
    y = 900 + np.random.default_rng(2).standard_normal(120).cumsum() + [0, 40, -30, 5] * 30
    f = Forecaster(1, linear=2, season=season, penalty=1.0, starts=1, rounds=20).fit(y)
    if season:
        f._kind, f.intercepts_ = "dummies", np.array([0.3, -0.2, 0.01, 0.4])
    intercepts = []
    if season:
        intercepts = [f.scale_ * c - sum(f.linear_) * f.mean_ for c in f.intercepts_]
    tolerance = f.scale_ * f.residuals_.std() / 20
    wanted = _digits_of_line(np.array(intercepts), f.linear_, y, tolerance)
    asked = []
    monkeypatch.setattr(_line, "digits_needed", lambda *given, **_: asked.append(given[2]) or 1)
    monkeypatch.setattr(_line, "components", lambda *given: given)
    parameters, digits, (constants, phi), power = f.equation()
    assert digits == wanted > 2 and asked == pytest.approx([tolerance])
    assert constants == pytest.approx(intercepts) and np.array_equal(phi, f.linear_) and power == 1
    if not season:  # one constant for line and network: that at a = 0 and s = 0
        inner = f.parameters_.b_y + f.intercepts_
        whole = f.mean_ + f.scale_ * inner - sum(f.linear_) * f.mean_
        assert parameters.b_y == pytest.approx(whole)
    monkeypatch.setattr(_line, "digits_needed", lambda *_, **__: 9)
    assert f.equation()[1] == 9 and f.equation(digits=4)[1] == 4


@pytest.mark.parametrize("N", [24, 60, 130])
def test_the_number_of_lags_has_the_least_aicc(N):
    """AICc = n log(SSR/n) + 2kn/(n − k − 1), of which k counts the variance too, by least squares
    on the values that all orders have."""
    most, chosen = most_lags(N, None), set()
    for seed in range(40):
        v = np.random.default_rng(seed).standard_normal(N)
        v = v - v.mean() if seed % 2 else np.convolve(v, [1, 0.5, -0.3])[:N]
        criteria = []
        for p in range(most + 1):
            y = v[most:]
            X = np.column_stack([np.ones(len(y)), *(v[most - j : N - j] for j in range(1, p + 1))])
            left, n, k = y - X @ np.linalg.lstsq(X, y)[0], len(y), p + 2
            criteria.append(n * np.log(left @ left / n) + 2 * k * n / (n - k - 1))
        line = fit_line(v)
        p = len(np.trim_zeros(line.phi, "b"))
        assert p == np.argmin(criteria)
        chosen.add(p)
    assert len(chosen) > 2
