"""Intervals: errors outside the sample, counted as exchangeability asks, around the forecast."""

import itertools

import numpy as np
import pytest
from scipy.special import betainc

from rnn_lit import Forecaster
from rnn_lit._law import _resampled, half_widths
from rnn_lit._rolling import folds_of

pytestmark = pytest.mark.filterwarnings("ignore:the search")


def lopsided(length, seed):
    """Steps up that are rare and high: the mean of the errors lies far from their median."""
    rng = np.random.default_rng(seed)
    s, e = np.zeros(length), rng.exponential(size=length) ** 3
    for t in range(1, length):
        s[t] = 0.5 * s[t - 1] + e[t]
    return s


@pytest.mark.parametrize("interval", [0.01, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("penalty", [1e-3, 1e-1, 10.0])
def test_the_forecast_lies_in_its_interval(interval, penalty):
    f = Forecaster(1, penalty=penalty, starts=2, rounds=60).fit(lopsided(200, 1))
    band = f.predict(12, interval=interval)
    assert (band.lower <= band.mean).all() and (band.mean <= band.upper).all()
    assert (band.lower < band.upper).all()


def smallest(sizes, j):
    """The mean of the jth smallest of all resamples, each looked at."""
    return np.mean([sorted(drawn)[j - 1] for drawn in itertools.product(sizes, repeat=len(sizes))])


def test_a_place_has_the_mean_of_its_size_over_all_resamples():
    sizes = [0.5, 1.0, 3.0, 7.0, 8.0]
    for j in range(1, 6):
        assert _resampled(5, j) @ sizes == pytest.approx(smallest(sizes, j), rel=1e-13)


@pytest.mark.parametrize("k", [1, 9, 40, 300, 5000])
def test_the_weights_are_differences_of_the_incomplete_beta_function(k):
    for j in {1, k // 2 + 1, int(0.9 * (k + 1)) or 1, k}:
        wanted = np.diff(betainc(j, k - j + 1, np.arange(k + 1) / k))
        assert _resampled(k, j) == pytest.approx(wanted, abs=1e-12)


def test_between_two_places_the_quantile_lies_on_the_line_between_them():
    sizes = np.array([5.0, -1.0, 2.0, -9.0, 3.0, 7.0, -4.0, 6.0, 8.0, 20.0])
    r = np.sort(abs(sizes))
    for interval, wanted in (
        (0.5, (_resampled(10, 5) @ r + _resampled(10, 6) @ r) / 2),  # place 5.5
        (0.05, 0.55 * _resampled(10, 1) @ r),  # below the least, from 0
        (0.9, 0.1 * _resampled(10, 9) @ r + 0.9 * _resampled(10, 10) @ r),
    ):
        assert half_widths(sizes[:, None], interval)[0] == pytest.approx(wanted)


def test_an_interval_is_as_wide_as_those_of_fewer_steps_at_least():
    sizes = np.arange(1.0, 12)[:, None]
    assert half_widths(sizes * [1, 0.5, 3, 2], 0.5) == pytest.approx([6, 6, 18, 18])


def test_an_interval_counts_errors_as_exchangeability_asks():
    """Of n + 1 uniform sizes the last is within the quantile of the others as the docstring says.

    The mean of the ith smallest of n uniform sizes is i/(n + 1), and so is the probability that
    one more is smaller.
    """
    for n in (9, 19, 99, 999):  # the smoothing costs less than half a place
        expected = np.arange(1, n + 1)[:, None] / (n + 1)
        assert 0 < 0.9 - half_widths(expected, 0.9)[0] < 0.5 / (n + 1)
    assert round(half_widths(np.arange(1, 10)[:, None] / 10, 0.9)[0], 2) == 0.85


def test_too_few_errors_are_refused_and_named():
    with pytest.raises(ValueError, match="steps is 2, but the series leaves 8 errors 2 steps"):
        half_widths(np.vstack([np.ones((8, 2)), [1, np.nan]]), 0.5)
    with pytest.raises(ValueError, match="interval is 0.95, wanted at most 0.900"):
        half_widths(np.ones((9, 1)), 0.95)
    f = Forecaster(1, lags=2, penalty=1.0, starts=1, rounds=20).fit(lopsided(20, 1))
    with pytest.raises(ValueError, match="errors 1 steps ahead outside the sample, wanted at"):
        f.predict(1, interval=0.5)
    assert f.predict(1).shape == (1,)


def test_what_update_appends_widens_or_narrows_the_intervals():
    s = lopsided(120, 5)
    f = Forecaster(1, penalty=1.0, starts=1, rounds=30).fit(s[:80])
    before = f.predict(1, interval=0.8)
    f.update(s[:40] + 50 * np.sign(np.sin(np.arange(40.0))))
    after = f.predict(1, interval=0.8)
    assert after.upper - after.lower > 1.5 * (before.upper - before.lower)


def test_no_error_outside_the_sample_has_seen_its_value():
    """Fold by fold the equation is the one that the values before the fold give."""
    v = np.random.default_rng(3).standard_normal(90).cumsum()
    settings = dict(n=2, lags=1, linear=None, season=None, seed=0, starts=2, rounds=60)
    folds = folds_of(v, settings, "lags", (0.01,))
    changed = v.copy()
    changed[folds[2].start :] += 7 * np.sin(np.arange(90 - folds[2].start))
    for one, two in zip(folds[:3], folds_of(changed, settings, "lags", (0.01,))):
        assert all(map(np.array_equal, flat(one.equations[0]), flat(two.equations[0])))
    assert folds[0].start == 54 and folds[-1].stop == 90
    assert all(a.stop == b.start for a, b in zip(folds, folds[1:]))


def flat(equation):
    return [*equation.line[:2], *equation.parameters]
