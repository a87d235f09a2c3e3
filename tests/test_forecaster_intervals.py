"""Intervals: errors outside the sample, counted as exchangeability asks, around the forecast."""

import numpy as np
import pytest

from rnn_lit import Forecaster
from rnn_lit._rolling import folds_of, half_widths

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


def test_an_interval_counts_errors_as_exchangeability_asks():
    """Of n + 1 sizes in any order, the last is within the quantile of the others as often as said.

    For a place that is whole this holds exactly: with n = 9, in 9 of 10 orders.
    """
    sizes = np.random.default_rng(0).exponential(size=10)
    for n, interval in ((9, 0.9), (9, 0.5), (9, 0.1)):
        held = [
            sizes[i] <= half_widths(np.delete(sizes, i)[:, None], interval)[0] for i in range(n + 1)
        ]
        assert np.mean(held) == pytest.approx(interval, abs=1e-12)


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
