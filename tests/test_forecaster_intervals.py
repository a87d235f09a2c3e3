"""Intervals hold the forecast and the data when the errors are lopsided."""

import numpy as np
import pytest

from rnn_lit import Forecaster

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


def test_the_draws_are_the_errors_as_they_are():
    """Under a strong penalty the errors have a mean; taking it off would move the fan off the data.

    The network is then nearly the constant 0, so what follows is spread as the series itself.
    """
    s = 100 + np.random.default_rng(2).standard_normal(300).cumsum()
    s = np.concatenate([s, s[::-1]])
    f = Forecaster(1, penalty=1e4, starts=2, rounds=200).fit(s[:400])
    assert abs(f.residuals_.mean()) > 1e-3
    band = f.predict(1, interval=0.5, draws=20000)
    lower, upper = np.quantile(s[1:400], [0.25, 0.75])
    assert band.lower[0] == pytest.approx(lower, abs=0.1 * s.std())
    assert band.upper[0] == pytest.approx(upper, abs=0.1 * s.std())


def test_a_biased_equation_still_covers_what_its_errors_say():
    f = Forecaster(1, penalty=1e-3, starts=2, rounds=60).fit(lopsided(400, 3))
    f.parameters_.b_y[:] -= 1.0  # forecasts are too low by one standard deviation
    f._keep(f._settings, **{k: v for k, v in vars(f).items() if k in KEPT})
    later, inside = lopsided(400, 4), []
    for t in range(50, 390, 5):
        band = f.predict(1, interval=0.8, series=later[:t], draws=400)
        inside.append(band.lower[0] <= later[t] <= band.upper[0])
    assert 0.7 < np.mean(inside) <= 1.0


KEPT = (
    "series_", "index_", "name_", "mean_", "scale_", "parameters_", "penalty_", "objectives_",
    "n_iter_", "converged_", "interrupted_",
)  # fmt: skip
