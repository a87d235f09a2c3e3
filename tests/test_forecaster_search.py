"""The search for many minima at once: rows that rest, rows that stall, bad arguments."""

import numpy as np
import pytest
import trial_series

from rnn_lit import Forecaster, _search, initialise
from rnn_lit._search import (
    evaluator,
    hessian,
    join,
    minimise,
    polish,
    random_starts,
    side_by_side,
)
from rnn_lit._series import lagged
from rnn_lit.training import flatten

S = 10 + np.sin(0.5 * np.arange(60))
quiet = pytest.mark.filterwarnings("ignore:the search")


def starts(n, m, R, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([flatten(initialise(n, m, 1, rng)) for _ in range(R)])


def standard(series, lags):
    x, y = lagged((series - series.mean()) / series.std(), lags)
    return x[:-1], y


@quiet
@pytest.mark.parametrize("penalty", [100, 1e3, 1e5])
def test_no_random_walk_breaks_the_search_under_a_strong_penalty(penalty):
    for seed in range(8):
        walk = np.random.default_rng(seed).standard_normal(60).cumsum()
        f = Forecaster(1, linear=0, penalty=penalty).fit(walk)
        assert abs(flatten(f.parameters_)).max() < 1e-3
        _, y = standard(walk, 1)  # what is left when every parameter tends to 0
        assert f.objectives_ == pytest.approx((y**2).mean(), rel=1e-3)


def wells(theta):
    """Wells of different steepness, a row each; rows never meet."""
    steep, d = 10.0 ** np.arange(len(theta))[:, None], theta - 1
    return (steep * (d**2 + d**4)).sum(axis=1), steep * (2 * d + 4 * d**3)


def test_a_row_is_what_it_is_alone_to_the_bit():
    start = np.random.default_rng(3).standard_normal((4, 5))
    together = minimise(wells, start, 500)
    for r in range(4):
        def alone(theta, r=r):
            full = np.ones((4, 5))
            full[r] = theta[0]
            J, gradient = wells(full)
            return J[[r]], gradient[[r]]

        single = minimise(alone, start[[r]], 500)
        assert np.array_equal(single.theta[0], together.theta[r])
        assert single.converged[0] == together.converged[r]


def test_a_converged_row_rests_and_the_batch_keeps_its_shape():
    shapes, points = [], []

    def evaluate(theta):
        shapes.append(theta.shape)
        points.append(theta.copy())
        return wells(theta)

    start = np.random.default_rng(3).standard_normal((4, 5))
    start[2] = 1.0 + 1e-12  # converged from the start, not quite at the bottom
    found = minimise(evaluate, start, 500)
    assert set(shapes) == {(4, 5)}
    assert all(np.array_equal(theta[2], start[2]) for theta in points)
    assert found.converged.all() and np.array_equal(found.theta[2], start[2])


@pytest.mark.parametrize("length", [40, 400])  # a long one by the compiled loops, if they are there
def test_the_evaluator_of_the_search_is_side_by_side(length):
    x, y = standard(10 + np.sin(0.5 * np.arange(length)), 2)
    theta, penalty = starts(3, 2, 4), np.array([0.0, 1e-3, 0.1, 1.0])
    J, gradient = evaluator(3, x, y, penalty)(theta)
    wanted = side_by_side(theta, 3, x, y, penalty)
    assert J == pytest.approx(wanted[0], rel=1e-12)
    assert gradient == pytest.approx(wanted[1], rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("penalty", [1e-1, 1.0, 100.0])
def test_networks_in_a_batch_end_where_they_end_alone(penalty):
    x, y = standard(S, 1)
    theta = starts(2, 1, 3)

    def evaluate(t):
        return side_by_side(t, 2, x, y, penalty)

    together = minimise(evaluate, theta, 400, tolerance=1e-9)
    # Rounding may end a row before its gradient is as small as asked.
    assert abs(together.gradient).max() < 1e-7 * max(1, penalty)
    for r in range(3):
        alone = minimise(evaluate, theta[[r]], 400, tolerance=1e-9)
        assert alone.J[0] == pytest.approx(together.J[r], abs=1e-8)
        assert alone.theta[0] == pytest.approx(together.theta[r], abs=1e-8)


def test_a_row_that_stalls_is_not_called_converged_and_ends_the_search():
    def evaluate(theta):  # the second row's gradient points the wrong way
        J, gradient = wells(theta)
        gradient[1] *= -1
        return J, gradient

    found = minimise(evaluate, np.zeros((3, 2)), 5000)
    assert found.converged.tolist() == [True, False, True]
    assert found.evaluations < 500 and np.array_equal(found.theta[1], [0, 0])


def test_subnormal_curvature_does_not_leave_the_numbers():
    def evaluate(theta):
        return 1e-305 * (theta**2).sum(axis=1), 2e-305 * theta

    with np.errstate(all="raise", under="ignore"):
        found = minimise(evaluate, np.ones((2, 3)), 50, tolerance=0)
    assert np.isfinite(found.theta).all() and (found.J <= 3e-305).all()


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(rounds=0), "rounds is 0, wanted a whole number from 1 on"),
        (dict(rounds=2.5), "rounds is 2.5"),
        (dict(memory=0), "memory is 0, wanted a whole number from 1 on"),
        (dict(tolerance=-1), "tolerance is -1, wanted a number from 0 on"),
        (dict(tolerance=np.nan), "tolerance is nan"),
        (dict(theta=np.zeros(3)), r"theta has shape \(3,\), wanted two dimensions"),
        (dict(theta=np.full((2, 3), np.nan)), "theta holds nan"),
        (dict(evaluate=lambda theta: (theta[:, 0] * np.nan, theta)), "evaluate gives nan"),
        (dict(evaluate=lambda theta: (theta, theta)), "evaluate gives shapes"),
    ],
)
def test_bad_arguments_of_the_search_are_named(changed, message):
    settings = dict(evaluate=wells, theta=np.zeros((2, 3)), rounds=5)
    with pytest.raises(ValueError, match=message):
        minimise(**{**settings, **changed})


@pytest.mark.parametrize(
    "changed, message",
    [
        (dict(steps=0), "steps is 0, wanted a whole number from 1 on"),
        (dict(theta=np.zeros(3)), r"theta has shape \(3,\), wanted \(11,\)"),
        (dict(theta=np.full(11, np.nan)), "theta holds nan"),
        (dict(penalty=-1.0), "penalty is -1.0, wanted"),
        (dict(penalty="1"), "penalty is '1', wanted"),
        (dict(y=np.zeros((9, 2))), r"y has shape \(9, 2\), wanted \(9, 1\)"),
        (dict(n=0), "n is 0"),
    ],
)
def test_bad_arguments_of_the_polish_are_named(changed, message):
    x = np.ones((9, 1))
    settings = dict(theta=np.zeros(11), n=2, x=x, y=x, penalty=0.1)
    with pytest.raises(ValueError, match=message):
        polish(**{**settings, **changed})
    changed.pop("steps", None)
    if changed:
        with pytest.raises(ValueError, match=message):
            hessian(**{**settings, **changed})


@pytest.mark.parametrize("shape", [(3,), (2, 12), (2, 10), (0, 11), (1, 2, 11)])
def test_join_wants_the_number_of_parameters_of_its_sizes(shape):
    with pytest.raises(ValueError, match=r"theta has shape .*, wanted \(R, 11\)"):
        join(np.zeros(shape), 2, 1)


def test_start_i_is_drawn_by_the_seed_and_i():
    theta, like = random_starts(2, 3, 7, 4)
    for i, row in enumerate(theta):
        wanted = initialise(2, 3, 1, np.random.default_rng([7, i]))
        assert np.array_equal(row, flatten(wanted))
    assert [w.shape for w in like] == [(2, 2), (2, 3), (2,), (1, 2), (1,)]


def test_the_hessian_is_symmetric_to_the_bit():
    x, y = standard(S, 2)
    for theta in starts(3, 2, 4):
        H = hessian(theta, 3, x, y, 1e-3)
        assert np.array_equal(H, H.T)


#: The lowest objectives that ten starts of the first edition's Forecaster(4, penalty=1e-2) found,
#: for the first twenty series of the trial's list.
FIRST_EDITION = {
    "carbon dioxide, monthly": 0.04302106081,
    "sea temperature, monthly": 0.1024956389,
    "structural, quarterly": 0.1499840848,
    "airline model, monthly": 0.1521302922,
    "fixed season and AR(1), weekly days": 0.2814371396,
    "growing season, quarterly": 0.1076734494,
    "season with a threshold, monthly": 0.5381797061,
    "Nile, yearly": 0.5614592258,
    "sunspots, yearly": 0.1722829031,
    "unemployment, quarterly": 0.07485091555,
    "threshold autoregression": 0.3325097572,
    "logistic map in noise": 0.1456939885,
    "random walk with drift": 0.08978730481,
    "white noise": 0.7235601326,
    "housing starts, monthly": 0.1586699798,
    "electrical equipment, monthly": 0.2112050233,
    "electricity demand, hourly": 0.1128304201,
    "inflation in Germany, quarterly": 0.1571035062,
    "trend and fixed season, monthly": 0.3629572217,
    "fixed season and noise, days": 0.2763182114,
}


@quiet
@pytest.mark.parametrize("name", FIRST_EDITION)
def test_no_minimum_is_above_the_first_editions(name):
    (entry,) = (e for e in trial_series.listed() if e["name"] == name)
    f = Forecaster(4, linear=0, penalty=1e-2).fit(trial_series.values(entry))
    assert f.objectives_.min() <= FIRST_EDITION[name] + 1e-6


NOISE = np.random.default_rng(1).standard_normal(60)  # no search ends early


@quiet
@pytest.mark.parametrize(
    "starts, rounds, stages",
    [
        (24, 100, [(24, 10), (6, 40), (1, 50)]),
        (40, 20, [(40, 2), (10, 8), (1, 10)]),
        (7, 20, [(7, 2), (6, 8), (1, 10)]),
        (6, 20, [(6, 10), (1, 10)]),
        (2, 9, [(2, 4), (1, 5)]),
        (1, 20, [(1, 20)]),
        (9, 2, [(9, 1), (1, 1)]),
        (9, 1, [(9, 1)]),
    ],
)
def test_few_rounds_for_all_starts_and_all_rounds_for_the_best(
    starts, rounds, stages, monkeypatch
):
    seen = []

    def counted(evaluate, theta, most):
        seen.append((len(theta), most))
        return minimise(evaluate, theta, most)

    monkeypatch.setattr(_search, "minimise", counted)
    f = Forecaster(3, linear=0, penalty=1e-4, starts=starts, rounds=rounds).fit(NOISE)
    assert seen == stages and f.n_iter_ == rounds and len(f.objectives_) == starts


@quiet
def test_the_starts_that_go_on_are_those_that_lead():
    f = Forecaster(3, linear=0, penalty=1e-4, starts=24, rounds=100).fit(NOISE)
    x, y = standard(NOISE, 1)
    theta, _ = random_starts(3, 1, 0, 24)
    evaluate = evaluator(3, x, y, 1e-4)
    early = minimise(evaluate, theta, 10)
    lead, left = np.split(early.J.argsort(), [6])
    assert f.objectives_[left] == pytest.approx(early.J[left], rel=1e-12)
    assert (f.objectives_[lead] < early.J[lead]).all()
    half = minimise(evaluate, early.theta[lead], 40)
    best = half.J.argmin()
    end = minimise(evaluate, half.theta[[best]], 50)
    half.J[best] = end.J[0]
    assert f.objectives_[lead] == pytest.approx(half.J, rel=1e-9)
    assert evaluate(flatten(f.parameters_)[None])[0] == pytest.approx(f.objectives_.min())


def test_a_step_that_gains_less_than_its_slope_promises_is_not_taken():
    """Armijo's rule asks for 1e-4 of the slope along the step, here the sum of four squares."""

    def reached(share):
        values = iter([1.0, 1 - share * 1e-4])
        slope = np.full((1, 4), 0.5)
        return minimise(lambda theta: (np.array([next(values)]), slope), np.zeros((1, 4)), 2).J[0]

    assert reached(0.9) == 1 and reached(1.1) == pytest.approx(1 - 1.1e-4, rel=1e-15)


def test_the_polish_takes_as_many_steps_as_it_may(monkeypatch):
    x, y = standard(S + np.random.default_rng(0).standard_normal(60), 1)
    start = minimise(evaluator(1, x, y, 1e-2), starts(1, 1, 1), 8).theta[0]
    seen, whole = [], hessian

    def counted(*arguments):
        seen.append(1)
        return whole(*arguments)

    monkeypatch.setattr(_search, "hessian", counted)
    polish(start, 1, x, y, 1e-2)
    needed = len(seen)
    assert needed > 2
    polish(start, 1, x, y, 1e-2, steps=needed)
    with pytest.raises(ArithmeticError, match=f"within {needed - 1} Newton"):
        polish(start, 1, x, y, 1e-2, steps=needed - 1)
