"""Errors outside the sample, piece by piece: folds, loops, scores and the choices made by them."""

from math import cos, pi, sqrt

import numpy as np
import pytest

from rnn_lit import _rolling as rolling
from rnn_lit import forward, initialise
from rnn_lit._law import mean_and_error
from rnn_lit._line import KINDS, Line, fit_line
from rnn_lit._rolling import Equation, Fold

PENALTIES = (1.0, 0.1, 0.01)
U = 5 + np.random.default_rng(8).standard_normal(60).cumsum()
SETTINGS = dict(n=1, lags=1, linear=None, season=None, seed=0, starts=3, rounds=60)


def line(c, *phi):
    return Line(np.atleast_1d(np.array(c, float)), np.array(phi, float))


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        ((200, 1, None, None), [120, 136, 152, 168, 184, 200]),  # from .6 of 200 on, five
        ((101, 1, None, None), [60, 68, 76, 84, 92, 101]),
        ((100, 1, None, None), [60, 68, 76, 84, 92, 100]),
        ((99, 1, None, None), [59, 63, 67, 71, 75, 79, 83, 87, 91, 95, 99]),  # ten
        ((20, 9, None, None), [15, 16, 17, 18, 19, 20]),  # no fold without a value
        ((20, 1, 4, None), [13, 14, 15, 16, 17, 18, 19, 20]),
        ((20, 1, 0, 7), [16, 17, 18, 19, 20]),
    ],
)
def test_where_the_folds_begin(arguments, wanted):
    first, length = wanted[0], arguments[0]
    found = rolling.edges(*arguments)
    assert (found[0], found[-1]) == (first, length)
    assert len(found) == len(wanted)
    if length >= 99:
        assert found == wanted


def fed_back(equation, past, steps):
    """The line's forecasts in plain Python, from values in the series' units."""
    c, phi = equation.line.intercepts, equation.line.phi
    v = [(u - equation.mean) / equation.scale for u in past]
    for _ in range(steps):
        v.append(c[len(v) % len(c)] + sum(f * v[-1 - j] for j, f in enumerate(phi)))
    return [equation.mean + equation.scale * x for x in v[len(past) :]]


def test_errors_outside_the_sample_are_the_loops_written_out():
    folds = [
        Fold(30, 40, [Equation(line([0.1, -0.2, 0.3], 0.5), None, 2, 4.0, 1.5),
                      Equation(line(0.0, 0.2, 0.7), None, 1, 3.0, 2.0)]),
        Fold(40, 60, [Equation(line(0.4, 0.9), None, 1, 5.0, 1.1),
                      Equation(line(0.0, 0.1, 0.1, 0.1), None, 2)]),
    ]  # fmt: skip
    errors = rolling.errors_outside(U, folds, 3)
    assert errors.shape == (2, 30, 3)
    for fold in folds:
        for i, equation in enumerate(fold.equations):
            for t in range(fold.start, fold.stop):
                ahead = fed_back(equation, U[:t], 3)
                wanted = [U[t + h] - ahead[h] if t + h < 60 else np.nan for h in range(3)]
                assert errors[i, t - 30] == pytest.approx(wanted, rel=1e-10, nan_ok=True)


def test_the_errors_for_intervals_are_those_of_the_folds_and_then_of_the_equation():
    folds = [Fold(20, 30, [Equation(line(0.4, 0.9), None, 1, 5.0, 1.1)]),
             Fold(30, 45, [Equation(line(0.1, 0.8), None, 1, 4.0, 1.2)])]  # fmt: skip
    own = Equation(line(0.2, 0.5, 0.3), None, 1)
    law = rolling.law_of(own, U, 45, folds, 2)
    assert law.shape == (40, 2)
    # The folds know nothing of what came by update: beyond 45 there is no value for them.
    assert np.isnan(law[24]).tolist() == [False, True]
    for t in range(45, 60):
        missed = U[t] - fed_back(own, U[:t], 1)[0]
        assert law[t - 20, 0] == pytest.approx(missed, rel=1e-10)
    assert np.isnan(law[-1]).tolist() == [False, True]
    inside = rolling.law_of(own, U[:45], 45, folds, 2)
    assert np.array_equal(inside, law[:25], equal_nan=True)
    assert rolling.law_of(own, U, 45, [], 2).shape == (0, 2)


@pytest.mark.parametrize("n, terms", [(1, 1), (4, 1), (30, 3), (100, 8)])
def test_the_error_of_a_mean_is_the_cosine_estimate_written_out(n, terms):
    x = np.random.default_rng(n).standard_normal(n).cumsum() + 3
    sums = [
        sqrt(2 / n) * sum(x_t * cos(pi * j * (t + 0.5) / n) for t, x_t in enumerate(x))
        for j in range(1, terms + 1)
    ]
    mean, error = mean_and_error(x)
    assert mean == pytest.approx(sum(x) / n, rel=1e-12)
    assert error == pytest.approx(sqrt(sum(s * s for s in sums) / terms / n), rel=1e-9, abs=1e-12)


def test_scores_are_relative_to_the_first_penaltys_errors_at_each_step():
    base = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]])
    errors = np.array([[2.0, 1.0], [1.0, 2.0], [3.0, np.nan]])
    size = [(1 + 9 + 25) / 3, (4 + 16) / 2]
    wanted = [(4 / size[0] + 1 / size[1]) / 2, (1 / size[0] + 4 / size[1]) / 2, 9 / size[0]]
    assert rolling._relative(errors, base) == pytest.approx(wanted, rel=1e-12)
    exact = np.array([[0.0, 2.0], [0.0, 2.0]])  # a step that the base forecasts exactly
    found = rolling._relative(np.array([[3.0, 1.0], [0.0, 1.0]]), exact)
    assert found == pytest.approx([(9 + 0.25) / 2, 0.25 / 2], rel=1e-12)
    nowhere = np.array([[np.nan, np.nan]])
    assert rolling._relative(nowhere, nowhere).tolist() == [0.0]


@pytest.mark.parametrize("season, steps", [(None, 4), (3, 3)])
@pytest.mark.parametrize(
    "offsets, place",
    [
        ((0, 0, 0), 0),  # the strongest does as well as any
        ((5, 0, 0), 1),
        ((5, 5, 0), 2),
        ((0, 5, 5), 0),
        ((5, 0, 5), 1),
    ],
)
def test_the_strongest_penalty_that_errs_no_more_than_the_best_is_chosen(
    monkeypatch, season, steps, offsets, place
):
    """Instead of networks lines stand in the folds, of which it is known which are good."""
    u = np.zeros(200)
    for t, e in enumerate(np.random.default_rng(2).standard_normal(199)):
        u[t + 1] = 0.9 * u[t] + e
    folds = [Fold(120, 200, [Equation(line(c, 0.9), None, 1) for c in offsets])]
    asked, outside = [], rolling.errors_outside
    monkeypatch.setattr(rolling, "folds_of", lambda *given: asked.append(given) or folds)
    monkeypatch.setattr(
        rolling, "errors_outside", lambda *given: asked.append(given) or outside(*given)
    )
    settings = SETTINGS | {"season": season}
    found = rolling.choose_penalty(u, settings, "lags", PENALTIES, {})
    assert found == PENALTIES[place] and asked[1][2] == steps
    assert asked[0][0] is u and asked[0][1:4] == (settings, "lags", PENALTIES)
    monkeypatch.setattr(rolling, "folds_of", lambda *_: None)  # too few values
    assert rolling.choose_penalty(u, settings, "lags", PENALTIES, {}) == PENALTIES[0]


def test_one_and_a_half_standard_errors_decide(monkeypatch):
    """The scores are scripted: the first is worse than the best by a given part of its error."""
    wave = np.cos(np.pi * (np.arange(30) + 0.5) / 30)  # of mean 0, seen by the first term alone
    error = mean_and_error(wave)[1]
    monkeypatch.setattr(rolling, "folds_of", lambda *_: [0])
    monkeypatch.setattr(rolling, "errors_outside", lambda *_: np.zeros((3, 30, 4)))
    for factor, place in ((1.4, 0), (1.6, 1)):
        scores = iter([1 + wave + factor * error, 1 + 0 * wave, 2 + 0 * wave])
        monkeypatch.setattr(rolling, "_relative", lambda *_: next(scores))  # noqa: B023
        found = rolling.choose_penalty(U, SETTINGS, "lags", PENALTIES, {})
        assert found == PENALTIES[place]


def test_the_kind_is_the_one_that_errs_least_over_one_season_outside_the_sample():
    m, kinds, bounds = 4, set(), [72, 81, 91, 100, 110, 120]
    assert rolling.edges(120, 1, 2, m) == bounds
    for seed in range(6):
        rng = np.random.default_rng(seed)
        walk = np.cumsum(rng.standard_normal(120)) * (seed % 3)
        v = walk + [0, 3, -1, 2] * 30 + rng.standard_normal(120) * (1 + seed % 2)
        scores = []
        for kind in KINDS:
            squares = []
            for start, stop in zip(bounds, bounds[1:]):
                mean, scale = v[:start].mean(), v[:start].std()
                fitted = fit_line((v[:start] - mean) / scale, 2, m, kind)
                for t in range(start, stop):
                    ahead = fed_back(Equation(fitted, None, 1, mean, scale), v[:t], m)
                    squares += [(a - b) ** 2 for a, b in zip(v[t:], ahead)]
            scores.append(np.mean(squares))
        found = rolling.fitted_line(v, SETTINGS | {"season": m, "linear": 2})
        kinds.add(found.kind)
        assert found.kind == KINDS[int(np.argmin(scores))]
        assert np.array_equal(found.phi, fit_line(v, 2, m, found.kind).phi)
    assert len(kinds) > 1


def test_a_line_is_asked_for_as_it_is_set():
    assert len(rolling.fitted_line(U, SETTINGS | {"linear": 0}).phi) == 0
    three = rolling.fitted_line(U, SETTINGS | {"linear": 3})
    assert three.kind == "lags" and len(three.phi) == 3
    with pytest.raises(ValueError, match="linear is 9, wanted fewer lags: the series has only 12"):
        rolling.fitted_line(U[:12], SETTINGS | {"linear": 9})


def test_a_fold_is_fitted_to_its_past_in_units_of_its_past():
    folds = rolling.folds_of(U, SETTINGS | {"linear": 2}, "lags", ())
    assert [fold.start for fold in folds] == [36, 38, 40, 43, 45, 48, 50, 52, 55, 57]
    for fold in folds:
        (equation,), past = fold.equations, U[: fold.start]
        assert equation.parameters is None and equation.lags == 1
        assert (equation.mean, equation.scale) == pytest.approx((past.mean(), past.std()))
        wanted = fit_line((past - past.mean()) / past.std(), 2)
        assert equation.line.phi == pytest.approx(wanted.phi, rel=1e-9)
        assert equation.line.intercepts == pytest.approx(wanted.intercepts, rel=1e-9)
    constant = rolling.folds_of(np.full(60, 7.0), SETTINGS | {"linear": 0}, "lags", ())
    assert {(e.mean, e.scale) for fold in constant for e in fold.equations} == {(7.0, 1.0)}
    assert rolling.folds_of(U[:9], SETTINGS | {"linear": 3}, "lags", ()) is None


def test_the_networks_of_a_fold_are_the_best_of_two_starts_for_each_penalty():
    v, settings = (U - U.mean()) / U.std(), SETTINGS | {"n": 2, "rounds": 25}
    beside, penalties = line(0.1, 0.6), (0.3, 0.003)
    network = rolling._networks(v, beside, settings, penalties, None)
    rest = v[1:] - 0.1 - 0.6 * v[:-1]
    size = sqrt((rest**2).mean())

    def objective(parameters, penalty):
        inner = parameters._replace(W_ya=parameters.W_ya / size, b_y=parameters.b_y / size)
        y_hat = forward(inner, v[:-1, None]).y_hat[:, 0]
        squares = sum((w**2).sum() for w in inner)
        return ((y_hat - rest / size) ** 2).mean() + penalty * squares

    one, first = settings | {"starts": 1}, settings | {"starts": 1, "rounds": 1}
    for i, penalty in enumerate(penalties):
        (alone,) = rolling._networks(v, beside, one, (penalty,), None)
        (start,) = rolling._networks(v, beside, first, (penalty,), None)
        found = objective(network[i], penalty)
        assert found <= 1.001 * objective(alone, penalty)
        assert found < objective(start, penalty)
        assert found < objective(network[1 - i], penalty)


def test_a_network_made_larger_forecasts_so_many_times_more():
    parameters = initialise(3, 1, 1, np.random.default_rng(0))._replace(b_y=np.array([0.7]))
    x = U[:, None] / 5
    y_hat = forward(rolling.in_size(parameters, 2.5), x).y_hat
    assert y_hat == pytest.approx(2.5 * forward(parameters, x).y_hat, rel=1e-12)


def test_the_unit_of_a_networks_targets_is_their_root_mean_square_beside_a_line():
    rest = np.array([[3.0], [4.0]])
    assert rolling.rest_size(line(0.0, 0.5), rest) == pytest.approx(sqrt(12.5))
    assert rolling.rest_size(line([0.0, 2.0]), rest) == pytest.approx(sqrt(12.5))
    assert rolling.rest_size(line(0.0), rest) == 1  # no line
    assert rolling.rest_size(line(0.0, 0.5), 1e-12 * rest) == 1  # a line that errs nowhere
